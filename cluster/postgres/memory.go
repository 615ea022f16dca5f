package postgres

import (
	"math"
	"slices"
	"time"
)

// memory is what a Driver keeps from earlier looks: where the primary was then, and
// where each standby was. It holds no value that is told again.
type memory struct {
	history history
	been    map[string]Standby // by "primary/standby"
}

// origin is whose positions can be compared: those of one server, or of its copies on
// one timeline.
type origin struct {
	system   string
	timeline uint32
}

// mostSamples of a history: what they date is at most a few hundredths older than told.
const mostSamples = 512

// history is where the primary was at earlier looks, oldest first: it dates a position
// without a heartbeat that would have to be written.
type history struct {
	origin  origin
	samples []sample
}

// sample tells that at that time the primary had no more than that position.
type sample struct {
	at       time.Time
	position uint64
}

// note adds where the primary was. Another primary, or one that went back, begins a
// new history; a look that is older than the last one says nothing new.
func (h *history) note(o origin, position uint64, at time.Time) {
	if h.origin != o {
		h.origin, h.samples = o, h.samples[:0]
	}
	last := len(h.samples) - 1
	switch {
	case last < 0:
	case !at.After(h.samples[last].at):
		return
	case position == h.samples[last].position:
		h.samples[last].at = at
		return
	case position < h.samples[last].position:
		h.samples = h.samples[:0]
	}
	h.samples = append(h.samples, sample{at, position})
	if len(h.samples) > mostSamples {
		h.thin()
	}
}

// thin leaves out the sample that is missed least: the one beside whose age the gap
// that it leaves is smallest. Old samples stand further apart then than young ones.
func (h *history) thin() {
	newest, least, at := h.samples[len(h.samples)-1].at, math.Inf(1), 1
	for i := 1; i < len(h.samples)-1; i++ {
		gap := h.samples[i+1].at.Sub(h.samples[i-1].at).Seconds()
		if cost := gap / newest.Sub(h.samples[i].at).Seconds(); cost < least {
			least, at = cost, i
		}
	}
	h.samples = slices.Delete(h.samples, at, at+1)
}

// age is how long before now the primary was last seen to have no more than position;
// nil: it was not seen then.
func (h *history) age(o origin, position uint64, now time.Time) *float64 {
	if h.origin != o {
		return nil
	}
	after, _ := slices.BinarySearchFunc(h.samples, position, func(s sample, p uint64) int {
		if s.position <= p {
			return -1
		}
		return 1
	})
	if after == 0 {
		return nil
	}
	age := max(now.Sub(h.samples[after-1].at).Seconds(), 0)
	return &age
}

// fresh takes from a standby's row the lags that the primary measured at another
// position than it is at now: those of a standby that stands still would stay as they
// were while it was well. It keeps the row for the next look.
func (m *memory) fresh(key string, row Standby) Standby {
	before, known := m.been[key]
	if m.been == nil {
		m.been = map[string]Standby{}
	}
	m.been[key] = row
	known = known && before.PID == row.PID
	row.WriteLag = moved(row.WriteLag, row.Written, before.Written, row.Sent, known)
	row.FlushLag = moved(row.FlushLag, row.Flushed, before.Flushed, row.Sent, known)
	row.ReplayLag = moved(row.ReplayLag, row.Replayed, before.Replayed, row.Sent, known)
	return row
}

// moved is lag if the position that it was measured at is the newest, or not the one
// of the look before.
func moved(lag *float64, now, before, sent *uint64, known bool) *float64 {
	switch {
	case lag == nil || now == nil || sent == nil:
		return nil
	case *now >= *sent, known && before != nil && *before != *now:
		return lag
	}
	return nil
}
