package durable

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// datasync is fdatasync: the bytes, and the length that is needed to read them
// back, but no times.
func datasync(f *os.File) error {
	if err := again(func() error { return unix.Fdatasync(int(f.Fd())) }); err != nil {
		return fmt.Errorf("fdatasync %s: %w", f.Name(), err)
	}
	return nil
}

// allocate reserves a range of the file that may lie behind its end.
func allocate(f *os.File, offset, length int64) error {
	err := again(func() error { return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, length) })
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return errors.ErrUnsupported
	case err != nil:
		return fmt.Errorf("fallocate %s: %w", f.Name(), err)
	}
	return nil
}

// again repeats a call that a signal interrupted before it could fail.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
