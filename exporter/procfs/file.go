// Package procfs reads the files of Linux' /proc that every scrape reads: with
// descriptors that stay open, into buffers that are kept, and without an
// allocation per line or field.
//
// file.go is the file, parse.go what takes its text apart. What the text means is
// the collectors' business.
package procfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// limit is more than any of these files has: 64 MiB. The longest in practice is
// mountinfo on a host of containers, with a few MiB.
const limit = 64 << 20

// File is a file that is opened once and read from its beginning each time. It is
// not for use by several goroutines at once. A File that is forgotten is closed by
// the garbage collector.
type File struct {
	path string
	file *os.File
	text []byte
}

// New makes the File of path, which is opened when it is first read.
func New(path string) *File { return &File{path: path} }

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Read reads the whole text, which is valid until the next Read. It is at least one
// line, and ends with a line's end: all that the kernel writes does, so a text that
// does not was cut.
func (f *File) Read() ([]byte, error) {
	kept := f.file != nil
	err := f.whole()
	if err != nil && kept { // mounted anew, replaced, or the process it told of is gone
		err = f.whole()
	}
	if err != nil {
		return nil, err
	}
	return f.text, nil
}

// whole reads the text and closes what does not give one.
func (f *File) whole() error {
	err := f.read()
	switch {
	case err != nil:
		return err // it is closed
	case len(f.text) == 0:
		err = fmt.Errorf("%s is empty", f.path)
	case f.text[len(f.text)-1] != '\n':
		err = fmt.Errorf("%s ends in the middle of a line", f.path)
	default:
		return nil
	}
	return f.close(err)
}

func (f *File) close(why error) error {
	if err := f.file.Close(); err != nil {
		why = errors.Join(why, err)
	}
	f.file = nil
	return why
}

func (f *File) read() error {
	if f.file == nil {
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		f.file = file
	}
	buffer, length := f.text[:cap(f.text)], 0
	if len(buffer) == 0 {
		buffer = make([]byte, 8<<10)
	}
	for {
		n, err := f.file.ReadAt(buffer[length:], int64(length))
		length += n
		if errors.Is(err, io.EOF) {
			f.text = buffer[:length]
			return nil
		}
		if err == nil && length >= limit {
			err = fmt.Errorf("%s: more than %d bytes", f.path, limit)
		}
		if err != nil {
			return f.close(err)
		}
		if length == len(buffer) {
			buffer = slices.Grow(buffer, len(buffer))
			buffer = buffer[:cap(buffer)]
		}
	}
}
