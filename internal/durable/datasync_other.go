//go:build !linux

package durable

import (
	"fmt"
	"os"
)

// Datasync makes what was written to f durable.
func Datasync(f *os.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
	return nil
}
