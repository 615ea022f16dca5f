package exporter

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

// memorySource is the file, and the place of each of its lines in the collector's
// table. Which lines there are depends on the kernel and changes with no scrape.
type memorySource struct {
	file   *procfs.File
	places map[string]int
	values []memoryValue
}

type memoryValue struct {
	bytes float64
	there bool
}

func newMemorySource(h Host) memorySource { return memorySource{file: procfs.New(h.proc("meminfo"))} }

func (c *memoryCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	s := &c.source
	if s.places == nil {
		s.places = make(map[string]int, len(c.fields))
		for i, f := range c.fields {
			s.places[f.name] = i
		}
		s.values = make([]memoryValue, len(c.fields))
	}
	if err := s.read(); err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	value := func(name string) memoryValue { return s.values[s.places[name]] }
	if total, free := value("MemTotal"), value("MemFree"); total.bytes == 0 || !free.there {
		return fmt.Errorf("read memory: no figures in %s", s.file.Path())
	}
	s.values[s.places["Cached"]].bytes += value("SReclaimable").bytes
	for i, v := range s.values {
		if v.there {
			emit(c.fields[i].metric, v.bytes)
		}
	}
	return nil
}

// read reads all lines. One that is not in the table is of a newer kernel.
func (s *memorySource) read() error {
	text, err := s.file.Read()
	if err != nil {
		return err
	}
	clear(s.values)
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		name, rest, _ := bytes.Cut(line, []byte(":"))
		place, ok := s.places[string(name)]
		if !ok {
			continue
		}
		field, unit := procfs.Field(rest)
		n, ok := procfs.Uint(field)
		if !ok {
			return fmt.Errorf("%s: want a number, got %q", s.file.Path(), line)
		}
		if unit, _ = procfs.Field(unit); string(unit) == "kB" {
			n *= 1024
		}
		s.values[place] = memoryValue{float64(n), true}
	}
	return nil
}
