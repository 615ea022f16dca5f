package exporter

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sysfs makes a sysfs of files and their texts; a text that begins with → is a link.
func sysfs(t *testing.T, files map[string]string) Host {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "class"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, link := strings.CutPrefix(text, "→"); link {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Host{Sys: dir}
}

func wantSeries(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		between(t, got, name, value, value)
	}
	for name := range maps.Keys(got) {
		if _, ok := want[name]; !ok {
			t.Errorf("and %s = %v", name, got[name])
		}
	}
}

func TestHardware(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  map[string]float64
	}{
		"a machine without any": {nil, nil},
		"a healthy mirror": {
			map[string]string{"block/md0/md/array_state": "clean", "block/md0/md/raid_disks": "2", "block/md0/md/degraded": "0", "block/md0/md/sync_action": "idle", "block/sda/size": "1"},
			map[string]float64{`fettle_node_raid_active{device="md0"}`: 1, `fettle_node_raid_disks{device="md0"}`: 2, `fettle_node_raid_disks_missing{device="md0"}`: 0, `fettle_node_raid_syncing{device="md0"}`: 0},
		},
		"a disk is rebuilt, another array is made larger": {
			map[string]string{
				"block/md1/md/array_state": "active", "block/md1/md/raid_disks": "3", "block/md1/md/degraded": "1", "block/md1/md/sync_action": "recover",
				"block/md2/md/array_state": "active-idle", "block/md2/md/raid_disks": "4 (3)", "block/md2/md/degraded": "0", "block/md2/md/sync_action": "reshape",
			},
			map[string]float64{
				`fettle_node_raid_active{device="md1"}`: 1, `fettle_node_raid_disks{device="md1"}`: 3, `fettle_node_raid_disks_missing{device="md1"}`: 1, `fettle_node_raid_syncing{device="md1"}`: 1,
				`fettle_node_raid_active{device="md2"}`: 1, `fettle_node_raid_disks{device="md2"}`: 4, `fettle_node_raid_disks_missing{device="md2"}`: 0, `fettle_node_raid_syncing{device="md2"}`: 1,
			},
		},
		"without redundancy, and one that is broken": {
			map[string]string{"block/md3/md/array_state": "clean", "block/md3/md/raid_disks": "2", "block/md4/md/array_state": "broken"},
			map[string]float64{`fettle_node_raid_active{device="md3"}`: 1, `fettle_node_raid_disks{device="md3"}`: 2, `fettle_node_raid_active{device="md4"}`: 0},
		},
		"bonds": {
			map[string]string{
				"class/net/bonding_masters": "bond0 bond1", "class/net/bond0/bonding/slaves": "eth0 eth1 eth2", "class/net/bond1/bonding/slaves": "",
				"class/net/eth0/bonding_slave/mii_status": "up", "class/net/eth1/bonding_slave/mii_status": "down", "class/net/eth2/bonding_slave/mii_status": "going back",
			},
			map[string]float64{
				`fettle_node_bond_members{device="bond0"}`: 3, `fettle_node_bond_members_up{device="bond0"}`: 1,
				`fettle_node_bond_members{device="bond1"}`: 0, `fettle_node_bond_members_up{device="bond1"}`: 0,
			},
		},
		"NVMe, one of which the kernel gave up": {
			map[string]string{"class/nvme/nvme0/state": "live", "class/nvme/nvme1/state": "dead", "class/nvme/nvme2/model": "of an old kernel"},
			map[string]float64{`fettle_node_nvme_live{device="nvme0"}`: 1, `fettle_node_nvme_live{device="nvme1"}`: 0},
		},
		"memory that counts its errors": {
			map[string]string{"devices/system/edac/mc/mc0/ce_count": "12", "devices/system/edac/mc/mc0/ue_count": "0", "devices/system/edac/mc/power/control": "auto"},
			map[string]float64{`fettle_node_memory_errors_total{controller="mc0",kind="corrected"}`: 12, `fettle_node_memory_errors_total{controller="mc0",kind="uncorrected"}`: 0},
		},
		"sensors, one that is below zero": {
			map[string]string{
				"class/hwmon/hwmon0/name": "coretemp", "class/hwmon/hwmon0/device": "→../../../coretemp.0",
				"class/hwmon/hwmon0/temp1_input": "45000", "class/hwmon/hwmon0/temp1_crit": "100000", "class/hwmon/hwmon0/temp1_label": "Package id 0",
				"class/hwmon/hwmon1/name": "acpitz", "class/hwmon/hwmon1/temp1_input": "-2500",
			},
			map[string]float64{
				`fettle_node_temperature_celsius{chip="coretemp",device="coretemp.0",label="Package id 0",sensor="temp1"}`:          45,
				`fettle_node_temperature_critical_celsius{chip="coretemp",device="coretemp.0",label="Package id 0",sensor="temp1"}`: 100,
				`fettle_node_temperature_celsius{chip="acpitz",device="hwmon1",label="",sensor="temp1"}`:                            -2.5,
			},
		},
		"two chips of one device": {
			map[string]string{
				"class/hwmon/hwmon0/name": "mlx5", "class/hwmon/hwmon0/device": "→../../../0000:81:00.0", "class/hwmon/hwmon0/temp1_input": "50000",
				"class/hwmon/hwmon1/name": "mlx5", "class/hwmon/hwmon1/device": "→../../../0000:81:00.0", "class/hwmon/hwmon1/temp1_input": "60000",
			},
			map[string]float64{
				`fettle_node_temperature_celsius{chip="mlx5",device="0000:81:00.0",label="",sensor="temp1"}`:        50,
				`fettle_node_temperature_celsius{chip="mlx5",device="0000:81:00.0-hwmon1",label="",sensor="temp1"}`: 60,
			},
		},
		"energy, of a zone and of one within": {
			map[string]string{
				"class/powercap/intel-rapl:0/name": "package-0", "class/powercap/intel-rapl:0/energy_uj": "2500000", "class/powercap/intel-rapl/enabled": "1",
				"class/powercap/intel-rapl:0:0/name": "core", "class/powercap/intel-rapl:0:0/energy_uj": "500000",
			},
			map[string]float64{`fettle_node_energy_joules_total{name="package-0",zone="intel-rapl:0"}`: 2.5, `fettle_node_energy_joules_total{name="core",zone="intel-rapl:0:0"}`: 0.5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantSeries(t, gathered(t, newHardware(sysfs(t, tc.files))), tc.want)
		})
	}
}

