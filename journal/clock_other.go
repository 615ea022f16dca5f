//go:build !linux

package journal

import (
	"fmt"
	"os"
	"time"
)

// SystemClock returns a clock for hosts without a boot id and CLOCK_BOOTTIME:
// each process counts as a boot of its own, so that no duration is counted
// across a restart.
func SystemClock() (func() Reading, error) {
	start := time.Now()
	boot := fmt.Sprintf("process-%d-%d", os.Getpid(), start.UnixNano())
	return func() Reading {
		return Reading{Wall: time.Now().UTC().Round(0), Boot: boot, Since: time.Since(start)}
	}, nil
}
