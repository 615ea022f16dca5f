package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/repair"
)

// Concurrency refuses when too many runs hold slots in the whole fleet. A slot
// that another run holds is refused by the engine itself, under the same name.
func Concurrency() repair.Guard {
	return repair.Guard{Name: "concurrency", Ask: func(q repair.Question) repair.Verdict {
		if live := q.State.LiveRuns(q.Run); q.Settings.LiveRuns > 0 && live >= q.Settings.LiveRuns {
			return repair.Refuse("live-runs", fmt.Sprintf("%d runs are live, at most %d may be", live, q.Settings.LiveRuns))
		}
		return repair.Go()
	}}
}
