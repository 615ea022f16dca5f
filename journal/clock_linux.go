package journal

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock returns the clock of this host: wall time, the kernel's boot id
// and CLOCK_BOOTTIME, which counts suspend and does not jump.
func SystemClock() (func() Reading, error) {
	const bootID = "/proc/sys/kernel/random/boot_id"
	b, err := os.ReadFile(bootID)
	if err != nil {
		return nil, fmt.Errorf("read boot id: %w", err)
	}
	boot := strings.TrimSpace(string(b))
	if _, err := sinceBoot(); err != nil {
		return nil, fmt.Errorf("read CLOCK_BOOTTIME: %w", err)
	}
	return func() Reading {
		since, _ := sinceBoot() // it cannot begin to fail once it has worked
		return Reading{Wall: time.Now().UTC().Round(0), Boot: boot, Since: since}
	}, nil
}

func sinceBoot() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
