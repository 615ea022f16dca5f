package exporter

import (
	"context"
	"fmt"
	"os"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type vmCollector struct {
	file   *procfs.File
	fields map[string]*vmField
	told   []*vmField // each once, in order
}

// vmField is what one or several lines of /proc/vmstat add up to.
type vmField struct {
	metric *Metric
	labels []string
	unit   float64
	sum    uint64
	there  bool
}

func newVM(h Host) Collector {
	c := &vmCollector{file: procfs.New(h.proc("vmstat")), fields: map[string]*vmField{}}
	total := func(name, help string, labels ...string) *Metric {
		return counter("fettle_node_vm_"+name+"_total", help, labels...)
	}
	add := func(m *Metric, label string, unit float64, lines ...string) {
		f := &vmField{metric: m, unit: unit}
		if label != "" {
			f.labels = []string{label}
		}
		c.told = append(c.told, f)
		for _, line := range lines {
			c.fields[line] = f
		}
	}
	const one, kibi = 1, 1024
	page := float64(os.Getpagesize())
	add(total("oom_kills", "Processes that the kernel killed for want of memory."), "", one, "oom_kill")
	add(total("page_faults", "Page faults, major ones included."), "", one, "pgfault")
	add(total("major_page_faults", "Page faults that had to wait for a disk."), "", one, "pgmajfault")
	add(total("paged_in_bytes", "Bytes read from disks."), "", kibi, "pgpgin")
	add(total("paged_out_bytes", "Bytes written to disks."), "", kibi, "pgpgout")
	add(total("swapped_in_bytes", "Bytes read from swap."), "", page, "pswpin")
	add(total("swapped_out_bytes", "Bytes written to swap."), "", page, "pswpout")
	scanned := total("scanned_bytes", "Memory that was looked at to reclaim it, by kswapd ahead of need or directly by who needed it.", "by")
	add(scanned, "kswapd", page, "pgscan_kswapd")
	add(scanned, "direct", page, "pgscan_direct")
	reclaimed := total("reclaimed_bytes", "Memory that was reclaimed, by kswapd ahead of need or directly by who needed it.", "by")
	add(reclaimed, "kswapd", page, "pgsteal_kswapd")
	add(reclaimed, "direct", page, "pgsteal_direct")
	add(total("allocation_stalls", "Allocations that had to reclaim memory first."), "", one,
		"allocstall", "allocstall_dma", "allocstall_dma32", "allocstall_normal", "allocstall_movable", "allocstall_device")
	add(total("compaction_stalls", "Allocations that had to compact memory first: it is fragmented."), "", one, "compact_stall")
	add(total("compaction_failures", "Compactions that did not make room."), "", one, "compact_fail")
	return c
}

func (c *vmCollector) Metrics() []*Metric {
	var metrics []*Metric
	for _, f := range c.told {
		if n := len(metrics); n == 0 || metrics[n-1] != f.metric {
			metrics = append(metrics, f.metric)
		}
	}
	return metrics
}

// Collect leaves out what this kernel does not count.
func (c *vmCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.file.Read()
	if err != nil {
		return fmt.Errorf("read virtual memory: %w", err)
	}
	for _, f := range c.told {
		f.sum, f.there = 0, false
	}
	found := false
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		name, rest := procfs.Field(line)
		f := c.fields[string(name)]
		if f == nil {
			continue
		}
		value, _ := procfs.Field(rest)
		n, ok := procfs.Uint(value)
		if !ok {
			return fmt.Errorf("read virtual memory: %s: want a number, got %q", c.file.Path(), line)
		}
		f.sum, f.there, found = f.sum+n, true, true
	}
	if !found {
		return fmt.Errorf("read virtual memory: no figures in %s", c.file.Path())
	}
	for _, f := range c.told {
		if f.there {
			emit(f.metric, float64(f.sum)*f.unit, f.labels...)
		}
	}
	return nil
}
