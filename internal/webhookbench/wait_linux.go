package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// waitUntil returns at t, to some tens of microseconds. The runtime's own timers
// are up to a millisecond late on an idle machine, which is of the size of what is
// measured here.
func waitUntil(t time.Time) {
	for left := time.Until(t); left > 0; left = time.Until(t) {
		pause := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &pause, nil) // interrupted: again
	}
}
