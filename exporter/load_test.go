package exporter

import (
	"slices"
	"testing"
)

func TestLoad(t *testing.T) {
	for range 10 {
		before := lines(t, "/proc/loadavg")[0][:3]
		got := gathered(t, newLoad(Host{}))
		after := lines(t, "/proc/loadavg")[0][:3]
		if !slices.Equal(before, after) {
			continue // the kernel computed it anew in between, as it does every 5 s
		}
		for i, name := range []string{"fettle_node_load1", "fettle_node_load5", "fettle_node_load15"} {
			between(t, got, name, number(t, before[i]), number(t, before[i]))
		}
		return
	}
	t.Fatal("the load changed within each of ten readings")
}

func TestLoadOfAnIdleMachine(t *testing.T) {
	got := gathered(t, newLoad(procWith(t, "0.00 0.00 0.00 1/100 4711\n")))
	if v, ok := got["fettle_node_load1"]; !ok || v != 0 {
		t.Errorf("load1 = %v, %v", v, ok)
	}
}
