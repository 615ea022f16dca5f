package exporter

import (
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type loadCollector struct {
	file  *procfs.File
	loads [3]*Metric
}

func newLoad(h Host) Collector {
	return &loadCollector{
		file: procfs.New(h.proc("loadavg")),
		loads: [3]*Metric{
			gauge("fettle_node_load1", "Load average of 1 minute."),
			gauge("fettle_node_load5", "Load average of 5 minutes."),
			gauge("fettle_node_load15", "Load average of 15 minutes."),
		},
	}
}

func (c *loadCollector) Metrics() []*Metric { return c.loads[:] }

// Collect reads the file itself on every platform: gopsutil answers one that it
// cannot read with sysinfo(2) of the machine that it runs on. All zero is an idle
// machine.
func (c *loadCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.file.Read()
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	line, _ := procfs.Line(text)
	var loads [3]float64
	for i, rest := 0, line; i < len(loads); i++ {
		var field []byte
		var ok bool
		field, rest = procfs.Field(rest)
		if loads[i], ok = procfs.Decimal(field); !ok {
			return fmt.Errorf("read load: three numbers expected in %s, got %q", c.file.Path(), line)
		}
	}
	for i, m := range c.loads {
		emit(m, loads[i])
	}
	return nil
}
