package mysql

import "time"

// Heartbeat is what a member has of the heartbeat table.
type Heartbeat struct {
	// Beats are the newest by the server that wrote them.
	Beats map[uint64]time.Time
	// Writer is who wrote the newest of all.
	Writer uint64
	// Age is how old that one is by the member's own clock, in seconds.
	Age float64
}

// freshest is how old the source's own beat may be for a lag to be told from the table: who
// writes every second misses ten of them.
const freshest = 10.0

// heartbeatOf reads the rows, newest first; utc tells in which zone the times are. nil:
// there are none.
func heartbeatOf(rows []row, utc bool) *Heartbeat {
	h := &Heartbeat{Beats: map[uint64]time.Time{}}
	for _, r := range rows {
		clock := r.get("now")
		if utc {
			clock = r.get("utc")
		}
		now, ok := moment(clock)
		beat, told := moment(r.get("ts"))
		id := r.uint("server_id")
		if !ok || !told || id == 0 {
			continue
		}
		if len(h.Beats) == 0 {
			h.Writer, h.Age = id, max(now.Sub(beat).Seconds(), 0)
		}
		if beat.After(h.Beats[id]) {
			h.Beats[id] = beat
		}
	}
	if len(h.Beats) == 0 {
		return nil
	}
	return h
}

// moment reads a time without a zone.
func moment(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// behind is how much older the newest beat is that the replica has of those that the
// source wrote. nil: the source's own is too old to measure with, or one has none.
func behind(source, replica *Heartbeat) *float64 {
	if source == nil || replica == nil || source.Age > freshest {
		return nil
	}
	got, ok := replica.Beats[source.Writer]
	if !ok {
		return nil
	}
	s := max(source.Beats[source.Writer].Sub(got).Seconds(), 0)
	return &s
}
