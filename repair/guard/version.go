package guard

import (
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Version refuses a known-bad version anywhere in the cluster, and everything
// while any member has a CORRUPT alarm. A version that nobody can tell is refused
// too, but for a start: that takes nothing away, and with all members dead there
// is nobody to tell.
func Version(knownBad func(cluster.Kind, string) (string, bool)) repair.Guard {
	if knownBad == nil {
		knownBad = func(cluster.Kind, string) (string, bool) { return "", false }
	}
	return repair.Guard{Name: "version", Ask: func(q repair.Question) repair.Verdict {
		view := q.Seen.Facts.View
		if view == nil {
			if ofQuorum(q) {
				return repair.Refuse("no-view", "the cluster was not seen")
			}
			return repair.Go()
		}
		if slices.Contains(view.UnlistedAlarms, "CORRUPT") {
			return repair.RefuseForPerson("corrupt", "a member that the inventory does not list has a CORRUPT alarm: a person has to find out whose data is right")
		}
		told := false
		for _, m := range view.Members {
			for _, a := range m.Alarms {
				if a == "CORRUPT" {
					return repair.RefuseForPerson("corrupt", fmt.Sprintf("member %s has a CORRUPT alarm: a person has to find out whose data is right", m.Name))
				}
			}
			if m.Version == "" {
				continue
			}
			told = true
			if why, bad := knownBad(q.Target.Cluster.Kind, m.Version); bad {
				return repair.RefuseForPerson("known-bad", fmt.Sprintf("member %s runs %s: %s", m.Name, m.Version, why))
			}
		}
		if !told && q.Spec.Does != repair.Starts {
			return repair.Refuse("not-told", "no member tells its version")
		}
		return repair.Go()
	}}
}
