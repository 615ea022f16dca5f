package exporter

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type fragmentationCollector struct {
	file   *procfs.File
	blocks *Metric
	zones  []zoneLine
}

// orders are the sizes of blocks that a kernel can have, at most: powers of two pages.
const orders = 32

// zoneLine is the line of one zone of memory.
type zoneLine struct {
	node, zone string
	labels     [orders][]string
	values     [orders]uint64
	read       int // how many of the values there are
}

func newFragmentation(h Host) Collector {
	return &fragmentationCollector{
		file:   procfs.New(h.proc("buddyinfo")),
		blocks: gauge("fettle_node_memory_free_blocks", "Free blocks of 2^order pages in one piece.", "node", "zone", "order"),
	}
}

func (c *fragmentationCollector) Metrics() []*Metric { return []*Metric{c.blocks} }

func (c *fragmentationCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.file.Read()
	if err != nil {
		return fmt.Errorf("read fragmentation: %w", err)
	}
	n := 0
	for ; len(text) > 0; n++ {
		var line []byte
		line, text = procfs.Line(text)
		if n == len(c.zones) {
			c.zones = append(c.zones, zoneLine{})
		}
		if !c.zones[n].parse(line) {
			return fmt.Errorf("read fragmentation: %s: want a zone's blocks, got %q", c.file.Path(), line)
		}
	}
	c.zones = c.zones[:n]
	for i := range c.zones {
		z := &c.zones[i]
		for order, value := range z.values[:z.read] {
			emit(c.blocks, float64(value), z.labels[order]...)
		}
	}
	return nil
}

// parse reads a line such as "Node 0, zone   Normal    17      5 …".
func (z *zoneLine) parse(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("Node "))
	node, rest, comma := bytes.Cut(rest, []byte(", zone "))
	if _, numbered := procfs.Uint(node); !ok || !comma || !numbered {
		return false
	}
	zone, rest := procfs.Field(rest)
	if z.node != string(node) || z.zone != string(zone) || z.labels[0] == nil {
		z.node, z.zone = string(node), string(zone)
		for order := range z.labels {
			z.labels[order] = []string{z.node, z.zone, strconv.Itoa(order)}
		}
	}
	z.read, ok = procfs.Uints(rest, z.values[:])
	return ok && len(zone) > 0 && z.read > 0
}
