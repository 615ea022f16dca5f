//go:build !linux

package exporter

import (
	"context"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v3/disk"
)

// diskSource is nothing that is kept: gopsutil asks the kernel each time.
type diskSource struct{}

func newDiskSource(Host) diskSource { return diskSource{} }

// Collect tells the columns that gopsutil has: neither discards nor flushes.
func (c *diskCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	all, err := disk.IOCountersWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read disk I/O: %w", err)
	}
	var disks []diskFigures
	for name, d := range all {
		disks = append(disks, diskFigures{name, map[int]uint64{
			readsCompleted: d.ReadCount, sectorsRead: d.ReadBytes, readMillis: d.ReadTime,
			writesCompleted: d.WriteCount, sectorsWritten: d.WriteBytes, writeMillis: d.WriteTime, ioMillis: d.IoTime,
		}})
	}
	return c.tell(runtime.GOOS, disks, emit)
}
