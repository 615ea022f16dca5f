package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type socketsCollector struct {
	host  Host
	files [2]socketsFile
	page  float64 // bytes of a page of memory

	used, inUse, memory, tcp *Metric
}

// socketsFile is what the kernel says of the sockets of a family.
type socketsFile struct {
	file     *procfs.File
	family   string
	optional bool // a kernel need not have the family
}

func newSockets(h Host) Collector {
	return &socketsCollector{
		host: h, page: float64(os.Getpagesize()),
		files: [2]socketsFile{
			{procfs.New(h.proc("net/sockstat")), "ipv4", false},
			{procfs.New(h.proc("net/sockstat6")), "ipv6", true},
		},
		used:   gauge("fettle_node_sockets_used", "Sockets of all families."),
		inUse:  gauge("fettle_node_sockets_in_use", "Sockets of the protocol that are in use. Of frag: datagrams that are being put together.", "family", "protocol"),
		memory: gauge("fettle_node_sockets_memory_bytes", "Memory that the kernel holds for sockets of the protocol, of both families.", "protocol"),
		tcp:    gauge("fettle_node_sockets_tcp", "TCP sockets of both families: orphan belongs to no process any more, time_wait is closed and kept for late packets, allocated is every one that the kernel has.", "state"),
	}
}

func (c *socketsCollector) Metrics() []*Metric {
	return []*Metric{c.used, c.inUse, c.memory, c.tcp}
}

func (c *socketsCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	var errs []error
	for _, f := range c.files {
		if err := c.tell(f, emit); err != nil && (!f.optional || !c.host.lacks(err)) {
			errs = append(errs, fmt.Errorf("read sockets: %w", err))
		}
	}
	return errors.Join(errs...)
}

// tell reads lines such as `TCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2`.
func (c *socketsCollector) tell(f socketsFile, emit Emit) error {
	text, err := f.file.Read()
	if err != nil {
		return err
	}
	var told []sample
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		name, rest, ok := bytes.Cut(line, []byte(":"))
		samples, err := c.line(f.family, string(name), rest)
		if !ok || err != nil {
			return fmt.Errorf("%s: want names and numbers, got %q", f.file.Path(), line)
		}
		told = append(told, samples...)
	}
	for _, s := range told { // all of them or none: the file was not cut
		emit(s.metric, s.value, s.labels...)
	}
	return nil
}

// protocolOf are the names of the lines; what else there is a newer kernel has.
func protocolOf(name string) string {
	switch name {
	case "TCP", "TCP6":
		return "tcp"
	case "UDP", "UDP6":
		return "udp"
	case "UDPLITE", "UDPLITE6":
		return "udplite"
	case "RAW", "RAW6":
		return "raw"
	case "FRAG", "FRAG6":
		return "frag"
	default:
		return ""
	}
}

func (c *socketsCollector) line(family, name string, rest []byte) (told []sample, err error) {
	protocol := protocolOf(name)
	for {
		var key, field []byte
		if key, rest = procfs.Field(rest); len(key) == 0 {
			if told == nil && (protocol != "" || name == "sockets") {
				err = errors.New("no number")
			}
			return told, err
		}
		field, rest = procfs.Field(rest)
		n, ok := procfs.Uint(field)
		if !ok {
			return nil, errors.New("no number")
		}
		value := float64(n)
		switch key := string(key); {
		case name == "sockets" && key == "used":
			told = append(told, sample{c.used, value, nil})
		case protocol == "":
		case key == "inuse":
			told = append(told, sample{c.inUse, value, []string{family, protocol}})
		case key == "mem" && family == "ipv4": // in pages
			told = append(told, sample{c.memory, value * c.page, []string{protocol}})
		case key == "orphan":
			told = append(told, sample{c.tcp, value, []string{"orphan"}})
		case key == "tw":
			told = append(told, sample{c.tcp, value, []string{"time_wait"}})
		case key == "alloc":
			told = append(told, sample{c.tcp, value, []string{"allocated"}})
		}
	}
}
