//go:build faults

package app

import "time"

const (
	replayPosts  = 100_000
	replayAlerts = 1_000

	slowAnswer = time.Second
	slowStay   = 10 * time.Second
)
