//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"

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
	// gopsutil may answer what it cannot read with zeros.
	if m.Total == 0 || m.Free+m.Available+m.Cached == 0 {
		return errors.New("read memory: no figures")
	}
	swap, err := mem.SwapMemoryWithContext(c.host.context(ctx))
	if err != nil {
		err = fmt.Errorf("read swap: %w", err)
		swap = nil
	}
	values := map[string]uint64{
		"MemTotal": m.Total, "MemAvailable": m.Available, "MemFree": m.Free, "Buffers": m.Buffers, "Cached": m.Cached,
	}
	if swap != nil {
		values["SwapTotal"], values["SwapFree"] = swap.Total, swap.Free
	}
	for _, f := range c.fields {
		if v, ok := values[f.name]; ok {
			emit(f.metric, float64(v))
		}
	}
	return err
}
