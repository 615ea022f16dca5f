package guard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestBlastRadius(t *testing.T) {
	demo := repair.Limit{Name: "demo", Members: []string{"demo/a", "demo/b", "demo/c"}, AtMost: 1}
	rack := repair.Limit{Name: "rack-1", Group: true, Members: []string{"demo/a", "web/x", "web/y"}, AtMost: 1}
	taking := func(q *repair.Question) { // a member that runs is taken away
		q.Spec = repair.ActionSpec{Name: "defrag", Does: repair.Takes}
		q.Takes = []string{"demo/a"}
		q.Seen.Facts.Sights[0] = alive("a")
		q.Seen.Facts.View.Members[0] = serving("a", "b", 2)
		q.Fleet = &repair.Fleet{Available: map[string]bool{"demo/a": true, "web/x": true, "web/y": true}}
	}
	inFlight := func(targets ...string) change { return state(fakeState{down: targets}) }
	gone := func(target string) change { return func(q *repair.Question) { delete(q.Fleet.Available, target) } }
	does := func(d repair.Does) change { return func(q *repair.Question) { q.Spec.Does, q.Takes = d, nil } }
	onHost := func(targets ...string) change { return func(q *repair.Question) { q.Takes = targets } }
	unlooked := func(q *repair.Question) { q.Fleet = nil }
	for name, c := range map[string]struct {
		limits []repair.Limit
		cases  []tc
	}{
		"nothing is declared": {nil, []tc{{name: "never looked at", with: []change{taking, unlooked}}}},
		"a share of its cluster": {[]repair.Limit{demo}, []tc{
			{name: "all serve", with: []change{taking}},
			{name: "without a look at the inventory", with: []change{taking, unlooked}},
			{name: "another is silent", with: []change{taking, viewOf(2, func(m *cluster.MemberView) { m.Reachable = false })}, want: "cluster", says: "2 of the 3 of demo"},
			{name: "another sees no leader", with: []change{taking, viewOf(2, func(m *cluster.MemberView) { m.Leader = "" })}, want: "cluster", says: "demo/c"},
			{name: "another hangs", with: []change{taking, sightOf(2, func(s *cluster.Sight) { *s = hung("c") })}, want: "cluster"},
			{name: "another was not seen", with: []change{taking, view(serving("a", "b", 2), serving("b", "b", 2))}, want: "cluster"},
			{name: "another may be down by a run", with: []change{taking, inFlight("demo/b")}, want: "cluster", says: "demo/b"},
			{name: "something else may be down by a run", with: []change{taking, inFlight("web/x")}},
			{name: "only started", with: []change{taking, does(repair.Starts), inFlight("demo/b")}},
			{name: "left as it is", with: []change{taking, does(repair.Leaves), inFlight("demo/b")}},
			{name: "down already, beside two others", with: []change{taking, sightOf(0, func(s *cluster.Sight) { *s = dead("a") }), inFlight("demo/b", "demo/c")}},
			{name: "hung already", with: []change{taking, sightOf(0, func(s *cluster.Sight) { *s = hung("a") }), inFlight("demo/b", "demo/c")}},
			{name: "silent, and nobody says that it is gone", with: []change{taking, viewOf(0, func(m *cluster.MemberView) { m.Reachable = false }), inFlight("demo/b")}, want: "cluster"},
			{name: "nobody saw it itself", with: []change{taking, noSight, inFlight("demo/b")}, want: "cluster"},
		}},
		"a group over clusters": {[]repair.Limit{rack}, []tc{
			{name: "all serve", with: []change{taking}},
			{name: "one of another cluster is gone", with: []change{taking, gone("web/x")}, want: "group", says: "web/x, demo/a"},
			{name: "in flight", with: []change{taking, inFlight("web/y")}, want: "group"},
			{name: "in flight and gone is one", with: []change{taking, inFlight("web/y"), gone("web/y")}, want: "group", says: "2 of the 3"},
			{name: "not looked at", with: []change{taking, unlooked}, want: "unseen"},
			{name: "could not be looked at", with: []change{taking, func(q *repair.Question) { q.Fleet.Err = errors.New("too slow") }}, want: "unseen", says: "too slow"},
			{name: "not of the group", with: []change{taking, onHost("demo/z"), gone("web/x")}},
			{name: "a whole host", with: []change{taking, onHost("demo/a", "web/y")}, want: "group"},
		}},
		"both": {[]repair.Limit{demo, rack}, []tc{
			{name: "the cluster is named first", with: []change{taking, inFlight("demo/b", "web/x")}, want: "cluster"},
			{name: "the group holds", with: []change{taking, inFlight("web/x")}, want: "group"},
		}},
	} {
		t.Run(name, func(t *testing.T) { check(t, guard.BlastRadius(c.limits), c.cases) })
	}
}

// What runs may have down is asked for since the older one of the looks.
func TestBlastRadiusAsksSinceTheOlderLook(t *testing.T) {
	var since []time.Duration
	q := question()
	q.Spec.Does, q.Takes = repair.Takes, []string{"demo/a"}
	q.Seen.Facts.Sights[0] = alive("a")
	q.Seen.Asked = journal.Reading{Since: 9 * time.Second}
	q.Fleet = &repair.Fleet{Asked: journal.Reading{Since: 7 * time.Second}}
	q.State = fakeState{since: &since}
	guard.BlastRadius([]repair.Limit{
		{Name: "demo", Members: []string{"demo/a"}, AtMost: 1},
		{Name: "rack", Members: []string{"demo/a", "web/x"}, AtMost: 2},
	}).Ask(*q)
	if len(since) != 2 || since[0] != 9*time.Second || since[1] != 7*time.Second {
		t.Errorf("asked since %v", since)
	}
}
