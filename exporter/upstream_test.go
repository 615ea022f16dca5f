//go:build linux

package exporter

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// What node_exporter's users met with, as tests: the numbers are of its issues and pull
// requests. docs/node-exporter.md has the list.

// #377, #433, #2514, #2805, #3261, #3819: the same line twice, an export of two servers, a
// bind mount on itself. One mount point is one set of series, of what can be reached.
func TestAMountPointIsToldOnce(t *testing.T) {
	host := procWith(t, `22 1 254:0 / / rw - ext4 /dev/vda rw
23 22 9:0 / /exp/backup rw - ext4 /dev/md0 rw
24 22 9:0 / /exp/backup rw - ext4 /dev/md0 rw
25 22 0:40 / /home rw - nfs storage:/home rw,addr=10.0.0.1
26 22 0:40 / /home rw - nfs storage:/home rw,addr=10.0.0.2
27 22 0:50 / /nix/store rw - tmpfs tmpfs rw
28 27 0:50 / /nix/store ro - tmpfs tmpfs rw
`)
	c := newFilesystem(host).(*filesystemCollector)
	c.statfs = func(path string) (space, error) { return space{size: 1, readonly: path == "/nix/store"}, nil }
	got := gathered(t, c) // through a registry that refuses what is there twice
	for _, labels := range []string{`{device="/dev/md0",fstype="ext4",mountpoint="/exp/backup"}`, `{device="storage:/home",fstype="nfs",mountpoint="/home"}`} {
		between(t, got, "fettle_node_filesystem_size_bytes"+labels, 1, 1)
	}
	between(t, got, `fettle_node_filesystem_readonly{device="tmpfs",fstype="tmpfs",mountpoint="/nix/store"}`, 1, 1)
	sizes := 0
	for name := range got {
		if strings.HasPrefix(name, "fettle_node_filesystem_size_bytes") {
			sizes++
		}
	}
	if sizes != 4 {
		t.Errorf("%d mount points: %v", sizes, got)
	}
}

