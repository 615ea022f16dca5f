package guard_test

import (
	"errors"
	"testing"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestStorm(t *testing.T) {
	fleet := func(f repair.Fleet) change {
		return func(q *repair.Question) {
			ending(q)
			q.Fleet = &f
		}
	}
	check(t, guard.Storm(), []tc{
		{name: "a start is not asked"},
		{name: "a start is not asked even in a storm", with: []change{func(q *repair.Question) { q.Fleet = &repair.Fleet{Running: 9, Failing: 9, Suspect: "x"} }}},
		{name: "calm", with: []change{fleet(repair.Fleet{Running: 10, Failing: 1})}},
		{name: "an inventory of nothing", with: []change{fleet(repair.Fleet{})}},
		{name: "all of four fail: too few to be a storm", with: []change{fleet(repair.Fleet{Running: 4, Failing: 4})}},
		{name: "five of six", with: []change{fleet(repair.Fleet{Running: 6, Failing: 5})}, want: "storm", says: "5 of the 6"},
		{name: "five of fifteen: a third and not over it", with: []change{fleet(repair.Fleet{Running: 15, Failing: 5})}},
		{name: "five of fourteen", with: []change{fleet(repair.Fleet{Running: 14, Failing: 5})}, want: "storm"},
		{name: "3,333 of 10,000", with: []change{fleet(repair.Fleet{Running: 10000, Failing: 3333})}},
		{name: "3,334 of 10,000", with: []change{fleet(repair.Fleet{Running: 10000, Failing: 3334})}, want: "storm"},
		{name: "Prometheus does not answer", with: []change{fleet(repair.Fleet{Running: 3, Suspect: "Prometheus does not answer: refused"})}, want: "suspect", says: "refused"},
		{name: "a storm says more than a suspect", with: []change{fleet(repair.Fleet{Running: 6, Failing: 6, Suspect: "x"})}, want: "storm"},
		{name: "not looked at", with: []change{ending}, want: "unseen"},
		{name: "could not be looked at", with: []change{fleet(repair.Fleet{Err: errors.New("too slow")})}, want: "unseen", says: "too slow"},
	})
}
