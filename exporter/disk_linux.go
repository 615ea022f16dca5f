package exporter

import (
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type diskSource struct {
	file  *procfs.File
	disks []diskLine
}

// diskLine is the line of one device.
type diskLine struct {
	label   []string // its name, as the values of labels
	skipped bool
	values  [diskColumns]uint64
	read    int // how many of the values there are
}

func newDiskSource(h Host) diskSource { return diskSource{file: procfs.New(h.proc("diskstats"))} }

func (c *diskCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.source.file.Read()
	if err != nil {
		return fmt.Errorf("read disk I/O: %w", err)
	}
	n, found := 0, false
	for ; len(text) > 0; n++ {
		var line []byte
		line, text = procfs.Line(text)
		if err := c.read(n, line); err != nil {
			return fmt.Errorf("read disk I/O: %s: %w", c.source.file.Path(), err)
		}
		found = found || !c.source.disks[n].skipped
	}
	c.source.disks = c.source.disks[:n]
	if !found {
		return fmt.Errorf("read disk I/O: no disk in %s", c.source.file.Path())
	}
	for i := range c.source.disks {
		d := &c.source.disks[i]
		if d.skipped {
			continue
		}
		for column, value := range d.values[:d.read] {
			emit(c.columns[column].metric, float64(value)*c.columns[column].unit, d.label...)
		}
	}
	return nil
}

// read makes the line of a device the i-th of the source.
func (c *diskCollector) read(i int, line []byte) error {
	if i == len(c.source.disks) {
		c.source.disks = append(c.source.disks, diskLine{label: []string{""}})
	}
	d := &c.source.disks[i]
	major, rest := procfs.Field(line)
	minor, rest := procfs.Field(rest)
	name, rest := procfs.Field(rest)
	_, numbered := procfs.Uint(major)
	_, numbered2 := procfs.Uint(minor)
	if !numbered || !numbered2 || len(name) == 0 {
		return fmt.Errorf("want a device's numbers and name, got %q", line)
	}
	if d.label[0] != string(name) {
		d.label = []string{string(name)}
		d.skipped = c.skip.Match(name)
	}
	var ok bool
	if d.read, ok = procfs.Uints(rest, d.values[:]); !ok || d.read <= ioWeightedMillis {
		return fmt.Errorf("want at least %d numbers of %s, got %q", ioWeightedMillis+1, name, rest)
	}
	return nil
}
