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
	for i, name := range []string{"context_switches_total", "forks_total", "processes_running", "processes_blocked"} {
		if _, ok := got["fettle_node_"+name]; !ok {
			t.Errorf("no %s", name)
		}
		if i < 2 && got["fettle_node_"+name] == 0 {
			t.Errorf("%s is 0", name)
		}
	}
	if len(got) != len(before)+4 {
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
		all[fmt.Sprintf("fettle_node_cpu_guest_seconds_total{cpu=%q,mode=\"user\"}", name)] = number(t, f[9]) / ticks
		all[fmt.Sprintf("fettle_node_cpu_guest_seconds_total{cpu=%q,mode=\"nice\"}", name)] = number(t, f[10]) / ticks
	}
	return all
}

const stat = "cpu  9 9 9 9 9 9 9 9 9 9\n" +
	"cpu0 100 200 300 400 500 600 700 800 50 60\n" +
	"cpu7 1 0 0 0 0 0 0 0 0 0\n" +
	"intr 99 1 2 3\nctxt 1234\nbtime 1\nprocesses 56\nprocs_running 7\nprocs_blocked 8\n"

func TestCPUFixture(t *testing.T) {
	got := gathered(t, newCPU(procWith(t, stat)))
	for name, want := range map[string]float64{
		`cpu_seconds_total{cpu="0",mode="user"}`: 1, `cpu_seconds_total{cpu="0",mode="steal"}`: 8,
		`cpu_seconds_total{cpu="7",mode="user"}`: 0.01, `cpu_guest_seconds_total{cpu="0",mode="nice"}`: 0.6,
		"context_switches_total": 1234, "forks_total": 56, "processes_running": 7, "processes_blocked": 8,
	} {
		between(t, got, "fettle_node_"+name, want, want)
	}
	if len(got) != 2*10+4 {
		t.Errorf("%d series: %v", len(got), got)
	}
}

// A CPU that is taken out goes with its series, and one that is put in comes.
func TestCPUsComeAndGo(t *testing.T) {
	host := procWith(t, stat)
	c := newCPU(host)
	gathered(t, c)
	writeProc(t, host, "stat", strings.ReplaceAll(stat, "cpu0 1", "cpu3 9"))
	got := gathered(t, c)
	between(t, got, `fettle_node_cpu_seconds_total{cpu="3",mode="user"}`, 9, 9)
	writeProc(t, host, "stat", strings.Replace(stat, "cpu7 1 0 0 0 0 0 0 0 0 0\n", "", 1))
	if got := gathered(t, c); len(got) != 10+4 {
		t.Errorf("%d series: %v", len(got), got)
	}
}
