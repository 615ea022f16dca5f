package repair

import (
	"slices"
	"time"
)

// Window is a part of the week in which fettle may change what it is for. Its ends
// are times on a wall clock in Zone, whatever the clock does there in between.
type Window struct {
	// What it is for; an empty list is all of them.
	Clusters  []string
	Playbooks []string
	Tiers     []Tier
	// Starts: it holds the start of what is down too, which takes nothing away.
	Starts bool

	Days [7]bool // by time.Weekday: those on which it opens
	From int     // minutes of the day
	To   int     // up to 1440; not above From: on the next day
	Zone *time.Location
}

// For tells whether it says anything about an action's kind of change, by a playbook
// of a tier on a cluster.
func (w Window) For(playbook, cluster string, tier Tier, does Does) bool {
	return within(w.Clusters, cluster) && within(w.Playbooks, playbook) && within(w.Tiers, tier) && (w.Starts || does != Starts)
}

func within[T comparable](list []T, one T) bool {
	return len(list) == 0 || slices.Contains(list, one)
}

// Open tells whether it is open at a moment.
func (w Window) Open(at time.Time) bool {
	for day := -3; day <= 1; day++ { // a zone may skip a whole day
		if opens, closes, ok := w.on(at, day); ok && !at.Before(opens) && at.Before(closes) {
			return true
		}
	}
	return false
}

// Opens is when it opens next after a moment, ok is false for one that never does.
func (w Window) Opens(after time.Time) (next time.Time, ok bool) {
	for day := -3; day <= 8; day++ {
		opens, _, there := w.on(after, day)
		if there && opens.After(after) && (!ok || opens.Before(next)) {
			next, ok = opens, true
		}
	}
	return next, ok
}

// on is when the window that belongs to a day opens and closes, days after the one
// that at falls on.
func (w Window) on(at time.Time, days int) (opens, closes time.Time, ok bool) {
	y, m, d := at.In(w.Zone).Date()
	day := time.Date(y, m, d+days, 0, 0, 0, 0, time.UTC) // of the calendar: no zone is meant
	if !w.Days[day.Weekday()] {
		return opens, closes, false
	}
	usual := time.Duration(w.To-w.From) * time.Minute
	if usual <= 0 {
		usual += 24 * time.Hour
	}
	from := day.Add(time.Duration(w.From) * time.Minute)
	found := false
	for _, o := range w.shows(from) {
		for _, c := range w.shows(from.Add(usual)) {
			if c.After(o) && (!found || (c.Sub(o)-usual).Abs() < (closes.Sub(opens)-usual).Abs()) {
				opens, closes, found = o, c, true
			}
		}
	}
	if !found { // the clock skips all of it
		opens = w.shows(from)[0]
		closes = opens.Add(usual)
	}
	return opens, closes, true
}

// shows are the moments at which the clock in Zone shows a time, which is written as
// one of UTC: two where it is set back over it; where it is set forward over it, the
// moment in which that is done.
func (w Window) shows(local time.Time) []time.Time {
	near := local.Add(-offset(local.In(w.Zone)))
	begin, end := near.In(w.Zone).ZoneBounds()
	offsets := []time.Duration{offset(near.In(w.Zone))}
	turns := []time.Time{}
	if !begin.IsZero() {
		offsets, turns = append(offsets, offset(begin.Add(-1).In(w.Zone))), append(turns, begin)
	}
	if !end.IsZero() {
		offsets, turns = append(offsets, offset(end.In(w.Zone))), append(turns, end)
	}
	var at []time.Time
	for _, o := range offsets {
		t := local.Add(-o)
		if offset(t.In(w.Zone)) == o && !slices.ContainsFunc(at, t.Equal) {
			at = append(at, t)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	if len(at) > 0 {
		return at
	}
	for _, t := range turns {
		before, after := t.Add(offset(t.Add(-1).In(w.Zone))), t.Add(offset(t.In(w.Zone)))
		if !local.Before(before) && local.Before(after) {
			return []time.Time{t}
		}
	}
	return []time.Time{near} // no zone is like that
}

// offset is by how much a clock is ahead of UTC.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
