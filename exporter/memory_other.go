//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v3/mem"
)

// memorySource is nothing that is kept: gopsutil asks the kernel each time.
type memorySource struct{}

func newMemorySource(Host) memorySource { return memorySource{} }

func (c *memoryCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	m, err := mem.VirtualMemoryWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	bytes := map[string]uint64{"MemTotal": m.Total, "MemAvailable": m.Available, "MemFree": m.Free, "Buffers": m.Buffers}
	swap, err := mem.SwapMemoryWithContext(c.host.context(ctx))
	switch {
	case err == nil:
		bytes["SwapTotal"], bytes["SwapFree"] = swap.Total, swap.Free
		bytes["CommitLimit"], bytes["Committed_AS"] = swap.Total, swap.Used
	case err.Error() == "no swap devices found": // FreeBSD's way to have none
		bytes["SwapTotal"], bytes["SwapFree"] = 0, 0
		err = nil
	default:
		err = fmt.Errorf("read swap: %w", err)
	}
	return errors.Join(err, c.tell(runtime.GOOS, bytes, emit))
}
