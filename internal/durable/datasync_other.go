//go:build !linux

package durable

import (
	"errors"
	"os"
)

// datasync makes what was written to f durable.
func datasync(f *os.File) error { return f.Sync() }

// allocate cannot be had here.
func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }
