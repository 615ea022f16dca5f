//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"
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
	if len(times) == 0 { // what gopsutil makes of an unreadable file
		return fmt.Errorf("read CPU times: no CPU in %s", c.host.proc("stat"))
	}
	var errs []error
	for _, t := range times {
		if t.User+t.Nice+t.System+t.Idle+t.Iowait+t.Irq+t.Softirq+t.Steal == 0 {
			errs = append(errs, fmt.Errorf("read CPU times: all zero for %s in %s", t.CPU, c.host.proc("stat")))
			continue
		}
		name := strings.TrimPrefix(t.CPU, "cpu")
		emit(c.seconds, t.User, name, "user")
		emit(c.seconds, t.Nice, name, "nice")
		emit(c.seconds, t.System, name, "system")
		emit(c.seconds, t.Idle, name, "idle")
		emit(c.seconds, t.Iowait, name, "iowait")
		emit(c.seconds, t.Irq, name, "irq")
		emit(c.seconds, t.Softirq, name, "softirq")
		emit(c.seconds, t.Steal, name, "steal")
	}
	return errors.Join(errs...)
}
