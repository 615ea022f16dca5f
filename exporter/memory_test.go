package exporter

import (
	"strings"
	"testing"
)

func TestMemory(t *testing.T) {
	got := gathered(t, newMemory(Host{}))
	by := map[string]float64{}
	for _, f := range lines(t, "/proc/meminfo") {
		by[strings.TrimSuffix(f[0], ":")] = number(t, f[1]) * 1024
	}
	for name, want := range map[string]float64{
		"fettle_node_memory_total_bytes":      by["MemTotal"],
		"fettle_node_memory_swap_total_bytes": by["SwapTotal"],
	} {
		between(t, got, name, want, want)
	}
	// These move between two readings: they are compared on a fixture below.
	for _, name := range []string{"available", "free", "buffers", "cached"} {
		between(t, got, "fettle_node_memory_"+name+"_bytes", 0, by["MemTotal"])
	}
	between(t, got, "fettle_node_memory_swap_free_bytes", 0, by["SwapTotal"])
}

func TestMemoryFixture(t *testing.T) {
	got := gathered(t, newMemory(procWith(t, `MemTotal:        1000 kB
MemFree:          100 kB
MemAvailable:     400 kB
Buffers:           10 kB
Cached:           200 kB
SReclaimable:      30 kB
SwapTotal:        500 kB
SwapFree:         499 kB
`)))
	for name, want := range map[string]float64{
		"total": 1000, "free": 100, "available": 400, "buffers": 10, "cached": 230, "swap_total": 500, "swap_free": 499,
	} {
		between(t, got, "fettle_node_memory_"+name+"_bytes", want*1024, want*1024)
	}
}

// Every line that the kernel here has is told, and none twice.
func TestMemoryTellsAllLines(t *testing.T) {
	got := gathered(t, newMemory(Host{}))
	if want := len(lines(t, "/proc/meminfo")); len(got) != want {
		t.Errorf("%d series, %d lines", len(got), want)
	}
}
