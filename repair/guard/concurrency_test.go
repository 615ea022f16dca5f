package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestConcurrency(t *testing.T) {
	off := func(q *repair.Question) { q.Settings.LiveRuns = 0 }
	check(t, guard.Concurrency(), []tc{
		{name: "alone"},
		{name: "one place left", with: []change{state(fakeState{live: 9})}},
		{name: "full", with: []change{state(fakeState{live: 10})}, want: "live-runs", says: "10 runs are live, at most 10"},
		{name: "over", with: []change{state(fakeState{live: 11})}, want: "live-runs"},
		{name: "also for a unit", with: []change{service, state(fakeState{live: 10})}, want: "live-runs"},
		{name: "no limit", with: []change{off, state(fakeState{live: 1000})}},
	})
}
