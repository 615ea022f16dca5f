package exporter

import (
	"fmt"
	"testing"
)

func TestDisk(t *testing.T) {
	before := disksByHand(t)
	got := gathered(t, newDisk(Host{}))
	after := disksByHand(t)
	found := 0
	for name, value := range got {
		b, ok := before[name]
		if !ok {
			t.Errorf("%s is not in /proc/diskstats", name)
		}
		between(t, got, name, b, after[name])
		if value > 0 {
			found++
		}
	}
	if found == 0 {
		t.Error("no disk with any I/O")
	}
}

func disksByHand(t *testing.T) map[string]float64 {
	all := map[string]float64{}
	for _, f := range lines(t, "/proc/diskstats") {
		for name, value := range map[string]float64{
			"reads_completed_total":    number(t, f[3]),
			"read_bytes_total":         number(t, f[5]) * 512,
			"read_time_seconds_total":  number(t, f[6]) / 1000,
			"writes_completed_total":   number(t, f[7]),
			"written_bytes_total":      number(t, f[9]) * 512,
			"write_time_seconds_total": number(t, f[10]) / 1000,
			"io_time_seconds_total":    number(t, f[12]) / 1000,
		} {
			all[fmt.Sprintf("fettle_node_disk_%s{device=%q}", name, f[2])] = value
		}
	}
	return all
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
