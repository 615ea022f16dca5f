package exporter

import "regexp"

type diskCollector struct {
	host    Host
	skip    *regexp.Regexp
	columns [diskColumns]diskColumn
	source  diskSource
}

// diskColumns are the numbers in a line of /proc/diskstats, in the order of the
// kernel's Documentation/admin-guide/iostats.rst. Linux before 4.18 has 11 of them,
// before 5.5 15.
const (
	readsCompleted = iota
	readsMerged
	sectorsRead
	readMillis
	writesCompleted
	writesMerged
	sectorsWritten
	writeMillis
	ioNow
	ioMillis
	ioWeightedMillis
	discardsCompleted
	discardsMerged
	sectorsDiscarded
	discardMillis
	flushes
	flushMillis
	diskColumns
)

// diskColumn is a column's metric, and how much of its unit one is.
type diskColumn struct {
	metric *Metric
	unit   float64
}

func newDisk(h Host) Collector {
	// A sector is 512 bytes here, whatever the device's own are.
	const one, sector, milli = 1, 512, 1.0 / 1000
	total := func(name, help string) *Metric {
		return counter("fettle_node_disk_"+name+"_total", help, "device")
	}
	return &diskCollector{
		host:   h,
		source: newDiskSource(h),
		// Memory, loops, floppies, and partitions, whose I/O is their disk's.
		skip: regexp.MustCompile(`^((z?ram|loop|fd)\d+|(h|s|v|xv)d[a-z]+\d+|(nvme\d+n|mmcblk)\d+p\d+)$`),
		columns: [diskColumns]diskColumn{
			readsCompleted:    {total("reads_completed", "Reads completed by the device."), one},
			readsMerged:       {total("reads_merged", "Reads that were merged into others next to them."), one},
			sectorsRead:       {total("read_bytes", "Bytes read from the device."), sector},
			readMillis:        {total("read_time_seconds", "Time that all reads took together."), milli},
			writesCompleted:   {total("writes_completed", "Writes completed by the device."), one},
			writesMerged:      {total("writes_merged", "Writes that were merged into others next to them."), one},
			sectorsWritten:    {total("written_bytes", "Bytes written to the device."), sector},
			writeMillis:       {total("write_time_seconds", "Time that all writes took together."), milli},
			ioNow:             {gauge("fettle_node_disk_io_now", "Requests under way.", "device"), one},
			ioMillis:          {total("io_time_seconds", "Time in which the device had I/O under way."), milli},
			ioWeightedMillis:  {total("io_time_weighted_seconds", "Time that all requests took together: its rate is the length of the queue."), milli},
			discardsCompleted: {total("discards_completed", "Discards completed by the device."), one},
			discardsMerged:    {total("discards_merged", "Discards that were merged into others next to them."), one},
			sectorsDiscarded:  {total("discarded_bytes", "Bytes discarded on the device."), sector},
			discardMillis:     {total("discard_time_seconds", "Time that all discards took together."), milli},
			flushes:           {total("flushes", "Flushes completed by the device."), one},
			flushMillis:       {total("flush_time_seconds", "Time that all flushes took together."), milli},
		},
	}
}

func (c *diskCollector) Metrics() []*Metric {
	metrics := make([]*Metric, len(c.columns))
	for i, column := range c.columns {
		metrics[i] = column.metric
	}
	return metrics
}
