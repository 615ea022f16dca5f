//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/disk"
)

// diskSource is nothing that is kept: gopsutil asks the kernel each time.
type diskSource struct{}

func newDiskSource(Host) diskSource { return diskSource{} }

// Collect tells the columns that gopsutil has: neither discards nor flushes.
func (c *diskCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	disks, err := disk.IOCountersWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read disk I/O: %w", err)
	}
	found := false
	for name, d := range disks {
		if c.skip.MatchString(name) {
			continue
		}
		found = true
		tell := func(column int, value uint64) { emit(c.columns[column].metric, float64(value), name) }
		tell(sectorsRead, d.ReadBytes)
		tell(sectorsWritten, d.WriteBytes)
		tell(readsCompleted, d.ReadCount)
		tell(writesCompleted, d.WriteCount)
		millis := func(column int, value uint64) {
			emit(c.columns[column].metric, float64(value)*c.columns[column].unit, name)
		}
		millis(readMillis, d.ReadTime)
		millis(writeMillis, d.WriteTime)
		millis(ioMillis, d.IoTime)
	}
	if !found {
		return errors.New("read disk I/O: no disk with any I/O")
	}
	return nil
}
