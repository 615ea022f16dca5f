package exporter

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type networkSource struct {
	file    *procfs.File
	devices []networkLine
}

// networkLine is the line of one device.
type networkLine struct {
	label   []string // its name, as the values of labels
	skipped bool
	values  [networkColumns]uint64
}

func newNetworkSource(h Host) networkSource {
	return networkSource{file: procfs.New(h.proc("net/dev"))}
}

func (c *networkCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.source.file.Read()
	if err != nil {
		return fmt.Errorf("read network counters: %w", err)
	}
	n := 0
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		if bytes.IndexByte(line, '|') >= 0 {
			continue // a heading
		}
		if err := c.read(n, line); err != nil {
			return fmt.Errorf("read network counters: %s: %w", c.source.file.Path(), err)
		}
		n++
	}
	if n == 0 { // not even the loopback
		return fmt.Errorf("read network counters: no device in %s", c.source.file.Path())
	}
	c.source.devices = c.source.devices[:n]
	for i := range c.source.devices {
		d := &c.source.devices[i]
		if d.skipped {
			continue
		}
		for column, value := range d.values {
			emit(c.columns[column], float64(value), d.label...)
		}
	}
	return nil
}

// read makes the line of a device the i-th of the source.
func (c *networkCollector) read(i int, line []byte) error {
	if i == len(c.source.devices) {
		c.source.devices = append(c.source.devices, networkLine{label: []string{""}})
	}
	d := &c.source.devices[i]
	// The last colon: an alias (eth0:1) has one in its name.
	colon := bytes.LastIndexByte(line, ':')
	if colon < 0 {
		return fmt.Errorf("want a device's name, got %q", line)
	}
	name, _ := procfs.Field(line[:colon])
	if len(name) == 0 {
		return fmt.Errorf("want a device's name, got %q", line)
	}
	if d.label[0] != string(name) {
		d.label = []string{string(name)}
		d.skipped = c.skip.Match(name)
	}
	if n, ok := procfs.Uints(line[colon+1:], d.values[:]); !ok || n < networkColumns {
		return fmt.Errorf("want %d numbers of %s, got %q", networkColumns, name, line[colon+1:])
	}
	return nil
}
