//go:build darwin || freebsd

package exporter

import (
	"errors"

	"golang.org/x/sys/unix"
)

func statfs(path string) (space, error) {
	var s unix.Statfs_t
	for {
		err := unix.Statfs(path, &s)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		block := float64(s.Bsize)
		return space{
			size: float64(s.Blocks) * block, avail: float64(s.Bavail) * block, free: float64(s.Bfree) * block,
			files: float64(s.Files), filesFree: float64(s.Ffree), readonly: s.Flags&unix.MNT_RDONLY != 0,
		}, err
	}
}
