package exporter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

type hardwareCollector struct {
	sys string

	raidActive, raidDisks, raidMissing, raidSyncing *Metric
	bondMembers, bondUp                             *Metric
	nvmeLive                                        *Metric
	memoryErrors                                    *Metric
	temperature, critical                           *Metric
	energy                                          *Metric
}

func newHardware(h Host) Collector {
	sensor := []string{"chip", "device", "sensor", "label"}
	return &hardwareCollector{
		sys:          h.sys(),
		raidActive:   gauge("fettle_node_raid_active", "1 if the array works, also while it lacks disks.", "device"),
		raidDisks:    gauge("fettle_node_raid_disks", "Disks that the array is made of.", "device"),
		raidMissing:  gauge("fettle_node_raid_disks_missing", "Disks that the array lacks. Absent where it has no redundancy.", "device"),
		raidSyncing:  gauge("fettle_node_raid_syncing", "1 while the array is resynchronised, rebuilt or reshaped. Absent where it has no redundancy.", "device"),
		bondMembers:  gauge("fettle_node_bond_members", "Network devices in the bond.", "device"),
		bondUp:       gauge("fettle_node_bond_members_up", "Network devices in the bond that have a link.", "device"),
		nvmeLive:     gauge("fettle_node_nvme_live", "1 if the NVMe controller takes commands.", "device"),
		memoryErrors: counter("fettle_node_memory_errors_total", "Errors of the memory's hardware that the controller corrected, or could not correct.", "controller", "kind"),
		temperature:  gauge("fettle_node_temperature_celsius", "What the sensor measures.", sensor...),
		critical:     gauge("fettle_node_temperature_critical_celsius", "The temperature at which the sensor's device is in danger, as its maker says.", sensor...),
		energy:       counter("fettle_node_energy_joules_total", "Energy that this part of the processor took (RAPL).", "zone", "name"),
	}
}

func (c *hardwareCollector) Metrics() []*Metric {
	return []*Metric{
		c.raidActive, c.raidDisks, c.raidMissing, c.raidSyncing, c.bondMembers, c.bondUp,
		c.nvmeLive, c.memoryErrors, c.temperature, c.critical, c.energy,
	}
}

// Collect tells of what there is. A machine without arrays, bonds and sensors is
// usual, and no error; one without a sysfs is.
func (c *hardwareCollector) Collect(_ context.Context, _ *Scrape, emit Emit) error {
	if _, err := os.Stat(filepath.Join(c.sys, "class")); err != nil {
		return fmt.Errorf("read sysfs: %w", err)
	}
	err := errors.Join(c.arrays(emit), c.bonds(emit), c.nvmes(emit), c.controllers(emit), c.sensors(emit), c.zones(emit))
	if err != nil {
		return fmt.Errorf("read hardware: %w", err)
	}
	return nil
}

// arrays are those of the kernel's software RAID.
func (c *hardwareCollector) arrays(emit Emit) error {
	devices, err := c.list("block", "md")
	for _, device := range devices {
		state, there, e := c.text("block", device, "md", "array_state")
		if !there { // md_d0 of a module that is loaded only, or a race with its end
			err = errors.Join(err, e)
			continue
		}
		switch state {
		case "clean", "active", "active-idle", "readonly", "read-auto", "write-pending", "suspended":
			emit(c.raidActive, 1, device)
		case "clear", "inactive", "broken":
			emit(c.raidActive, 0, device)
		default:
			emit(c.raidActive, 0, device)
			err = errors.Join(err, fmt.Errorf("array %s: unknown state %q", device, state))
		}
		err = errors.Join(err,
			c.tell(emit, c.raidDisks, 1, []string{device}, "block", device, "md", "raid_disks"),
			c.tell(emit, c.raidMissing, 1, []string{device}, "block", device, "md", "degraded"))
		action, there, e := c.text("block", device, "md", "sync_action")
		err = errors.Join(err, e)
		if there {
			emit(c.raidSyncing, boolean(action == "resync" || action == "recover" || action == "reshape"), device)
		}
	}
	return err
}

// bonds are several network devices that act as one.
func (c *hardwareCollector) bonds(emit Emit) error {
	all, _, err := c.text("class", "net", "bonding_masters")
	for _, bond := range strings.Fields(all) {
		members, there, e := c.text("class", "net", bond, "bonding", "slaves")
		if !there {
			err = errors.Join(err, e)
			continue
		}
		up := 0
		for _, member := range strings.Fields(members) {
			link, _, e := c.text("class", "net", member, "bonding_slave", "mii_status")
			err = errors.Join(err, e)
			if link == "up" {
				up++
			}
		}
		emit(c.bondMembers, float64(len(strings.Fields(members))), bond)
		emit(c.bondUp, float64(up), bond)
	}
	return err
}

