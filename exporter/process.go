package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/fettle-io/fettle/exporter/procfs"
)

type processCollector struct {
	host                    Host
	processes, threads      *Metric
	limitPIDs, limitThreads *Metric
	pidMax, threadsMax      *procfs.File
}

// processState is a state as the kernel writes it, and its name.
type processState struct {
	letter byte
	name   string
}

// processStates are all that Linux 4.14 and later has. What else there is counts as
// other.
func processStates() []processState {
	return []processState{
		{'R', "running"}, {'S', "sleeping"}, {'D', "uninterruptible"}, {'Z', "zombie"}, {'T', "stopped"},
		{'t', "traced"}, {'I', "idle"}, {'X', "dead"}, {'P', "parked"}, {0, "other"},
	}
}

func newProcess(h Host) Collector {
	return &processCollector{
		host:         h,
		processes:    gauge("fettle_node_processes", "Processes in the state.", "state"),
		threads:      gauge("fettle_node_threads", "Threads of all processes."),
		limitPIDs:    gauge("fettle_node_processes_limit", "Process ids that can be given out, one per thread."),
		limitThreads: gauge("fettle_node_threads_limit", "How many threads there can be."),
		pidMax:       procfs.New(h.proc("sys/kernel/pid_max")),
		threadsMax:   procfs.New(h.proc("sys/kernel/threads-max")),
	}
}

func (c *processCollector) Metrics() []*Metric {
	return []*Metric{c.processes, c.threads, c.limitPIDs, c.limitThreads}
}

// Collect reads the state of every process, one by one: the kernel has no sum.
func (c *processCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	var limits [2]uint64
	for i, file := range []*procfs.File{c.pidMax, c.threadsMax} {
		n, err := limit(file)
		if err != nil {
			return fmt.Errorf("read processes: %w", err)
		}
		limits[i] = n
	}
	counts, threads, err := c.count(ctx)
	if err != nil {
		return fmt.Errorf("read processes: %w", err)
	}
	for i, s := range processStates() {
		emit(c.processes, float64(counts[i]), s.name)
	}
	emit(c.threads, float64(threads))
	emit(c.limitPIDs, float64(limits[0]))
	emit(c.limitThreads, float64(limits[1]))
	return nil
}

func limit(file *procfs.File) (uint64, error) {
	text, err := file.Read()
	if err != nil {
		return 0, err
	}
	line, _ := procfs.Line(text)
	n, ok := procfs.Uint(line)
	if !ok {
		return 0, fmt.Errorf("%s: want a number, got %q", file.Path(), line)
	}
	return n, nil
}

// count counts the processes in each state, and their threads. One that ends
// meanwhile is not counted.
func (c *processCollector) count(ctx context.Context) (counts []int, threads uint64, err error) {
	dir, err := os.Open(c.host.proc(""))
	if err != nil {
		return nil, 0, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, 0, err
	}
	states := processStates()
	counts = make([]int, len(states))
	found := false
	for _, name := range names {
		if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		text, err := os.ReadFile(c.host.proc(name + "/stat"))
		if err != nil {
			continue // it ended
		}
		letter, n, ok := parseProcess(text)
		if !ok {
			return nil, 0, fmt.Errorf("%s: want a state, got %q", c.host.proc(name+"/stat"), text)
		}
		i := 0
		for i < len(states)-1 && states[i].letter != letter {
			i++
		}
		counts[i]++
		threads += n
		found = true
	}
	if !found {
		return nil, 0, errors.New("not one of them can be seen")
	}
	return counts, threads, nil
}

// parseProcess reads the state and the number of threads out of /proc/PID/stat. The
// program's name, in brackets, may itself hold brackets and blanks.
func parseProcess(text []byte) (state byte, threads uint64, ok bool) {
	i := bytes.LastIndexByte(text, ')')
	if i < 0 {
		return 0, 0, false
	}
	letter, rest := procfs.Field(text[i+1:])
	var field []byte
	for range 17 { // the 20th field of the line
		field, rest = procfs.Field(rest)
	}
	threads, ok = procfs.Uint(field)
	if len(letter) != 1 || !ok {
		return 0, 0, false
	}
	return letter[0], threads, true
}
