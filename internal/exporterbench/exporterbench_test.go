package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	node := figures{cpu: 900, median: time.Millisecond, p99: 3 * time.Millisecond, rss: 20 << 20, series: 200, size: 1}
	for name, tc := range map[string]struct {
		proc   string
		fettle figures
		want   int
	}{
		"all held":            {"", figures{cpu: 300, p99: time.Millisecond, rss: 20 << 20, series: 200}, 0},
		"all missed":          {"", figures{cpu: 301, p99: 2 * time.Millisecond, rss: 21 << 20, series: 100}, 4},
		"too few series":      {"", figures{cpu: 1, p99: 1, rss: 1, series: 180}, 1},
		"memory of a fixture": {"/proc", figures{cpu: 1, p99: time.Hour, rss: 1 << 40, series: 200}, 0},
	} {
		var text strings.Builder
		c := comparison{name: name, proc: tc.proc, cpu: 1.0 / 3}
		if got := c.print(&text, tc.fettle, node); got != tc.want || strings.Count(text.String(), "MISSED") != tc.want {
			t.Errorf("%s: %d missed, want %d:\n%s", name, got, tc.want, text.String())
		}
	}
}

func TestMachine(t *testing.T) {
	dir := t.TempDir()
	if err := writeProc(dir, machine{cpus: 3, devices: 4, disks: 5}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"stat": 1 + 3 + 7, "net/dev": 2 + 4, "diskstats": 5, "1/mountinfo": 1} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(text), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d", name, got, want)
		}
	}
}
