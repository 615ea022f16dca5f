//go:build !faults

package app

import "time"

// A slice of what `make faults` does in full.
const (
	replayPosts  = 4_000
	replayAlerts = 100

	// Where the tests of everything else run beside it, and with the race detector.
	slowAnswer = 5 * time.Second
	slowStay   = 20 * time.Second
)
