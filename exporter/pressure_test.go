package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPressure(t *testing.T) {
	before := pressureByHand(t)
	got := gathered(t, newPressure(Host{}))
	after := pressureByHand(t)
	for name, b := range before {
		between(t, got, name, b, after[name])
	}
	if len(got) != len(before) {
		t.Errorf("%d series, by hand %d", len(got), len(before))
	}
}

func pressureByHand(t *testing.T) map[string]float64 {
	t.Helper()
	paths, err := filepath.Glob("/proc/pressure/*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, path := range paths {
		for _, f := range lines(t, path) {
			name := map[string]string{"some": "waiting", "full": "stalled"}[f[0]]
			all[fmt.Sprintf("fettle_node_pressure_%s_seconds_total{resource=%q}", name, filepath.Base(path))] = number(t, strings.TrimPrefix(f[4], "total=")) / 1e6
		}
	}
	return all
}

func TestPressureFixture(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	writeProc(t, host, "stat", "cpu 1\n")
	if got := gathered(t, newPressure(host)); len(got) != 0 {
		t.Errorf("a kernel without it has %v", got)
	}
	writeProc(t, host, "pressure/irq", "full avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n")
	writeProc(t, host, "pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
	got := gathered(t, newPressure(host))
	between(t, got, `fettle_node_pressure_stalled_seconds_total{resource="irq"}`, 2.5, 2.5)
	between(t, got, `fettle_node_pressure_waiting_seconds_total{resource="io"}`, 0, 0)
	if len(got) != 3 {
		t.Errorf("got %v", got)
	}
	// One that cannot be read does not cost the others.
	if err := os.Remove(host.proc("pressure/irq")); err != nil {
		t.Fatal(err)
	}
	writeProc(t, host, "pressure/memory", "some avg10=0.00 total=x\n")
	r := readOnce(t, newPressure(host))
	if r.err == nil || !strings.Contains(r.err.Error(), "pressure/memory") || len(r.samples) != 2 {
		t.Errorf("%v, %d samples", r.err, len(r.samples))
	}
}
