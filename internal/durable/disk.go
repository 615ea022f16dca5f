package durable

import (
	"fmt"
	"os"
)

// Op is a kind of Step.
type Op string

// The steps that change what is on a disk, or make it certain.
const (
	Create        Op = "create"
	Write         Op = "write"
	Sync          Op = "sync" // fsync or fdatasync
	Cut           Op = "truncate"
	Rename        Op = "rename"
	Remove        Op = "remove"
	SyncDirectory Op = "sync-directory"
	Reserve       Op = "reserve"
)

// Step is one of them, as it is about to be done.
type Step struct {
	Op   Op
	Path string
	// To is the new name.
	To string
	// Data is what is written, valid until Before returns.
	Data []byte
	// Offset is where Data goes, the size to which a file is cut, or the end of
	// what is reserved.
	Offset int64
}

// Disk writes files. The zero Disk is the one that programs want.
type Disk struct {
	// Before, if set, is called ahead of each step. If it returns an error, the
	// step is not done and fails with it.
	Before func(Step) error
}

func (d Disk) step(s Step, do func() error) error {
	if d.Before != nil {
		if err := d.Before(s); err != nil {
			return &os.PathError{Op: string(s.Op), Path: s.Path, Err: err}
		}
	}
	return do()
}

// File is a file that is being written, at its end.
type File struct {
	disk Disk
	file *os.File
	size int64
}

// OpenFile opens path to append to it. It is created if flag says so.
func (d Disk) OpenFile(path string, flag int, perm os.FileMode) (*File, error) {
	return d.open(path, flag|os.O_APPEND|os.O_WRONLY, perm)
}

func (d Disk) open(path string, flag int, perm os.FileMode) (*File, error) {
	var f *os.File
	open := func() (err error) {
		f, err = os.OpenFile(path, flag, perm)
		return err
	}
	var err error
	if _, missing := os.Lstat(path); flag&os.O_CREATE != 0 && missing != nil {
		err = d.step(Step{Op: Create, Path: path}, open)
	} else {
		err = open()
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{d, f, info.Size()}, nil
}

// Size is the length of the file.
func (f *File) Size() int64 { return f.size }

// Write appends b.
func (f *File) Write(b []byte) (n int, err error) {
	err = f.disk.step(Step{Op: Write, Path: f.file.Name(), Data: b, Offset: f.size}, func() error {
		n, err = f.file.Write(b)
		return err
	})
	f.size += int64(n)
	return n, err
}

// Sync makes the file durable (fsync). An error is ErrSync and final.
func (f *File) Sync() error { return f.sync(f.file.Sync) }

// Datasync is Sync without the file's times (fdatasync).
func (f *File) Datasync() error {
	return f.sync(func() error { return datasync(f.file) })
}

func (f *File) sync(do func() error) error {
	if err := f.disk.step(Step{Op: Sync, Path: f.file.Name()}, do); err != nil {
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
	return nil
}

// Truncate cuts the file. What was reserved behind that is given back.
func (f *File) Truncate(size int64) error {
	err := f.disk.step(Step{Op: Cut, Path: f.file.Name(), Offset: size}, func() error { return f.file.Truncate(size) })
	if err == nil {
		f.size = size
	}
	return err
}

// Reserve gives the file room on the disk up to the byte end, without making it
// longer: writes up to there do not fail for want of space. Where the file
// system cannot do that, the error is errors.ErrUnsupported.
func (f *File) Reserve(end int64) error {
	if end <= f.size {
		return nil
	}
	return f.disk.step(Step{Op: Reserve, Path: f.file.Name(), Offset: end}, func() error {
		return allocate(f.file, f.size, end-f.size)
	})
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Datasync makes what was written to f durable: the bytes, and the length that
// is needed to read them back.
func Datasync(f *os.File) error {
	if err := datasync(f); err != nil {
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
	return nil
}
