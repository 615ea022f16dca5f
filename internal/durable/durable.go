// Package durable writes files that must survive a power cut.
//
// To put a file in place, whole or not at all, takes four steps in this order:
//
//  1. write all of it to NAME.tmp, a new file in the same directory;
//  2. fsync NAME.tmp: without it the rename may reach the disk before the
//     bytes, and a crash leaves NAME empty;
//  3. rename NAME.tmp to NAME: readers see the old file or the new one;
//  4. fsync the directory: without it a crash may bring the old file back,
//     after somebody was told that the new one is there.
//
// A crash before step 3 leaves the old file and perhaps a NAME.tmp, which the
// next write removes. A crash after it leaves the old file or the new one,
// after step 4 the new one.
//
// A failed fsync is never tried again. Linux marks the pages clean when it
// reports the error, so that a second fsync would succeed over data that is
// not on the disk (Rebello et al., "Can Applications Recover from fsync
// Failures?", USENIX ATC 2020). Such errors are ErrSync, and the caller has to
// treat what it wrote as unknown.
//
// The functions write to the disk as it is; the methods of Disk do the same and
// let tests see each step, or fail it.
package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrSync says that a sync failed: whether the data is on the disk is unknown.
var ErrSync = errors.New("sync failed")

// WriteFile puts data in place at path, whole or not at all, and returns when
// that is durable. Only one writer per path at a time.
func WriteFile(path string, data []byte, perm os.FileMode) error {
	return Disk{}.WriteFile(path, data, perm)
}

// WriteFile is the function of that name.
func (d Disk) WriteFile(path string, data []byte, perm os.FileMode) error {
	return d.Replace(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Replace is WriteFile for content that write produces.
func Replace(path string, perm os.FileMode, write func(io.Writer) error) error {
	return Disk{}.Replace(path, perm, write)
}

// Replace is the function of that name.
func (d Disk) Replace(path string, perm os.FileMode, write func(io.Writer) error) error {
	tmp := path + ".tmp"
	if err := d.Prepare(tmp, perm, write); err != nil {
		return err
	}
	return d.Place(tmp, path)
}

// Prepare makes tmp anew, with what write produces, and syncs it: steps 1 and 2.
func (d Disk) Prepare(tmp string, perm os.FileMode, write func(io.Writer) error) error {
	if _, err := os.Lstat(tmp); err == nil {
		if err := d.Remove(tmp); err != nil {
			return err
		}
	}
	return d.createSynced(tmp, perm, write)
}

// Place gives tmp its name and makes that durable: steps 3 and 4.
func (d Disk) Place(tmp, path string) error {
	err := d.step(Step{Op: Rename, Path: tmp, To: path}, func() error { return os.Rename(tmp, path) })
	if err != nil {
		os.Remove(tmp)
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// CreateFile writes a file that must not exist yet (fs.ErrExist) and returns
// when it is durable. A crash in between can leave it with any part of data:
// what must be whole is put in place by WriteFile.
func CreateFile(path string, data []byte, perm os.FileMode) error {
	return Disk{}.CreateFile(path, data, perm)
}

// CreateFile is the function of that name.
func (d Disk) CreateFile(path string, data []byte, perm os.FileMode) error {
	err := d.createSynced(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// createSynced creates path with what write produces and syncs it. On an error
// nothing is left of it, as far as that can be said.
func (d Disk) createSynced(path string, perm os.FileMode, write func(io.Writer) error) (err error) {
	f, err := d.open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(path)
		}
	}()
	if err := f.file.Chmod(perm); err != nil { // whatever the umask says
		return err
	}
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Truncate cuts path to size bytes and returns when that is durable.
func Truncate(path string, size int64) error { return Disk{}.Truncate(path, size) }

// Truncate is the function of that name.
func (d Disk) Truncate(path string, size int64) error {
	f, err := d.open(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Remove removes a file. That is durable after SyncDir.
func (d Disk) Remove(path string) error {
	return d.step(Step{Op: Remove, Path: path}, func() error { return os.Remove(path) })
}

// MkdirAll creates dir and its missing parents, each durably.
func MkdirAll(dir string, perm os.FileMode) error { return Disk{}.MkdirAll(dir, perm) }

// MkdirAll is the function of that name.
func (d Disk) MkdirAll(dir string, perm os.FileMode) error {
	info, err := os.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return &os.PathError{Op: "mkdir", Path: dir, Err: errors.New("not a directory")}
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return err
	}
	if err := d.MkdirAll(parent, perm); err != nil {
		return err
	}
	if err := os.Mkdir(dir, perm); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return d.SyncDir(parent)
}

// SyncDir makes the names in dir durable: a file's own fsync does not.
func SyncDir(dir string) error { return Disk{}.SyncDir(dir) }

// SyncDir is the function of that name.
func (d Disk) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := d.step(Step{Op: SyncDirectory, Path: dir}, f.Sync); err != nil {
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
	return nil
}
