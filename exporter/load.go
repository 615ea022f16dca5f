package exporter

import (
	"context"
	"fmt"
	"os"
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

// Collect reads the file itself: gopsutil answers one that it cannot read with
// sysinfo(2) of the machine that it runs on. All zero is an idle machine.
func (c *loadCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	path := c.host.proc("loadavg")
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	var load1, load5, load15 float64
	if _, err := fmt.Sscan(string(text), &load1, &load5, &load15); err != nil {
		return fmt.Errorf("read load: three numbers expected in %s: %w", path, err)
	}
	emit(c.load1, load1)
	emit(c.load5, load5)
	emit(c.load15, load15)
	return nil
}
