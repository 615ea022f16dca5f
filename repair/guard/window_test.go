package guard_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestWindow(t *testing.T) {
	every := [7]bool{true, true, true, true, true, true, true}
	night := repair.Window{Days: every, From: 22 * 60, To: 6 * 60, Zone: time.UTC}
	noon := repair.Window{Days: every, From: 12 * 60, To: 13 * 60, Zone: time.UTC}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute int) change {
		return func(q *repair.Question) { q.Wall = time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) } // a Monday
	}
	of := func(w repair.Window, change func(*repair.Window)) repair.Window {
		change(&w)
		return w
	}
	for name, c := range map[string]struct {
		windows []repair.Window
		cases   []tc
	}{
		"none is declared": {nil, []tc{{name: "open", with: []change{ending, at(9, 0)}}}},
		"at night": {[]repair.Window{night}, []tc{
			{name: "by day", with: []change{ending, at(9, 0)}, want: "closed", says: "Monday, 2026-11-23 at 22:00 UTC"},
			{name: "its last minute", with: []change{ending, at(5, 59)}},
			{name: "its end", with: []change{ending, at(6, 0)}, want: "closed"},
			{name: "its beginning", with: []change{ending, at(22, 0)}},
			{name: "a start takes nothing away", with: []change{at(9, 0)}},
		}},
		"starts wait too": {[]repair.Window{of(night, func(w *repair.Window) { w.Starts = true })}, []tc{
			{name: "by day", with: []change{at(9, 0)}, want: "closed"},
			{name: "at night", with: []change{at(23, 0)}},
		}},
		"one of two is open": {[]repair.Window{night, noon}, []tc{
			{name: "at noon", with: []change{ending, at(12, 30)}},
			{name: "none", with: []change{ending, at(9, 0)}, want: "closed", says: "at 12:00 UTC"},
		}},
		"for others": {[]repair.Window{
			of(night, func(w *repair.Window) { w.Clusters = []string{"other"} }),
			of(night, func(w *repair.Window) { w.Playbooks = []string{"other"} }),
			of(night, func(w *repair.Window) { w.Tiers = []repair.Tier{repair.P2} }),
		}, []tc{{name: "by day", with: []change{ending, at(9, 0)}}}},
		"for this cluster alone": {[]repair.Window{of(night, func(w *repair.Window) { w.Clusters = []string{"demo"} })}, []tc{
			{name: "by day", with: []change{ending, at(9, 0)}, want: "closed"},
		}},
		"another zone, on two days": {[]repair.Window{of(night, func(w *repair.Window) {
			w.Zone, w.Days = berlin, [7]bool{time.Saturday: true, time.Sunday: true}
		})}, []tc{
			{name: "on a Monday", with: []change{ending, at(9, 0)}, want: "closed", says: "Saturday, 2026-11-28 at 22:00 CET"},
			{name: "what began on Sunday", with: []change{ending, at(4, 59)}},
		}},
		"never": {[]repair.Window{{Zone: time.UTC, To: 60}}, []tc{{name: "any time", with: []change{ending, at(0, 30)}, want: "closed", says: "ever"}}},
	} {
		t.Run(name, func(t *testing.T) { check(t, guard.Window(c.windows), c.cases) })
	}
	q := question()
	ending(q)
	at(21, 59)(q)
	if v := guard.Window([]repair.Window{night}).Ask(*q); v.Again != time.Minute {
		t.Errorf("asked again in %s, and it opens in a minute", v.Again)
	}
}
