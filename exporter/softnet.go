package exporter

import (
	"context"
	"fmt"
	"strconv"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type softnetCollector struct {
	file *procfs.File

	processed, dropped, squeezed, limited, backlog *Metric
}

func newSoftnet(h Host) Collector {
	return &softnetCollector{
		file:      procfs.New(h.proc("net/softnet_stat")),
		processed: counter("fettle_node_softnet_processed_total", "Packets that the CPU took from network devices.", "cpu"),
		dropped:   counter("fettle_node_softnet_dropped_total", "Packets that the CPU dropped because its backlog was full.", "cpu"),
		squeezed:  counter("fettle_node_softnet_squeezed_total", "How often the CPU stopped taking packets while there were more, because its time or its share was used up.", "cpu"),
		limited:   counter("fettle_node_softnet_flow_limited_total", "Packets dropped because one flow took too much of the backlog. Absent before Linux 3.11.", "cpu"),
		backlog:   gauge("fettle_node_softnet_backlog", "Packets that wait for the CPU. Absent before Linux 5.10.", "cpu"),
	}
}

func (c *softnetCollector) Metrics() []*Metric {
	return []*Metric{c.processed, c.dropped, c.squeezed, c.limited, c.backlog}
}

// The columns of a line, of which there is one for each CPU that is online.
const (
	softnetProcessed = 0
	softnetDropped   = 1
	softnetSqueezed  = 2
	softnetLimited   = 10
	softnetBacklog   = 11
	softnetCPU       = 12 // since Linux 5.10; before, the lines are counted
	softnetColumns   = 16
)

func (c *softnetCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.file.Read()
	if err != nil {
		return fmt.Errorf("read softnet: %w", err)
	}
	var lines [][]uint64
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		values, err := hexadecimal(line)
		if err != nil || len(values) <= softnetSqueezed {
			return fmt.Errorf("read softnet: %s: want hexadecimal numbers, got %q", c.file.Path(), line)
		}
		lines = append(lines, values)
	}
	for i, values := range lines {
		cpu := uint64(i) //nolint:gosec // not negative
		if len(values) > softnetCPU {
			cpu = values[softnetCPU]
		}
		label := strconv.FormatUint(cpu, 10)
		emit(c.processed, float64(values[softnetProcessed]), label)
		emit(c.dropped, float64(values[softnetDropped]), label)
		emit(c.squeezed, float64(values[softnetSqueezed]), label)
		if len(values) > softnetLimited {
			emit(c.limited, float64(values[softnetLimited]), label)
		}
		if len(values) > softnetCPU { // came together with the CPU's number
			emit(c.backlog, float64(values[softnetBacklog]), label)
		}
	}
	return nil
}

// hexadecimal reads the numbers of a line.
func hexadecimal(line []byte) ([]uint64, error) {
	values := make([]uint64, 0, softnetColumns)
	for {
		var field []byte
		if field, line = procfs.Field(line); len(field) == 0 {
			return values, nil
		}
		v, err := strconv.ParseUint(string(field), 16, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
}
