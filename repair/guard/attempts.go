package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/repair"
)

// Attempts refuses when too many attempts were made on (action, target) since it
// was last repaired. Then the circuit is open until `fettle release`.
func Attempts() repair.Guard {
	return repair.Guard{Name: "attempts", Ask: func(q repair.Question) repair.Verdict {
		if q.Settings.Attempts == 0 {
			return repair.Go()
		}
		target := q.Target.String()
		made := q.State.AttemptsMade(q.Counted, target, q.Settings.AttemptsWithin)
		if made < q.Settings.Attempts && !q.State.CircuitOpen(q.Counted, target) {
			return repair.Go()
		}
		return repair.RefuseForPerson("attempts", fmt.Sprintf("%s was attempted %d times on %s (at most %d within %s): find out why it does not hold, then `fettle release`",
			q.Step.Action, max(made, q.Settings.Attempts), target, q.Settings.Attempts, q.Settings.AttemptsWithin))
	}}
}