// What is bad costs itself: the mirror is told in each.
func TestHardwareBadInput(t *testing.T) {
	good := map[string]string{"block/md0/md/array_state": "clean", "block/md0/md/raid_disks": "2"}
	want := map[string]float64{`fettle_node_raid_active{device="md0"}`: 1, `fettle_node_raid_disks{device="md0"}`: 2}
	for name, tc := range map[string]struct {
		file, text string
		err        string // empty: passed over
		more       map[string]float64
	}{
		"no number":         {"devices/system/edac/mc/mc0/ce_count", "many", `ce_count: want a number, got "many"`, nil},
		"empty":             {"class/hwmon/hwmon0/temp1_input", "", `temp1_input: want a number, got ""`, nil},
		"too large":         {"class/powercap/intel-rapl:0/energy_uj", "99999999999999999999", "want a number", nil},
		"an unknown state":  {"block/md1/md/array_state", "melted", `array md1: unknown state "melted"`, map[string]float64{`fettle_node_raid_active{device="md1"}`: 0}},
		"a dangling bond":   {"class/net/bonding_masters", "bond9", "", nil},
		"a folder for text": {"class/net/bonding_masters/x", "", "is a directory", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(good)
			files[tc.file] = tc.text
			c := newHardware(sysfs(t, files))
			r := readOnce(t, c)
			if tc.err == "" && r.err != nil || tc.err != "" && (r.err == nil || !strings.Contains(r.err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", r.err, tc.err)
			}
			all := maps.Clone(want)
			maps.Copy(all, tc.more)
			wantSeries(t, series(t, registryOf(t, c, r)), all)
		})
	}
}

func TestHardwareWithoutASysfs(t *testing.T) {
	if r := readOnce(t, newHardware(Host{Sys: filepath.Join(t.TempDir(), "none")})); r.err == nil || len(r.samples) > 0 {
		t.Errorf("%v, %d samples", r.err, len(r.samples))
	}
}