// nvmes are the controllers of NVMe. The kernel gives up a dead one with all of its
// disks, which then are no longer told of.
func (c *hardwareCollector) nvmes(emit Emit) error {
	controllers, err := c.list("class/nvme", "nvme")
	for _, nvme := range controllers {
		state, there, e := c.text("class/nvme", nvme, "state")
		err = errors.Join(err, e)
		if there {
			emit(c.nvmeLive, boolean(state == "live"), nvme)
		}
	}
	return err
}

// controllers are those of memory that counts its errors (EDAC).
func (c *hardwareCollector) controllers(emit Emit) error {
	controllers, err := c.list("devices/system/edac/mc", "mc")
	for _, mc := range controllers {
		err = errors.Join(err,
			c.tell(emit, c.memoryErrors, 1, []string{mc, "corrected"}, "devices/system/edac/mc", mc, "ce_count"),
			c.tell(emit, c.memoryErrors, 1, []string{mc, "uncorrected"}, "devices/system/edac/mc", mc, "ue_count"))
	}
	return err
}

// sensors are those of temperature. Their number behind hwmon changes from boot to
// boot, so it is a label only of a chip that belongs to no device.
func (c *hardwareCollector) sensors(emit Emit) error {
	chips, err := c.list("class/hwmon", "hwmon")
	seen := map[string]bool{}
	for _, hwmon := range chips {
		name, _, e := c.text("class/hwmon", hwmon, "name")
		err = errors.Join(err, e)
		device := hwmon
		if target, e := os.Readlink(filepath.Join(c.sys, "class/hwmon", hwmon, "device")); e == nil {
			device = filepath.Base(target)
		}
		if seen[name+"/"+device] { // one device with two chips of a name
			device += "-" + hwmon
		}
		seen[name+"/"+device] = true
		inputs, e := c.list(filepath.Join("class/hwmon", hwmon), "temp")
		err = errors.Join(err, e)
		for _, input := range inputs {
			sensor, ok := strings.CutSuffix(input, "_input")
			if !ok {
				continue
			}
			label, _, e := c.text("class/hwmon", hwmon, sensor+"_label")
			labels := []string{name, device, sensor, label}
			err = errors.Join(err, e,
				c.tell(emit, c.temperature, 1e-3, labels, "class/hwmon", hwmon, input),
				c.tell(emit, c.critical, 1e-3, labels, "class/hwmon", hwmon, sensor+"_crit"))
		}
	}
	return err
}

// zones are the parts of the processor whose energy is counted. Most kernels let only
// root read it, because it tells of what others compute: then it is absent.
func (c *hardwareCollector) zones(emit Emit) error {
	zones, err := c.list("class/powercap", "intel-rapl:")
	for _, zone := range zones {
		name, _, e := c.text("class/powercap", zone, "name")
		err = errors.Join(err, e, c.tell(emit, c.energy, 1e-6, []string{zone, name}, "class/powercap", zone, "energy_uj"))
	}
	return err
}

// list names what dir, below sysfs, has that begins with prefix: nothing if it is not
// there.
func (c *hardwareCollector) list(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(c.sys, dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// text reads a file below sysfs, without its end of line. One that is not there, may
// not be read, or whose device cannot say, is none, without an error: so is the usual
// state of some sensors on most boards.
func (c *hardwareCollector) text(path ...string) (text string, there bool, err error) {
	raw, err := os.ReadFile(filepath.Join(append([]string{c.sys}, path...)...))
	if err == nil {
		return strings.TrimSpace(string(raw)), true, nil
	}
	switch errno := syscall.Errno(0); {
	case !errors.As(err, &errno):
		return "", false, err
	case errno == syscall.EMFILE || errno == syscall.ENFILE || errno == syscall.ENOMEM || errno == syscall.EISDIR:
		return "", false, err // says nothing of the device
	}
	return "", false, nil
}

// tell emits the number that a file begins with, times unit; nothing if there is none.
func (c *hardwareCollector) tell(emit Emit, m *Metric, unit float64, labels []string, path ...string) error {
	text, there, err := c.text(path...)
	if !there {
		return err
	}
	first, _, _ := strings.Cut(text, " ") // "4 (3)" while an array is made larger
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return fmt.Errorf("%s: want a number, got %q", filepath.Join(path...), text)
	}
	emit(m, float64(n)*unit, labels...)
	return nil
}
