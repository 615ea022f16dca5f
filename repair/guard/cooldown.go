package guard

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// Cooldown refuses when this playbook ended a mutating run on the same target a
// short time ago. Further attempts inside a run, resumed runs, and the start of a
// member while its cluster has no leader are not asked (ENGINE.md rule 13).
func Cooldown() repair.Guard {
	return repair.Guard{Name: "cooldown", Ask: func(q repair.Question) repair.Verdict {
		if q.Further || q.Spec.Does == repair.Starts && leaderless(q) {
			return repair.Go()
		}
		left := q.State.CooldownLeft(q.Playbook.Name, q.Target.String(), q.Settings.Cooldown)
		if left <= 0 {
			return repair.Go()
		}
		return repair.Refuse("cooldown", fmt.Sprintf("%s changed %s less than %s ago: asked again in %s", q.Playbook.Name, q.Target, q.Settings.Cooldown, left.Round(time.Second)))
	}}
}

// leaderless tells that the target's cluster has a quorum to have, and no leader.
func leaderless(q repair.Question) bool {
	if !ofQuorum(q) || q.Seen.Facts.View == nil {
		return false
	}
	_, ok := q.Seen.Facts.View.Leader()
	return !ok
}
