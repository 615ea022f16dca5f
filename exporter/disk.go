package exporter

import (
	"context"
	"fmt"
	"regexp"

	"github.com/shirou/gopsutil/v3/disk"
)

type diskCollector struct {
	host                  Host
	skip                  *regexp.Regexp
	reads, writes         *Metric
	readBytes, writeBytes *Metric
	readTime, writeTime   *Metric
	ioTime                *Metric
}

func newDisk(h Host) Collector {
	return &diskCollector{
		host: h,
		// Memory, loops, floppies, and partitions, whose I/O is their disk's.
		skip:       regexp.MustCompile(`^((z?ram|loop|fd)\d+|(h|s|v|xv)d[a-z]+\d+|(nvme\d+n|mmcblk)\d+p\d+)$`),
		readBytes:  counter("fettle_node_disk_read_bytes_total", "Bytes read from the device.", "device"),
		writeBytes: counter("fettle_node_disk_written_bytes_total", "Bytes written to the device.", "device"),
		reads:      counter("fettle_node_disk_reads_completed_total", "Reads completed by the device.", "device"),
		writes:     counter("fettle_node_disk_writes_completed_total", "Writes completed by the device.", "device"),
		readTime:   counter("fettle_node_disk_read_time_seconds_total", "Time that all reads took together.", "device"),
		writeTime:  counter("fettle_node_disk_write_time_seconds_total", "Time that all writes took together.", "device"),
		ioTime:     counter("fettle_node_disk_io_time_seconds_total", "Time in which the device had I/O under way.", "device"),
	}
}

func (c *diskCollector) Metrics() []*Metric {
	return []*Metric{c.readBytes, c.writeBytes, c.reads, c.writes, c.readTime, c.writeTime, c.ioTime}
}

func (c *diskCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	disks, err := disk.IOCountersWithContext(c.host.context(ctx))
	if err != nil {
		return fmt.Errorf("read disk I/O: %w", err)
	}
	const milli = 1000
	found := false
	for name, d := range disks {
		if c.skip.MatchString(name) {
			continue
		}
		found = true
		emit(c.readBytes, float64(d.ReadBytes), name)
		emit(c.writeBytes, float64(d.WriteBytes), name)
		emit(c.reads, float64(d.ReadCount), name)
		emit(c.writes, float64(d.WriteCount), name)
		emit(c.readTime, float64(d.ReadTime)/milli, name)
		emit(c.writeTime, float64(d.WriteTime)/milli, name)
		emit(c.ioTime, float64(d.IoTime)/milli, name)
	}
	if !found { // gopsutil skips lines that it cannot parse and disks that are all zero
		return fmt.Errorf("read disk I/O: no disk with any I/O in %s", c.host.proc("diskstats"))
	}
	return nil
}
