package exporter

import (
	"math"
	"slices"
	"testing"
)

// elsewhere are the platforms beside Linux for which the exporter is built.
func elsewhere() []string { return []string{"darwin", "freebsd", "windows"} }

// portably tells, of a collector that gopsutil reads elsewhere, figures in which
// nothing is 0; false of the other collectors.
func portably(c Collector, goos string, emit Emit) (bool, error) {
	all := map[string]float64{"user": 1, "nice": 2, "system": 3, "idle": 4, "irq": 5}
	switch c := c.(type) {
	case *cpuCollector:
		return true, c.tell(goos, []cpuFigures{{"0", all}, {"1", all}}, emit)
	case *memoryCollector:
		bytes := map[string]uint64{}
		for i, f := range c.fields {
			bytes[f.name] = uint64(i) + 1
		}
		return true, c.tell(goos, bytes, emit)
	case *diskCollector:
		columns := map[int]uint64{}
		for i := range diskColumns {
			columns[i] = 1000 * (uint64(i) + 1)
		}
		return true, c.tell(goos, []diskFigures{{"ada0", columns}}, emit)
	case *networkCollector:
		return true, c.tell(goos, []networkFigures{{"en0", [4]uint64{1, 2, 3, 4}, [4]uint64{5, 6, 7, 8}}}, emit)
	case *loadCollector:
		return true, c.tell([3]float64{1, 2, 3}, emit)
	default:
		return false, nil
	}
}

// toldBy are the series that tell makes, as `name label…` to value.
func toldBy(t *testing.T, tell func(Emit) error) (map[string]float64, error) {
	t.Helper()
	got := map[string]float64{}
	err := tell(func(m *Metric, value float64, labels ...string) {
		if _, err := m.sample(value, labels); err != nil {
			t.Error(err)
		}
		name := m.Name
		for _, l := range labels {
			name += " " + l
		}
		got[name] = value
	})
	return got, err
}

func TestPortableFigures(t *testing.T) {
	for _, tc := range []struct {
		collector Collector
		goos      string
		want      map[string]float64
	}{
		{newCPU(Host{}), "windows", map[string]float64{
			"cpu_seconds_total 0 user": 1, "cpu_seconds_total 0 system": 3, "cpu_seconds_total 0 idle": 4,
			"cpu_seconds_total 1 user": 1, "cpu_seconds_total 1 system": 3, "cpu_seconds_total 1 idle": 4,
		}},
		{newMemory(Host{}), "freebsd", map[string]float64{
			"memory_total_bytes": 1, "memory_available_bytes": 2, "memory_free_bytes": 3, "memory_buffers_bytes": 4,
			"memory_swap_total_bytes": 6, "memory_swap_free_bytes": 7,
		}},
		{newMemory(Host{}), "windows", map[string]float64{
			"memory_total_bytes": 1, "memory_available_bytes": 2, "memory_commit_limit_bytes": 32, "memory_committed_bytes": 33,
		}},
		{newDisk(Host{}), "freebsd", map[string]float64{
			"disk_reads_completed_total ada0": 1000, "disk_read_bytes_total ada0": 3000, "disk_read_time_seconds_total ada0": 4,
			"disk_writes_completed_total ada0": 5000, "disk_written_bytes_total ada0": 7000, "disk_write_time_seconds_total ada0": 8,
			"disk_io_time_seconds_total ada0": 10,
		}},
		{newNetwork(Host{}), "darwin", map[string]float64{
			"network_receive_bytes_total en0": 1, "network_receive_packets_total en0": 2, "network_receive_errors_total en0": 3,
			"network_transmit_bytes_total en0": 5, "network_transmit_packets_total en0": 6, "network_transmit_errors_total en0": 7,
		}},
		{newLoad(Host{}), "darwin", map[string]float64{"load1": 1, "load5": 2, "load15": 3}},
	} {
		got, err := toldBy(t, func(emit Emit) error {
			_, err := portably(tc.collector, tc.goos, emit)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range tc.want {
			between(t, got, "fettle_node_"+name, want, want)
		}
		if len(got) != len(tc.want) {
			t.Errorf("%s: got %v, want %v", tc.goos, got, tc.want)
		}
	}
}

// gopsutil answers with nothing, with zeros or with what is no number where it could
// not read: that is an error on every platform, and no value.
func TestPortableFiguresThatAreEmpty(t *testing.T) {
	nan := math.NaN()
	cpus, memory := newCPU(Host{}).(*cpuCollector), newMemory(Host{}).(*memoryCollector)
	disks, network := newDisk(Host{}).(*diskCollector), newNetwork(Host{}).(*networkCollector)
	loads := newLoad(Host{}).(*loadCollector)
	works := cpuFigures{"0", map[string]float64{"user": 1, "idle": 1}}
	for _, goos := range elsewhere() {
		for name, tell := range map[string]func(Emit) error{
			"no CPU":         func(e Emit) error { return cpus.tell(goos, nil, e) },
			"a CPU of zeros": func(e Emit) error { return cpus.tell(goos, []cpuFigures{works, {name: "1"}}, e) },
			"a CPU of NaN": func(e Emit) error {
				return cpus.tell(goos, []cpuFigures{works, {"1", map[string]float64{"user": nan}}}, e)
			},
			"an endless CPU": func(e Emit) error {
				return cpus.tell(goos, []cpuFigures{{"1", map[string]float64{"idle": math.Inf(1)}}}, e)
			},
			"no memory":          func(e Emit) error { return memory.tell(goos, nil, e) },
			"memory of zeros":    func(e Emit) error { return memory.tell(goos, map[string]uint64{"MemTotal": 0, "MemAvailable": 0}, e) },
			"only a total":       func(e Emit) error { return memory.tell(goos, map[string]uint64{"MemTotal": 5}, e) },
			"no disk":            func(e Emit) error { return disks.tell(goos, nil, e) },
			"only disks of ours": func(e Emit) error { return disks.tell(goos, []diskFigures{{name: "loop0"}}, e) },
			"no device":          func(e Emit) error { return network.tell(goos, nil, e) },
			"a load of NaN":      func(e Emit) error { return loads.tell([3]float64{1, nan, 1}, e) },
			"a negative load":    func(e Emit) error { return loads.tell([3]float64{1, 1, -1}, e) },
		} {
			got, err := toldBy(t, tell)
			if err == nil || len(got) > 0 {
				t.Errorf("%s, %s: %v, %v", goos, name, got, err)
			}
		}
	}
}

// A swap that could not be read is no swap of 0 bytes.
func TestPortableMemoryWithoutSwap(t *testing.T) {
	c := newMemory(Host{}).(*memoryCollector)
	got, err := toldBy(t, func(e Emit) error {
		return c.tell("darwin", map[string]uint64{"MemTotal": 5, "MemAvailable": 4, "MemFree": 3}, e)
	})
	if err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

// Every collector that gopsutil reads has its figures checked here.
func TestPortableCollectorsAreAll(t *testing.T) {
	var found []string
	for _, e := range Collectors() {
		if ok, _ := portably(e.New(Host{}), "freebsd", func(*Metric, float64, ...string) {}); ok {
			found = append(found, e.Name)
		}
	}
	if want := []string{"cpu", "memory", "load", "disk", "network"}; !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}
