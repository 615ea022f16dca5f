package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestVersion(t *testing.T) {
	version := func(i int, v string) change {
		return viewOf(i, func(m *cluster.MemberView) { m.Version = v })
	}
	alarm := func(i int, a ...string) change {
		return viewOf(i, func(m *cluster.MemberView) { m.Alarms = a })
	}
	untold := func(q *repair.Question) {
		for i := range q.Seen.Facts.View.Members {
			q.Seen.Facts.View.Members[i].Version = ""
		}
	}
	unlisted := func(q *repair.Question) { q.Seen.Facts.View.UnlistedAlarms = []string{"NOSPACE", "CORRUPT"} }
	check(t, guard.Version(knownBad), []tc{
		{name: "good versions"},
		{name: "a known-bad one anywhere in the cluster", with: []change{version(2, "3.5.1")}, want: "known-bad!", says: "it loses data"},
		{name: "also for ending a hung one", with: []change{ending, version(1, "3.5.1")}, want: "known-bad!", says: "member b runs 3.5.1"},
		{name: "CORRUPT at the target", with: []change{alarm(0, "CORRUPT")}, want: "corrupt!"},
		{name: "CORRUPT at another", with: []change{alarm(2, "NOSPACE", "CORRUPT")}, want: "corrupt!", says: "member c"},
		{name: "CORRUPT at one that the inventory does not list", with: []change{unlisted}, want: "corrupt!", says: "the inventory does not list"},
		{name: "NOSPACE alone is no corruption", with: []change{alarm(1, "NOSPACE")}},
		{name: "a start with nobody to tell", with: []change{untold}},
		{name: "ending one with nobody to tell", with: []change{ending, untold}, want: "not-told"},
		{name: "one that tells is enough", with: []change{ending, untold, version(1, "3.5.21")}},
		{name: "the cluster was not seen", with: []change{noView}, want: "no-view"},
		{name: "a unit has no version", with: []change{service}},
	})
}

func TestVersionWithoutAList(t *testing.T) {
	if v := guard.Version(nil).Ask(*question()); !v.OK {
		t.Errorf("refused without a list of known-bad versions: %+v", v)
	}
}
