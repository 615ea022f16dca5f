//go:build unix

package tree

import (
	"io/fs"
	"syscall"
)

// device tells file systems apart.
type device uint64

func deviceOf(info fs.FileInfo) device {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return device(s.Dev) //nolint:gosec,unconvert // another type on each system
	}
	return 0
}
