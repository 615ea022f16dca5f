package guard

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// Window refuses outside the declared times. Of several that are for this playbook,
// cluster and tier one that is open is enough; where none is, nothing is held. A start
// of what is down takes nothing away, and is held only by a window that says so.
func Window(windows []repair.Window) repair.Guard {
	return repair.Guard{Name: "window", Ask: func(q repair.Question) repair.Verdict {
		var next time.Time
		held, opens := false, false
		for _, w := range windows {
			if !w.For(q.Playbook.Name, q.Target.Cluster.Name, q.Playbook.Tier, q.Spec.Does) {
				continue
			}
			if w.Open(q.Wall) {
				return repair.Go()
			}
			held = true
			if at, ok := w.Opens(q.Wall); ok && (!opens || at.Before(next)) {
				next, opens = at.In(w.Zone), true
			}
		}
		if !held {
			return repair.Go()
		}
		if !opens {
			return repair.Refuse("closed", "no window for it ever opens (guards.window)")
		}
		v := repair.Refuse("closed", fmt.Sprintf("its window opens on %s (guards.window)", next.Format("Monday, 2006-01-02 at 15:04 MST")))
		v.Again = next.Sub(q.Wall)
		return v
	}}
}
