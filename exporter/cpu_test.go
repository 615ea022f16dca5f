package exporter

import (
	"fmt"
	"strings"
	"testing"
)

func TestCPU(t *testing.T) {
	before := cpuByHand(t)
	got := gathered(t, newCPU(Host{}))
	after := cpuByHand(t)
	// Idle and iowait may step back a little: the kernel estimates them.
	const slack = 0.1
	for name, b := range before {
		between(t, got, name, b-slack, after[name]+slack)
	}
	if len(got) != len(before) {
		t.Errorf("%d series, by hand %d", len(got), len(before))
	}
}

func cpuByHand(t *testing.T) map[string]float64 {
	const ticks = 100 // USER_HZ, the same on every Linux
	all := map[string]float64{}
	for _, f := range lines(t, "/proc/stat") {
		name, ok := strings.CutPrefix(f[0], "cpu")
		if !ok || name == "" {
			continue
		}
		for i, mode := range []string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"} {
			all[fmt.Sprintf("fettle_node_cpu_seconds_total{cpu=%q,mode=%q}", name, mode)] = number(t, f[i+1]) / ticks
		}
	}
	return all
}
