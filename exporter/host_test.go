package exporter

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lines reads a file of /proc by hand, as fields.
func lines(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		all = append(all, strings.Fields(line))
	}
	return all
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// procWith is a procfs in which every file that the collectors read says text.
func procWith(t *testing.T, text string) Host {
	t.Helper()
	host := Host{Proc: t.TempDir()}
	for _, name := range []string{
		"stat", "meminfo", "loadavg", "diskstats", "net/dev", "net/sockstat", "net/sockstat6", "net/softnet_stat", "1/mountinfo", "uptime", "filesystems",
		"vmstat", "buddyinfo", "sys/fs/file-nr", "sys/kernel/pid_max", "sys/kernel/threads-max", "1/stat",
		"sys/net/netfilter/nf_conntrack_count", "sys/net/netfilter/nf_conntrack_max",
		"pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq",
	} {
		writeProc(t, host, name, text)
	}
	return host
}

// writeProc makes text what a file of a made-up procfs says.
func writeProc(t *testing.T, h Host, name, text string) {
	t.Helper()
	path := filepath.Join(h.Proc, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cutText ends in the middle of a line.
const cutText = "0.5 0.5 0.5 1/1 1\ncpu0 1 2 3 4 5 6 7 8 9 10\n8 0 sda 1 2 3 4 5 6 7 8 9 10 11\nMemTotal: 5 kB\nMemFree: 5 kB\nlo: 1 2 3 4 5 6"

// What cannot be read is an error and never a value.
func TestBrokenHostIsAnError(t *testing.T) {
	fromProc := []string{
		"cpu", "memory", "load", "disk", "filesystem", "network", "sockets", "softnet", "pressure", "vm",
		"fragmentation", "descriptors", "conntrack", "process", "boot", "kernel",
	}
	for name, host := range map[string]Host{
		"no procfs":       {Proc: filepath.Join(t.TempDir(), "none")},
		"empty procfs":    {Proc: t.TempDir()},
		"empty files":     procWith(t, ""),
		"an empty line":   procWith(t, "\n"),
		"garbage":         procWith(t, "garbage\n"),
		"lines of blanks": procWith(t, " \n \n \n"),
		"short lines":     procWith(t, "cpu 1\ncpu0 1\neth0: 1 2\n8 0 sda 1\nMemTotal:\n"),
		"cut lines":       procWith(t, cutText),
		"all zero":        procWith(t, "cpu 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n8 0 sda 0 0 0 0 0 0 0 0 0 0 0\nMemTotal: 0 kB\nMemFree: 0 kB\nbtime 0\n"),
	} {
		for _, e := range Collectors() {
			if !slices.Contains(fromProc, e.Name) {
				continue
			}
			t.Run(name+"/"+e.Name, func(t *testing.T) {
				r := readOnce(t, e.New(host))
				if r.err == nil {
					t.Error("no error")
				}
				if len(r.samples) > 0 {
					t.Errorf("%d values, the first is %v", len(r.samples), r.samples[0])
				}
			})
		}
	}
}
