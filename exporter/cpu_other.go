//go:build !linux

package exporter

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v3/cpu"
)

// cpuSource is nothing that is kept: gopsutil asks the kernel each time.
type cpuSource struct{}

func newCPUSource(Host) cpuSource { return cpuSource{} }

// Collect tells the modes alone.
func (c *cpuCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	times, err := cpu.TimesWithContext(c.host.context(ctx), true)
	if err != nil {
		return fmt.Errorf("read CPU times: %w", err)
	}
	cpus := make([]cpuFigures, len(times))
	for i, t := range times {
		cpus[i] = cpuFigures{strings.TrimPrefix(t.CPU, "cpu"), map[string]float64{
			"user": t.User, "nice": t.Nice, "system": t.System, "idle": t.Idle, "irq": t.Irq,
		}}
	}
	return c.tell(runtime.GOOS, cpus, emit)
}
