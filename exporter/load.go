package exporter

import (
	"context"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v3/load"
)

type loadCollector struct {
	host                 Host
	load1, load5, load15 *Metric
}

func newLoad(h Host) Collector {
	return &loadCollector{
		host:   h,
		load1:  gauge("fettle_node_load1", "Load average of 1 minute."),
		load5:  gauge("fettle_node_load5", "Load average of 5 minutes."),
		load15: gauge("fettle_node_load15", "Load average of 15 minutes."),
	}
}

func (c *loadCollector) Metrics() []*Metric { return []*Metric{c.load1, c.load5, c.load15} }

func (c *loadCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	// gopsutil answers an unreadable file with sysinfo(2), which may be another
	// machine's than the procfs that was asked for. Zeros are an idle machine.
	f, err := os.Open(c.host.proc("loadavg"))
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	avg, err := load.AvgWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	emit(c.load1, avg.Load1)
	emit(c.load5, avg.Load5)
	emit(c.load15, avg.Load15)
	return nil
}
