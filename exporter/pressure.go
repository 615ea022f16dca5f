package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type pressureCollector struct {
	host             Host
	waiting, stalled *Metric
	resources        []pressureFile
}

// pressureFile is the file of one resource.
type pressureFile struct {
	file  *procfs.File
	label []string // the resource, as the values of labels
}

func newPressure(h Host) Collector {
	c := &pressureCollector{
		host:    h,
		waiting: counter("fettle_node_pressure_waiting_seconds_total", "Time in which at least one process waited for the resource.", "resource"),
		stalled: counter("fettle_node_pressure_stalled_seconds_total", "Time in which nothing ran because all waited for the resource.", "resource"),
	}
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		c.resources = append(c.resources, pressureFile{procfs.New(h.proc("pressure/" + resource)), []string{resource}})
	}
	return c
}

func (c *pressureCollector) Metrics() []*Metric { return []*Metric{c.waiting, c.stalled} }

// Collect leaves out what this kernel does not account for.
func (c *pressureCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	var errs []error
	for _, r := range c.resources {
		text, err := r.file.Read()
		// psi=0 at boot, or a kernel without it.
		if errors.Is(err, syscall.EOPNOTSUPP) || c.host.lacks(err) {
			continue
		}
		if err == nil {
			err = c.tell(r, text, emit)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read pressure: %w", err))
		}
	}
	return errors.Join(errs...)
}

// tell reads lines such as "some avg10=0.00 avg60=0.00 avg300=0.00 total=42", whose
// last number is in microseconds.
func (c *pressureCollector) tell(r pressureFile, text []byte, emit Emit) error {
	var micros [2]uint64
	var there [2]bool
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		kind, _ := procfs.Field(line)
		i := bytes.Index(line, []byte(" total="))
		line = line[max(i, 0):]
		total, ok := procfs.Uint(bytes.TrimPrefix(line, []byte(" total=")))
		if !ok {
			return fmt.Errorf("%s: want a line with a total, got %q", r.file.Path(), line)
		}
		switch string(kind) {
		case "some":
			micros[0], there[0] = total, true
		case "full":
			micros[1], there[1] = total, true
		}
	}
	if !there[0] && !there[1] {
		return fmt.Errorf("%s: neither some nor full", r.file.Path())
	}
	for i, m := range []*Metric{c.waiting, c.stalled} {
		if there[i] {
			emit(m, float64(micros[i])/1e6, r.label...)
		}
	}
	return nil
}

// lacks tells that err is of a file that this kernel does not have: one that is not
// there, in a procfs that is.
func (h Host) lacks(err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Stat(h.proc("stat"))
	return err == nil
}
