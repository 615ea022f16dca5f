package exporter

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// What is told where there is no /proc. gopsutil reads it, in the files named _other.go,
// and leaves 0 what a platform does not count; which figures a platform does count is
// here. A figure that it does not count is absent, and one that is empty is an error.

// cpuFigures are the seconds that a CPU spent in each mode.
type cpuFigures struct {
	name    string
	seconds map[string]float64
}

// cpuModes are the modes that a platform counts, which share the CPU's whole time.
func cpuModes(goos string) []string {
	switch goos {
	case "windows": // interrupts are part of system there
		return []string{"user", "system", "idle"}
	case "freebsd":
		return []string{"user", "nice", "system", "idle", "irq"}
	default:
		return []string{"user", "nice", "system", "idle"}
	}
}

// tell tells all CPUs or none: a sum over some of them would be wrong.
func (c *cpuCollector) tell(goos string, cpus []cpuFigures, emit Emit) error {
	if len(cpus) == 0 {
		return errors.New("read CPU times: no CPU")
	}
	counted := cpuModes(goos)
	for _, cpu := range cpus {
		sum := 0.0
		for _, mode := range counted {
			sum += cpu.seconds[mode]
		}
		if !(sum > 0) || math.IsInf(sum, 0) {
			return fmt.Errorf("read CPU times: %v seconds in all modes of CPU %s", sum, cpu.name)
		}
	}
	for _, cpu := range cpus {
		for _, mode := range counted {
			emit(c.seconds, cpu.seconds[mode], cpu.name, mode)
		}
	}
	return nil
}

// memoryCounted are the lines of /proc/meminfo that a platform has something for.
func memoryCounted(goos string) []string {
	switch goos {
	case "windows": // what it calls free includes caches, and what it calls swap is a limit of promises
		return []string{"MemTotal", "MemAvailable", "CommitLimit", "Committed_AS"}
	case "freebsd":
		return []string{"MemTotal", "MemAvailable", "MemFree", "Buffers", "SwapTotal", "SwapFree"}
	default:
		return []string{"MemTotal", "MemAvailable", "MemFree", "SwapTotal", "SwapFree"}
	}
}

// tell tells bytes by the names of /proc/meminfo. A name that is not there could not
// be read.
func (c *memoryCollector) tell(goos string, bytes map[string]uint64, emit Emit) error {
	if bytes["MemTotal"] == 0 || bytes["MemAvailable"] == 0 {
		return errors.New("read memory: no figures")
	}
	counted := memoryCounted(goos)
	for _, f := range c.fields {
		if v, ok := bytes[f.name]; ok && slices.Contains(counted, f.name) {
			emit(f.metric, float64(v))
		}
	}
	return nil
}

// diskFigures are the columns of a disk, in the units of /proc/diskstats but for bytes,
// which are bytes.
type diskFigures struct {
	name    string
	columns map[int]uint64
}

// diskCounted are the columns that a platform counts.
func diskCounted(goos string) []int {
	columns := []int{readsCompleted, sectorsRead, writesCompleted, sectorsWritten}
	switch goos {
	case "freebsd":
		return append(columns, readMillis, writeMillis, ioMillis)
	case "darwin": // gopsutil adds up two times for the third
		return append(columns, readMillis, writeMillis)
	default: // Windows' times come rounded to seconds and by another name
		return columns
	}
}

func (c *diskCollector) tell(goos string, disks []diskFigures, emit Emit) error {
	found := false
	for _, d := range disks {
		if c.skip.MatchString(d.name) {
			continue
		}
		found = true
		for _, i := range diskCounted(goos) {
			unit := c.columns[i].unit
			if i == sectorsRead || i == sectorsWritten {
				unit = 1
			}
			emit(c.columns[i].metric, float64(d.columns[i])*unit, d.name)
		}
	}
	if !found {
		return errors.New("read disk I/O: no disk with any I/O")
	}
	return nil
}

// networkFigures are the columns of a device: of each direction bytes, packets, errors
// and drops.
type networkFigures struct {
	name           string
	received, sent [4]uint64
}

// networkCounted are the columns of each direction that a platform counts.
func networkCounted(goos string) []int {
	const octets, packets, failed, dropped = 0, 1, 2, 3
	switch goos {
	case "windows": // of its packets gopsutil has those to one receiver only
		return []int{octets, failed, dropped}
	case "darwin":
		return []int{octets, packets, failed}
	default:
		return []int{octets, packets, failed, dropped}
	}
}

func (c *networkCollector) tell(goos string, devices []networkFigures, emit Emit) error {
	if len(devices) == 0 { // not even the loopback
		return errors.New("read network counters: no device")
	}
	for _, d := range devices {
		if c.skip.MatchString(d.name) {
			continue
		}
		for _, i := range networkCounted(goos) {
			emit(c.columns[i], float64(d.received[i]), d.name)
			emit(c.columns[sent+i], float64(d.sent[i]), d.name)
		}
	}
	return nil
}

// tell tells the three averages. All zero is an idle machine.
func (c *loadCollector) tell(loads [3]float64, emit Emit) error {
	for _, v := range loads {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("read load: %v is none", v)
		}
	}
	for i, m := range c.loads {
		emit(m, loads[i])
	}
	return nil
}
