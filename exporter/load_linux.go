package exporter

import (
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type loadSource struct{ file *procfs.File }

func newLoadSource(h Host) loadSource { return loadSource{procfs.New(h.proc("loadavg"))} }

// Collect reads the file itself: gopsutil answers one that it cannot read with
// sysinfo(2) of the machine that it runs on.
func (c *loadCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.source.file.Read()
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
			return fmt.Errorf("read load: three numbers expected in %s, got %q", c.source.file.Path(), line)
		}
	}
	return c.tell(loads, emit)
}
