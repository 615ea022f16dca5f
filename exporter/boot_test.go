package exporter

import "testing"

func TestBoot(t *testing.T) {
	var want float64
	for _, f := range lines(t, "/proc/stat") {
		if f[0] == "btime" {
			want = number(t, f[1])
		}
	}
	// The kernel's own figure and now - uptime are rounded differently.
	between(t, gathered(t, newBoot(Host{})), "fettle_node_boot_time_seconds", want-2, want+2)
}

func TestBootTimeIsSteady(t *testing.T) {
	c := &bootCollector{}
	for _, step := range []struct{ read, want uint64 }{
		{1000, 1000}, {1001, 1000}, {1000, 1000}, {999, 1000}, // rounding
		{1002, 1002}, {1001, 1002}, // the clock was set
		{5000, 5000}, {4000, 4000},
	} {
		if got := c.steady(step.read); got != step.want {
			t.Errorf("read %d, told %d, want %d", step.read, got, step.want)
		}
	}
}
