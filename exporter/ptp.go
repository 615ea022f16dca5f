package exporter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxHardwareClocks bounds the series of one machine: each network card has one at most.
const maxHardwareClocks = 64

var hardwareClock = regexp.MustCompile(`^ptp[0-9]{1,4}$`)

// hardwareClocks are the PTP clocks of a machine, which network cards and hypervisors
// have. They are only compared with the system's.
type hardwareClocks struct {
	dir, devices string // where the kernel lists them, and where they can be opened
	// samples reads a clock between two readings of the system's, some times over.
	samples func(device string) ([]clockSample, error)

	readable, offset, bound *Metric
}

// clockSample is a reading of a clock between two of the system's, all in nanoseconds
// since 1970.
type clockSample struct{ before, clock, after int64 }

func newHardwareClocks(h Host) hardwareClocks {
	return hardwareClocks{
		dir: filepath.Join(h.sys(), "class/ptp"), devices: h.path("/dev"), samples: readHardwareClock,
		readable: gauge("fettle_time_ptp_readable", "1 if the hardware clock could be compared with the system's.", "clock", "name"),
		offset:   gauge("fettle_time_ptp_offset_seconds", "How far the hardware clock is ahead of the system's. One that keeps TAI is ahead by fettle_time_tai_offset_seconds as well. Absent while it cannot be read.", "clock"),
		bound:    gauge("fettle_time_ptp_error_bound_seconds", "How far the measured offset of the hardware clock can be off at most.", "clock"),
	}
}

// Metrics are those that tell emits.
func (c hardwareClocks) Metrics() []*Metric { return []*Metric{c.readable, c.offset, c.bound} }

func (c hardwareClocks) tell(emit Emit) error {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a kernel without them
	}
	if err != nil {
		return fmt.Errorf("list PTP clocks: %w", err)
	}
	var errs []error
	told := 0
	for _, e := range entries {
		if !hardwareClock.MatchString(e.Name()) || told == maxHardwareClocks {
			continue
		}
		told++
		name, err := os.ReadFile(filepath.Join(c.dir, e.Name(), "clock_name"))
		if err != nil {
			errs = append(errs, fmt.Errorf("name of PTP clock %s: %w", e.Name(), err))
		}
		samples, err := c.samples(filepath.Join(c.devices, e.Name()))
		offset, bound, ok := closest(samples)
		switch {
		case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist): // a device of root's, or none in this sandbox
		case err != nil:
			errs = append(errs, fmt.Errorf("read PTP clock %s: %w", e.Name(), err))
		case !ok:
			errs = append(errs, fmt.Errorf("read PTP clock %s: no reading of it that makes sense", e.Name()))
		}
		ok = ok && err == nil
		emit(c.readable, boolean(ok), e.Name(), clockName(string(name)))
		if ok {
			emit(c.offset, offset, e.Name())
			emit(c.bound, bound, e.Name())
		}
	}
	return errors.Join(errs...)
}

// clockName is a driver's name for its clock, as a label.
func clockName(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "?")
	return text[:min(len(text), 32)]
}

// closest is what the closest enclosed reading says: how far its clock is ahead, in
// seconds, and how far that can be off.
func closest(samples []clockSample) (offset, bound float64, ok bool) {
	for _, s := range samples {
		width := s.after - s.before
		if width < 0 || s.clock <= 0 { // the system's clock was set meanwhile
			continue
		}
		if half := float64(width) / 2e9; !ok || half < bound {
			// Of differences, which are small: the moments themselves have more digits than a float.
			offset, bound, ok = float64(s.clock-s.before)/1e9-half, half, true
		}
	}
	return offset, bound, ok
}
