package exporter

import (
	"fmt"
	"strings"
	"testing"
)

func TestDisk(t *testing.T) {
	before := disksByHand(t)
	got := gathered(t, newDisk(Host{}))
	after := disksByHand(t)
	for name := range got {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is not in /proc/diskstats", name)
		}
		if strings.Contains(name, "_io_now{") {
			continue // goes up and down
		}
		between(t, got, name, before[name], after[name])
	}
	if len(got) != len(before) {
		t.Errorf("%d series, by hand %d: idle disks have theirs too", len(got), len(before))
	}
}

func disksByHand(t *testing.T) map[string]float64 {
	all := map[string]float64{}
	for _, f := range lines(t, "/proc/diskstats") {
		if newDisk(Host{}).(*diskCollector).skip.MatchString(f[2]) {
			continue
		}
		for i, column := range []struct {
			name string
			unit float64
		}{
			{"reads_completed_total", 1}, {"reads_merged_total", 1}, {"read_bytes_total", 512}, {"read_time_seconds_total", .001},
			{"writes_completed_total", 1}, {"writes_merged_total", 1}, {"written_bytes_total", 512}, {"write_time_seconds_total", .001},
			{"io_now", 1}, {"io_time_seconds_total", .001}, {"io_time_weighted_seconds_total", .001},
			{"discards_completed_total", 1}, {"discards_merged_total", 1}, {"discarded_bytes_total", 512}, {"discard_time_seconds_total", .001},
			{"flushes_total", 1}, {"flush_time_seconds_total", .001},
		} {
			if i+3 < len(f) {
				all[fmt.Sprintf("fettle_node_disk_%s{device=%q}", column.name, f[2])] = number(t, f[i+3]) * column.unit
			}
		}
	}
	return all
}

// An idle disk has its series, and an old kernel's disk those that it counts.
func TestDiskFixture(t *testing.T) {
	got := gathered(t, newDisk(procWith(t, `   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
   8       1 sda1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
   8      16 sdb 0 0 0 0 0 0 0 0 0 0 0
   7       0 loop0 1 1 1 1 1 1 1 1 1 1 1
`)))
	for name, want := range map[string]float64{
		`read_bytes_total{device="sda"}`: 3 * 512, `io_now{device="sda"}`: 9, `discarded_bytes_total{device="sda"}`: 14 * 512,
		`flush_time_seconds_total{device="sda"}`: .017, `reads_completed_total{device="sdb"}`: 0,
	} {
		between(t, got, "fettle_node_disk_"+name, want, want)
	}
	if len(got) != 17+11 {
		t.Errorf("%d series: %v", len(got), got)
	}
}

func TestDiskSkips(t *testing.T) {
	skip := newDisk(Host{}).(*diskCollector).skip
	for name, want := range map[string]bool{
		"sda": false, "sda1": true, "sdaa": false, "sdaa12": true, "vda": false, "xvda": false, "xvda1": true,
		"nvme0n1": false, "nvme0n1p2": true, "mmcblk0": false, "mmcblk0p1": true, "dm-0": false, "md127": false,
		"loop7": true, "ram0": true, "zram0": true, "sr0": false,
	} {
		if got := skip.MatchString(name); got != want {
			t.Errorf("%s: skipped %v, want %v", name, got, want)
		}
	}
}
