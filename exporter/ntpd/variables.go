package ntpd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// wanted are the system's variables that are asked for.
const wanted = "stratum,rootdelay,rootdisp,refid,reftime,offset"

// Leap is what the leap indicator of NTP says.
type Leap uint16

// The values of Leap.
const (
	LeapNone    Leap = iota // no leap second at the end of the day
	LeapInsert              // the last minute of the day has 61 seconds
	LeapDelete              // the last minute of the day has 59 seconds
	LeapUnknown             // the clock is not synchronised
)

// System is how the clock is kept.
type System struct {
	Leap           Leap
	Stratum        int
	ReferenceID    string    // the source, as ntpd writes it: an address or a name of four letters
	ReferenceTime  time.Time // the last time that the clock was set or moved; zero: never
	Offset         float64   // seconds that the sources are ahead of the clock
	RootDelay      float64   // seconds, there and back, to the first clock of the chain
	RootDispersion float64   // seconds of error gathered on the way from it
}

// local tells that the source is the driver of the undisciplined local clock.
func (s System) local() bool {
	return strings.HasPrefix(s.ReferenceID, "127.127.1.") || strings.HasPrefix(s.ReferenceID, "LOC")
}

// Source is one source of time, and what ntpd makes of it: the peer status word.
type Source struct {
	ID     uint16
	Status uint16
}

// Reachable tells whether the source answered one of the last eight polls.
func (s Source) Reachable() bool { return s.Status&0x1000 != 0 }

// Selected tells whether the clock follows the source, or the pulses beside it.
func (s Source) Selected() bool { return s.Status>>8&7 >= 6 }

// readSources reads pairs of an association's number and its status word.
func readSources(data []byte) ([]Source, error) {
	if len(data)%4 != 0 {
		return nil, fmt.Errorf("a list of sources of %d bytes", len(data))
	}
	sources := make([]Source, 0, len(data)/4)
	for ; len(data) > 0; data = data[4:] {
		sources = append(sources, Source{binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])})
	}
	return sources, nil
}

// readSystem reads `name=value, name=value`; delays and offsets are in milliseconds.
// The leap indicator is the first of the status word.
func readSystem(text []byte, status uint16) (System, error) {
	values := map[string]string{}
	for part := range strings.SplitSeq(string(text), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if ok {
			values[name] = value
		}
	}
	s := System{Leap: Leap(status >> 14), ReferenceID: values["refid"]}
	var errs []error
	number := func(name string) float64 {
		v, err := strconv.ParseFloat(values[name], 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			errs = append(errs, fmt.Errorf("variable %s: want a number, got %q", name, values[name]))
		}
		return v
	}
	if v := number("stratum"); v >= 0 && v <= 255 {
		s.Stratum = int(v)
	} else {
		errs = append(errs, fmt.Errorf("variable stratum: %v is none", v))
	}
	s.Offset = number("offset") / 1e3
	s.RootDelay = number("rootdelay") / 1e3
	s.RootDispersion = number("rootdisp") / 1e3
	if len(errs) > 0 {
		return System{}, errors.Join(errs...)
	}
	var err error
	if s.ReferenceTime, err = moment(values["reftime"]); err != nil {
		return System{}, fmt.Errorf("variable reftime: %w", err)
	}
	return s, nil
}

// moment reads a timestamp of NTP, such as 0xeeac6b76.8565635c: seconds since 1900 in
// the era that began then or, below the half, in the one of 2036, and 2^-32 of one.
func moment(text string) (time.Time, error) {
	whole, fraction, ok := strings.Cut(strings.TrimPrefix(text, "0x"), ".")
	seconds, err := strconv.ParseUint(whole, 16, 32)
	parts, err2 := strconv.ParseUint(fraction, 16, 32)
	if !ok || err != nil || err2 != nil {
		return time.Time{}, fmt.Errorf("want a timestamp of NTP, got %q", text)
	}
	if seconds == 0 && parts == 0 {
		return time.Time{}, nil
	}
	const until1970, era = 2208988800, 1 << 32
	if seconds < era/2 {
		seconds += era
	}
	return time.Unix(int64(seconds)-until1970, int64(parts*1e9>>32)), nil //nolint:gosec // 33 bits, and less than 1e9
}
