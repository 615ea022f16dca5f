package exporter

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// The bits of timex.status and the clock's state, as <sys/timex.h> has them.
const (
	timexPLL    = 0x0001
	timexInsert = 0x0010
	timexDelete = 0x0020
	timexUnsync = 0x0040
	timexNano   = 0x2000
	timexError  = 5
)

// adjtimex reads the kernel's clock; with no mode set it changes nothing, and needs no
// privilege.
func adjtimex() (timex, error) {
	var raw unix.Timex
	state, err := unix.Adjtimex(&raw)
	if err != nil {
		return timex{}, fmt.Errorf("read the kernel's clock: adjtimex: %w", err)
	}
	return readTimex(state, raw), nil
}

func readTimex(state int, raw unix.Timex) timex {
	unit := 1e-6
	if raw.Status&timexNano != 0 {
		unit = 1e-9
	}
	t := timex{
		synchronised: state != timexError && raw.Status&timexUnsync == 0,
		steered:      raw.Status&timexPLL != 0,
		offset:       float64(raw.Offset) * unit,
		maxError:     float64(raw.Maxerror) * 1e-6,
		taiSeconds:   raw.Tai,
	}
	switch {
	case raw.Status&timexInsert != 0:
		t.leap = 1
	case raw.Status&timexDelete != 0:
		t.leap = -1
	}
	return t
}
