package exporter

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestClosestReading(t *testing.T) {
	const start = 1_800_000_000_000_000_000
	for name, tc := range map[string]struct {
		samples       []clockSample
		offset, bound float64
		ok            bool
	}{
		"none":              {nil, 0, 0, false},
		"ahead":             {[]clockSample{{start, start + 37_000_000_500, start + 1000}}, 37, 0.0000005, true},
		"behind":            {[]clockSample{{start, start - 999_000, start + 2000}}, -0.001, 0.000001, true},
		"the closest":       {[]clockSample{{start, start, start + 9000}, {start, start + 100, start + 200}, {start, start, start + 500}}, 0, 0.0000001, true},
		"the clock was set": {[]clockSample{{start, start, start - 5}, {start, start + 10, start + 20}}, 0, 0.00000001, true},
		"nothing sensible":  {[]clockSample{{start, start, start - 5}, {start, 0, start + 1}}, 0, 0, false},
	} {
		offset, bound, ok := closest(tc.samples)
		if ok != tc.ok || math.Abs(offset-tc.offset) > 1e-12 || math.Abs(bound-tc.bound) > 1e-12 {
			t.Errorf("%s: %v ± %v, %v, want %v ± %v", name, offset, bound, ok, tc.offset, tc.bound)
		}
	}
}

func TestHardwareClocks(t *testing.T) {
	sys := t.TempDir()
	for clock, name := range map[string]string{"ptp0": "igb\n", "ptp1": "KVM virtual PTP\n", "ptp2": "broken", "ptp3": "silly", "other": "no clock"} {
		if err := os.MkdirAll(filepath.Join(sys, "class/ptp", clock), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sys, "class/ptp", clock, "clock_name"), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("no such device any more")
	c := newHardwareClocks(Host{Sys: sys, Root: "/host"})
	c.samples = func(device string) ([]clockSample, error) {
		switch device {
		case "/host/dev/ptp0":
			return []clockSample{{1000, 3001, 1002}}, nil
		case "/host/dev/ptp1":
			return nil, fs.ErrPermission // of root's
		case "/host/dev/ptp2":
			return nil, broken
		case "/host/dev/ptp3":
			return []clockSample{{1000, 0, 1002}}, nil
		}
		t.Errorf("read %s", device)
		return nil, nil
	}
	got, err := toldBy(t, c.tell)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]float64{
		"readable ptp0 igb": 1, "readable ptp1 KVM virtual PTP": 0, "readable ptp2 broken": 0, "readable ptp3 silly": 0,
		"offset_seconds ptp0": 2e-6, "error_bound_seconds ptp0": 1e-9,
	} {
		between(t, got, "fettle_time_ptp_"+name, want, want)
	}
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
}

func TestMachineWithoutHardwareClocks(t *testing.T) {
	got, err := toldBy(t, newHardwareClocks(Host{Sys: t.TempDir()}).tell)
	if err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}
