package exporter

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fettle-io/fettle/exporter/procfs"
)

// ticks are the kernel's units of CPU time in a second (USER_HZ), on every
// architecture that Go knows.
const ticks = 100

// cpuColumns are the numbers of a CPU in /proc/stat, those of guests last. Linux
// 2.6.33 and later has them all.
const (
	cpuColumns = 10
	guests     = 8 // the column where they begin
)

func modes() [cpuColumns]string {
	return [...]string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "user", "nice"}
}

// steps is by how much a CPU's time may step back and still be the same count, in ticks:
// the kernel only estimates idle and iowait. By more, the CPU was taken out and put in
// again, and counts from the beginning.
const steps = 3 * ticks

type cpuSource struct {
	stat *procfs.File
	cpus []cpuTimes
}

// cpuTimes is the line of one CPU.
type cpuTimes struct {
	name   string
	labels [cpuColumns][]string
	values [cpuColumns]uint64
}

func newCPUSource(h Host) cpuSource { return cpuSource{stat: procfs.New(h.proc("stat"))} }

func (c *cpuCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	text, err := c.source.stat.Read()
	if err != nil {
		return fmt.Errorf("read CPU times: %w", err)
	}
	var counts [4]uint64 // ctxt, processes, procs_running, procs_blocked
	var there [4]bool
	n := 0
	for len(text) > 0 {
		var line []byte
		line, text = procfs.Line(text)
		field, rest := procfs.Field(line)
		if number, ok := bytes.CutPrefix(field, []byte("cpu")); ok && len(number) > 0 {
			if err := c.source.read(n, number, rest); err != nil {
				return fmt.Errorf("read CPU times: %s: %w", c.source.stat.Path(), err)
			}
			n++
			continue
		}
		i := 0
		switch string(field) {
		case "ctxt":
		case "processes":
			i = 1
		case "procs_running":
			i = 2
		case "procs_blocked":
			i = 3
		default:
			continue
		}
		read, ok := procfs.Uints(rest, counts[i:i+1])
		there[i] = ok && read == 1
	}
	if n == 0 {
		return fmt.Errorf("read CPU times: no CPU in %s", c.source.stat.Path())
	}
	c.source.cpus = c.source.cpus[:n]
	for i := range c.source.cpus {
		cpu := &c.source.cpus[i]
		for mode, value := range cpu.values {
			m := c.seconds
			if mode >= guests {
				m = c.guest
			}
			emit(m, float64(value)/ticks, cpu.labels[mode]...)
		}
	}
	for i, m := range []*Metric{c.switches, c.forks, c.running, c.blocked} {
		if !there[i] {
			err = fmt.Errorf("read CPU times: %s: no figure for %s", c.source.stat.Path(), m.Name)
			continue
		}
		emit(m, float64(counts[i]))
	}
	return err
}

// read makes the line of a CPU the i-th of the source.
func (s *cpuSource) read(i int, name, line []byte) error {
	if i == len(s.cpus) {
		s.cpus = append(s.cpus, cpuTimes{})
	}
	c := &s.cpus[i]
	if c.name != string(name) {
		*c = cpuTimes{name: string(name)}
		for mode, label := range modes() {
			c.labels[mode] = []string{c.name, label}
		}
	}
	var values [cpuColumns]uint64
	if n, ok := procfs.Uints(line, values[:]); !ok || n < cpuColumns {
		return fmt.Errorf("cpu%s: want %d numbers, got %q", c.name, cpuColumns, line)
	}
	var sum uint64
	for _, v := range values[:guests] {
		sum += v
	}
	if sum == 0 {
		return fmt.Errorf("cpu%s: all zero", c.name)
	}
	for mode, v := range values {
		// A counter that steps back is taken for one that began anew: rate() would add
		// all of it once more.
		if before := c.values[mode]; v >= before || before-v > steps {
			c.values[mode] = v
		}
	}
	return nil
}
