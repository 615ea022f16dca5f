package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// terms are what people declared: when something may be changed, and how much may be
// down. A configuration's digest names them.
type terms struct {
	windows []repair.Window
	limits  []repair.Limit

	approve   string // the cluster whose changes need approval; "*": all of them
	approvers int
	ownRuns   int // episodes that get a run of their own in an hour for one refusal
}

// level is how much may be done without a person.
func (t terms) level(cluster string) repair.Autonomy {
	if t.approve == "*" || t.approve == cluster {
		return repair.Approve
	}
	return repair.Auto
}

// drawTerms declares something in some worlds.
func (w *world) drawTerms() terms {
	d := w.dice
	t := terms{approvers: pick(d, 1, 1, 2), ownRuns: pick(d, 1, 2, 10)}
	if d.chance(0.3) {
		t.approve = pick(d, "*", "*", pick(d, w.units...).target.Cluster.Name)
	}
	if d.chance(0.3) {
		for range 1 + d.IntN(2) {
			from := 180 + d.IntN(100) - 60 // the seed begins at 03:00
			one := repair.Window{Days: everyDay(), From: from, To: from + 5 + d.IntN(60), Zone: time.UTC, Starts: d.chance(0.6)}
			if d.chance(0.3) {
				one.Zone = time.FixedZone("five and a half", 5*3600+1800)
				one.From, one.To = (one.From+330)%1440, (one.To+330)%1440
			}
			if d.chance(0.3) {
				one.Tiers = []repair.Tier{pick(d, repair.P0, repair.P1)}
			}
			if d.chance(0.3) {
				one.Clusters = []string{pick(d, w.units...).target.Cluster.Name}
			}
			t.windows = append(t.windows, one)
		}
	}
	if d.chance(0.5) {
		all := repair.Limit{Name: "web", AtMost: 1}
		rack := repair.Limit{Name: "rack", Group: true, AtMost: 1 + d.IntN(2)}
		for _, u := range w.units {
			if u.ring == nil {
				all.Members = append(all.Members, u.name())
			}
			if d.chance(0.6) {
				rack.Members = append(rack.Members, u.name())
			}
		}
		for _, l := range []repair.Limit{all, rack} {
			if len(l.Members) > l.AtMost && d.chance(0.7) {
				t.limits = append(t.limits, l)
			}
		}
	}
	return t
}

func everyDay() [7]bool { return [7]bool{true, true, true, true, true, true, true} }

// soon are the same terms, with windows that open within a short time and stay open.
func (w *world) soon(t terms) terms {
	t.windows = slices.Clone(t.windows)
	for i := range t.windows {
		one := &t.windows[i]
		at := w.reading().Wall.In(one.Zone).Add(w.dice.span(0, 20*time.Minute))
		one.From = at.Hour()*60 + at.Minute()
		one.To = (one.From + 12*60) % 1440
	}
	return t
}

// wide are the same terms, with windows that are closed for two hours of a day: in those
// an episode is only looked at.
func (t terms) wide() terms {
	t.windows = slices.Clone(t.windows)
	for i := range t.windows {
		t.windows[i].To = (t.windows[i].From + 22*60) % 1440
	}
	return t
}

// declare makes terms those of the configurations to come, and names them.
func (w *world) declare(t terms) {
	w.terms = t
	w.digest = fmt.Sprintf("terms-%d", len(w.declared))
	w.declared[w.digest] = t
}

// forIt tells that a window is for a playbook's change of a target.
func forIt(one repair.Window, playbook, cluster string, tier repair.Tier, does repair.Does) bool {
	return (len(one.Playbooks) == 0 || slices.Contains(one.Playbooks, playbook)) &&
		(len(one.Clusters) == 0 || slices.Contains(one.Clusters, cluster)) &&
		(len(one.Tiers) == 0 || slices.Contains(one.Tiers, tier)) && (one.Starts || does != repair.Starts)
}

// openAt tells that a window of every day is open. Its zone sets no clock.
func openAt(one repair.Window, wall time.Time) bool {
	at := wall.In(one.Zone)
	minute := at.Hour()*60 + at.Minute()
	if one.From < one.To {
		return one.From <= minute && minute < one.To
	}
	return minute >= one.From || minute < one.To
}
