//go:build !linux

package exporter

import (
	"context"

	"github.com/shirou/gopsutil/v3/disk"
)

// mountSource is nothing that is kept: gopsutil asks the kernel each time.
type mountSource struct{}

func newMountSource(Host) mountSource { return mountSource{} }

// read lists all mounts; whether they changed is not known.
func (*mountSource) read(ctx context.Context, h Host) (mounts []mount, changed bool, err error) {
	// With all=false every file system without a block device would be missing:
	// NFS, FUSE, tmpfs.
	all, err := disk.PartitionsWithContext(h.context(ctx), true)
	for _, p := range all {
		mounts = append(mounts, mount{p.Device, p.Fstype, place{mountpoint: p.Mountpoint}})
	}
	return mounts, true, err
}
