package exporter

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// hardwareReadings is how often a clock is read in a scrape: the closest one counts.
const hardwareReadings = 5

// readHardwareClock reads a PTP clock with PTP_SYS_OFFSET_EXTENDED, for which the driver
// reads both clocks next to each other, and where a driver has no such thing as a clock
// between two readings of the system's.
func readHardwareClock(device string) (samples []clockSample, err error) {
	f, err := os.Open(device)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fd := int(f.Fd())
	extended, err := unix.IoctlPtpSysOffsetExtended(fd, hardwareReadings)
	if err == nil {
		for _, ts := range extended.Ts[:min(hardwareReadings, len(extended.Ts))] {
			samples = append(samples, clockSample{nanoseconds(ts[0]), nanoseconds(ts[1]), nanoseconds(ts[2])})
		}
		return samples, nil
	}
	// The clock of a descriptor, as clock_getres(2) has it.
	clock := int32(^fd<<3 | 3) //nolint:gosec // a descriptor is a small number
	for range hardwareReadings {
		var before, at, after unix.Timespec
		if err := errors.Join(unix.ClockGettime(unix.CLOCK_REALTIME, &before), unix.ClockGettime(clock, &at), unix.ClockGettime(unix.CLOCK_REALTIME, &after)); err != nil {
			return nil, err
		}
		samples = append(samples, clockSample{before.Nano(), at.Nano(), after.Nano()})
	}
	return samples, nil
}

func nanoseconds(t unix.PtpClockTime) int64 { return t.Sec*1e9 + int64(t.Nsec) }
