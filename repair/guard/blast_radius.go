package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// BlastRadius refuses what would make more of a cluster, or of a declared group,
// unavailable than is allowed. It counts what is unavailable by fresh looks, what other
// runs may have down, and what this step takes away. What cannot be told counts as
// unavailable. A step that takes nothing away, because it only starts or because its
// target is down already, is not asked.
func BlastRadius(limits []repair.Limit) repair.Guard {
	of := map[string][]int{} // by target: the limits that it counts for
	for i, l := range limits {
		for _, m := range l.Members {
			of[m] = append(of[m], i)
		}
	}
	return repair.Guard{Name: "blast-radius", Fleet: true, Ask: func(q repair.Question) repair.Verdict {
		if len(limits) == 0 || q.Spec.Does == repair.Starts || q.Spec.Does == repair.Leaves {
			return repair.Go()
		}
		var asked []int
		takes := takenAway(q)
		for _, t := range takes {
			for _, i := range of[t] {
				if !slices.Contains(asked, i) {
					asked = append(asked, i)
				}
			}
		}
		slices.Sort(asked)
		for _, i := range asked {
			if v := keepsTo(limits[i], takes, q); !v.OK {
				return v
			}
		}
		return repair.Go()
	}}
}

// takenAway is what the step makes unavailable: not the target where its service
// manager says that no process is there, nor a member that is shown to be hung.
func takenAway(q repair.Question) []string {
	s, ok := q.Seen.Facts.Sight(q.Target.Member.Name)
	if !ok || !s.Hung && !s.Service.Gone() {
		return q.Takes
	}
	return slices.DeleteFunc(slices.Clone(q.Takes), func(t string) bool { return t == q.Target.String() })
}

// keepsTo counts one limit's targets.
func keepsTo(l repair.Limit, takes []string, q repair.Question) repair.Verdict {
	since := q.Seen.Asked
	view, own := q.Seen.Facts.View, q.Target.Cluster.Name+"/"
	var down []string
	for _, m := range l.Members {
		switch name, mine := strings.CutPrefix(m, own); {
		case mine && view != nil:
			v, ok := view.Member(name)
			if s, told := q.Seen.Facts.Sight(name); !ok || !v.Reachable || v.Leader == "" || told && s.Hung {
				down = append(down, m)
			}
		case q.Fleet == nil:
			return repair.Refuse("unseen", "the whole inventory has not been looked at just now, so it cannot be told what of "+l.Name+" is available")
		case q.Fleet.Err != nil:
			return repair.Refuse("unseen", "the whole inventory cannot be looked at: "+q.Fleet.Err.Error())
		default:
			if q.Fleet.Asked.Since < since.Since {
				since = q.Fleet.Asked
			}
			if !q.Fleet.Available[m] {
				down = append(down, m)
			}
		}
	}
	for _, m := range append(q.State.MayBeDown(q.Run, since), takes...) {
		if slices.Contains(l.Members, m) && !slices.Contains(down, m) {
			down = append(down, m)
		}
	}
	if len(down) <= l.AtMost {
		return repair.Go()
	}
	detail := fmt.Sprintf("with it %d of the %d of %s would be unavailable, at most %d may be (guards.blast_radius): %s", len(down), len(l.Members), l.Name, l.AtMost, some(down))
	if l.Group {
		return repair.Refuse("group", detail)
	}
	return repair.Refuse("cluster", detail)
}

// some names a few targets.
func some(targets []string) string {
	const most = 8
	if len(targets) <= most {
		return strings.Join(targets, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(targets[:most], ", "), len(targets)-most)
}
