package guard_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestCooldown(t *testing.T) {
	left := func(d time.Duration) change { return state(fakeState{cooldown: d}) }
	further := func(q *repair.Question) { q.Further = true }
	check(t, guard.Cooldown(), []tc{
		{name: "nothing was done lately"},
		{name: "over just now", with: []change{left(0)}},
		{name: "a moment is left", with: []change{left(time.Nanosecond)}, want: "cooldown"},
		{name: "some is left", with: []change{left(7*time.Minute + 300*time.Millisecond)}, want: "cooldown", says: "asked again in 7m0s"},
		{name: "a further attempt, or a resumed run", with: []change{left(time.Minute), further}},
		{name: "a start while there is no leader", with: []change{left(time.Minute), leaderless}},
		{name: "ending one while there is no leader", with: []change{left(time.Minute), leaderless, ending}, want: "cooldown"},
		{name: "one alone names a leader: that is none", with: []change{left(time.Minute), view(silent("a"), serving("b", "b", 2), silent("c"))}},
		{name: "the cluster was not seen: no exception", with: []change{left(time.Minute), noView}, want: "cooldown"},
		{name: "a unit has no leader to miss", with: []change{left(time.Minute), service}, want: "cooldown"},
	})
}
