package guard_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestAttempts(t *testing.T) {
	off := func(q *repair.Question) { q.Settings.Attempts = 0 }
	check(t, guard.Attempts(), []tc{
		{name: "none made"},
		{name: "one less than allowed", with: []change{state(fakeState{made: 2})}},
		{name: "as many as allowed", with: []change{state(fakeState{made: 3})}, want: "attempts!", says: "fettle release"},
		{name: "more", with: []change{state(fakeState{made: 9})}, want: "attempts!", says: "9 times"},
		{name: "time passed, the circuit is open", with: []change{state(fakeState{open: true})}, want: "attempts!", says: "3 times"},
		{name: "a further attempt is asked too", with: []change{state(fakeState{made: 3}), func(q *repair.Question) { q.Further = true }}, want: "attempts!"},
		{name: "also for a unit", with: []change{service, state(fakeState{made: 3})}, want: "attempts!"},
		{name: "also without a leader", with: []change{leaderless, state(fakeState{made: 3})}, want: "attempts!"},
		{name: "switched off", with: []change{off, state(fakeState{made: 9, open: true})}},
	})
}

type fakeAttempts struct {
	fakeState
	action, target string
	within         time.Duration
}

func (a *fakeAttempts) AttemptsMade(action, target string, d time.Duration) int {
	a.action, a.target, a.within = action, target, d
	return 0
}

func TestAttemptsAreCountedByActionAndTarget(t *testing.T) {
	q, asked := question(), &fakeAttempts{}
	q.State = asked
	guard.Attempts().Ask(*q)
	if asked.action != "member-start" || asked.target != "demo/a" || asked.within != 15*time.Minute {
		t.Errorf("asked for %s on %s within %s", asked.action, asked.target, asked.within)
	}
}
