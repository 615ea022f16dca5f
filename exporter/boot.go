package exporter

import (
	"context"
	"fmt"
	"sync"

	"github.com/shirou/gopsutil/v3/host"
)

type bootCollector struct {
	host Host
	time *Metric

	mu   sync.Mutex
	told uint64
}

func newBoot(h Host) Collector {
	return &bootCollector{
		host: h,
		time: gauge("fettle_node_boot_time_seconds", "When the machine booted, as a Unix time."),
	}
}

func (c *bootCollector) Metrics() []*Metric { return []*Metric{c.time} }

func (c *bootCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	t, err := host.BootTimeWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read boot time: %w", err)
	}
	if t == 0 {
		return fmt.Errorf("read boot time: none in %s", c.host.proc("stat"))
	}
	emit(c.time, float64(c.steady(t)))
	return nil
}

// steady keeps the time told before, where t differs by no more than a second.
// gopsutil computes it anew each time, as now - uptime in whole seconds, which
// flips at every rounding: `changes()` over it would see reboots.
func (c *bootCollector) steady(t uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t > c.told+1 || t+1 < c.told {
		c.told = t
	}
	return c.told
}
