package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

// limitsCollector tells how much there is of what the kernel gives out up to a
// limit. Each file holds numbers on one line.
type limitsCollector struct {
	host  Host
	files []limitFile
}

// limitFile is a file and what its numbers are; nil is not told.
type limitFile struct {
	file     *procfs.File
	metrics  []*Metric
	optional bool // of a part of the kernel that need not be there
}

func newDescriptors(h Host) Collector {
	return &limitsCollector{h, []limitFile{{file: procfs.New(h.proc("sys/fs/file-nr")), metrics: []*Metric{
		gauge("fettle_node_descriptors_allocated", "Open files of the whole machine."),
		nil, // always 0 since Linux 2.6
		gauge("fettle_node_descriptors_limit", "How many open files the machine can have."),
	}}}}
}

func newConntrack(h Host) Collector {
	file := func(name string, m *Metric) limitFile {
		return limitFile{procfs.New(h.proc("sys/net/netfilter/" + name)), []*Metric{m}, true}
	}
	return &limitsCollector{h, []limitFile{
		file("nf_conntrack_count", gauge("fettle_node_conntrack_entries", "Connections that the kernel tracks.")),
		file("nf_conntrack_max", gauge("fettle_node_conntrack_entries_limit", "How many it can track: new connections beyond are dropped.")),
	}}
}

func (c *limitsCollector) Metrics() []*Metric {
	var metrics []*Metric
	for _, f := range c.files {
		for _, m := range f.metrics {
			if m != nil {
				metrics = append(metrics, m)
			}
		}
	}
	return metrics
}

func (c *limitsCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	var errs []error
	for _, f := range c.files {
		if err := f.tell(emit); err != nil && (!f.optional || !c.host.lacks(err)) {
			errs = append(errs, fmt.Errorf("read limits: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (f limitFile) tell(emit Emit) error {
	text, err := f.file.Read()
	if err != nil {
		return err
	}
	line, _ := procfs.Line(text)
	var values [4]uint64
	if n, ok := procfs.Uints(line, values[:len(f.metrics)]); !ok || n < len(f.metrics) {
		return fmt.Errorf("%s: want %d numbers, got %q", f.file.Path(), len(f.metrics), line)
	}
	for i, m := range f.metrics {
		if m != nil {
			emit(m, float64(values[i]))
		}
	}
	return nil
}
