package exporter

import (
	"context"
	"fmt"

	"github.com/shirou/gopsutil/v3/mem"
)

type memoryCollector struct {
	host                                    Host
	total, available, free, buffers, cached *Metric
	swapTotal, swapFree                     *Metric
}

func newMemory(h Host) Collector {
	return &memoryCollector{
		host:      h,
		total:     gauge("fettle_node_memory_total_bytes", "Memory that the kernel manages."),
		available: gauge("fettle_node_memory_available_bytes", "Memory that can be had without swapping, as the kernel estimates it."),
		free:      gauge("fettle_node_memory_free_bytes", "Memory that is not used for anything, caches included."),
		buffers:   gauge("fettle_node_memory_buffers_bytes", "Memory that caches raw blocks."),
		cached:    gauge("fettle_node_memory_cached_bytes", "Memory that caches files, with the kernel's reclaimable slab."),
		swapTotal: gauge("fettle_node_memory_swap_total_bytes", "Swap space."),
		swapFree:  gauge("fettle_node_memory_swap_free_bytes", "Swap space that is not used."),
	}
}

func (c *memoryCollector) Metrics() []*Metric {
	return []*Metric{c.total, c.available, c.free, c.buffers, c.cached, c.swapTotal, c.swapFree}
}

func (c *memoryCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	m, err := mem.VirtualMemoryWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	// gopsutil answers an unreadable file, or one without these lines, with zeros.
	if m.Total == 0 || m.Free+m.Available+m.Cached == 0 {
		return fmt.Errorf("read memory: no figures in %s", c.host.proc("meminfo"))
	}
	emit(c.total, float64(m.Total))
	emit(c.available, float64(m.Available))
	emit(c.free, float64(m.Free))
	emit(c.buffers, float64(m.Buffers))
	emit(c.cached, float64(m.Cached))
	emit(c.swapTotal, float64(m.SwapTotal))
	emit(c.swapFree, float64(m.SwapFree))
	return nil
}