// #953, #2228, #3662: a mount point may have any byte in its name.
func TestAMountPointHasAnyName(t *testing.T) {
	host := procWith(t, "22 1 254:0 / / rw - ext4 /dev/vda rw\n23 22 0:40 / /mnt/cass\xe9 rw - ext4 /dev/\xc0\x1c rw\n24 22 0:41 / /mnt/a\\040\"b\"\\134\\012 rw - ext4 /dev/vdc rw\n")
	only := map[string]bool{}
	for _, e := range Collectors() {
		only[e.Name] = e.Name == "filesystem"
	}
	e, err := New(Options{Host: host, Collectors: only})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	c := e.collectors[0].collector.(*filesystemCollector)
	c.statfs = func(path string) (space, error) { return space{size: 1}, nil }
	body := scraped(t, e, "", "")
	for _, m := range c.mounts {
		asked = append(asked, m.mountpoint)
	}
	if want := []string{"/", "/mnt/cass\xe9", "/mnt/a \"b\"\\\n"}; fmt.Sprintf("%q", asked) != fmt.Sprintf("%q", want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	for _, want := range []string{
		"fettle_node_filesystem_size_bytes{device=\"/dev/\uFFFD\x1c\",fstype=\"ext4\",mountpoint=\"/mnt/cass\uFFFD\"} 1\n",
		`fettle_node_filesystem_size_bytes{device="/dev/vdc",fstype="ext4",mountpoint="/mnt/a \"b\"\\\n"} 1` + "\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}

// #1372, #1686, #1853, #1903: the kernel's idle and iowait step back by some ticks.
// #2604: a CPU that was taken out and put in again begins anew.
func TestCPUTimesStepBack(t *testing.T) {
	host := procWith(t, stat)
	c := newCPU(host)
	read := func(idle, iowait int) map[string]float64 {
		writeProc(t, host, "stat", fmt.Sprintf("cpu0 1000 0 0 %d %d 0 0 0 0 0\nctxt 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n", idle, iowait))
		return gathered(t, c)
	}
	for _, step := range []struct{ idle, iowait, wantIdle, wantIowait int }{
		{500000, 548282, 500000, 548282},
		{499999, 548281, 500000, 548282}, // by a tick
		{499700, 548283, 500000, 548283}, // by three seconds
		{500001, 548283, 500001, 548283},
		{17, 4, 17, 4}, // put in again
	} {
		got := read(step.idle, step.iowait)
		between(t, got, `fettle_node_cpu_seconds_total{cpu="0",mode="idle"}`, float64(step.wantIdle)/100, float64(step.wantIdle)/100)
		between(t, got, `fettle_node_cpu_seconds_total{cpu="0",mode="iowait"}`, float64(step.wantIowait)/100, float64(step.wantIowait)/100)
	}
}

// #62, #1381, #1839: what is gone has no series any more, and what comes has them.
func TestDevicesThatAreGone(t *testing.T) {
	const header = "Inter-| Receive | Transmit\n face | bytes | bytes\n"
	disk, device := "   8 0 %s 1 2 3 4 5 6 7 8 9 10 11\n", "  %s: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
	for name, tc := range map[string]struct {
		new        func(Host) Collector
		file, text string
	}{
		"disk":    {newDisk, "diskstats", disk},
		"network": {newNetwork, "net/dev", device},
	} {
		t.Run(name, func(t *testing.T) {
			host := procWith(t, "")
			c := tc.new(host)
			for _, there := range [][]string{{"sda", "sdb"}, {"sdb"}, {"sdb", "sdc"}} {
				text := ""
				if name == "network" {
					text = header
				}
				for _, d := range there {
					text += fmt.Sprintf(tc.text, d)
				}
				writeProc(t, host, tc.file, text)
				told := map[string]bool{}
				for series := range gathered(t, c) {
					_, rest, _ := strings.Cut(series, `device="`)
					d, _, _ := strings.Cut(rest, `"`)
					told[d] = true
				}
				if fmt.Sprint(told) != fmt.Sprint(setOf(there)) {
					t.Errorf("told are %v, there are %v", told, there)
				}
			}
		})
	}
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

// #1446: each container has a link that lives as long as it does.
func TestContainersLinksAreNotTold(t *testing.T) {
	text := "Inter-| Receive | Transmit\n face | bytes | bytes\n  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
	for i := range 500 {
		text += fmt.Sprintf("veth%04x: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\ncali%011x: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n", i, i)
	}
	if got := gathered(t, newNetwork(procWith(t, text))); len(got) != networkColumns {
		t.Errorf("%d series", len(got))
	}
}

// #1049, #1215: kernels have 14, 15, 18 or 20 columns of a disk, and later ones may have more.
func TestDisksOfAnyKernel(t *testing.T) {
	for columns, want := range map[int]int{11: 11, 15: 15, 17: 17, 20: 17} {
		line := "   8 0 sda"
		for i := range columns {
			line += fmt.Sprint(" ", i+1)
		}
		if got := gathered(t, newDisk(procWith(t, line+"\n"))); len(got) != want {
			t.Errorf("%d columns: %d series, want %d", columns, len(got), want)
		}
	}
}

// #946, #1600, #1885, #2317: several scripts write the same metric, each with a help text of
// its own or with none.
func TestTextfilesShareAMetric(t *testing.T) {
	c := newTextfile(Host{Textfiles: written(t, map[string]string{
		"a.prom": "# HELP ended When it ended.\n# TYPE ended gauge\nended{of=\"a\"} 1\n",
		"b.prom": "# HELP ended When the backup ended.\n# TYPE ended gauge\nended{of=\"b\"} 2\n",
		"c.prom": "# TYPE ended gauge\nended{of=\"c\"} 3\n",
	})})
	r := readOnce(t, c)
	if r.err != nil || len(r.passed) != 1 || len(r.passed[0].GetMetric()) != 3 || r.passed[0].GetHelp() != "When it ended." {
		t.Errorf("%v, %v", r.passed, r.err)
	}
}

// #704, #2930: what fails in every scrape is one line of the log, and so is its end. The
// other collectors are as they were.
func TestOneLineOfTheLogForEachChange(t *testing.T) {
	defer goleak.VerifyNone(t)
	host := procWith(t, "")
	for name, text := range map[string]string{"loadavg": "0.5 0.5 0.5 1/1 1\n", "stat": stat} {
		writeProc(t, host, name, text)
	}
	only := map[string]bool{}
	for _, e := range Collectors() {
		only[e.Name] = e.Name == "cpu" || e.Name == "load"
	}
	var log strings.Builder
	e, err := New(Options{Host: host, Collectors: only, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		a.Value = slog.StringValue(strings.ReplaceAll(a.Value.String(), host.Proc, ""))
		return a
	}}))})
	if err != nil {
		t.Fatal(err)
	}
	unreadable := func() { // permissions do not hold root off
		path := filepath.Join(host.Proc, "loadavg")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, change := range []func(){
		func() {},
		func() { writeProc(t, host, "loadavg", "0.5 0.5 0.") }, // cut
		unreadable,
		func() {
			if err := os.Remove(filepath.Join(host.Proc, "loadavg")); err != nil {
				t.Fatal(err)
			}
			writeProc(t, host, "loadavg", "0.5 0.5 0.5 1/1 1\n")
		},
	} {
		change()
		for range 3 {
			if got := scraped(t, e, "", ""); !strings.Contains(got, `fettle_collector_success{collector="cpu"} 1`) || !strings.Contains(got, "fettle_node_cpu_seconds_total") {
				t.Errorf("the other collector is not as it was:\n%s", got)
			}
		}
	}
	const want = `level=WARN msg="Collector fails" collector=load err="read load: /loadavg ends in the middle of a line"
level=INFO msg="Collector works again" collector=load
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
