package durable

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Datasync makes what was written to f durable (fdatasync): the bytes, and the
// length that is needed to read them back, but no times.
func Datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if errors.Is(err, unix.EINTR) {
			continue // it was interrupted before it could fail
		}
		if err != nil {
			return fmt.Errorf("%w: fdatasync %s: %w", ErrSync, f.Name(), err)
		}
		return nil
	}
}
