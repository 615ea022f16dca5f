package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// errDry is what an action of a replay fails with if it is ever called: the replay
// answers looks itself, and begins nothing.
var errDry = errors.New("a replay looks at nothing and does nothing")

// Observe implements repair.Action. It is never called.
func (recorded) Observe(context.Context, cluster.Target) (repair.Sighting, error) {
	return repair.Sighting{}, errDry
}

// Apply implements repair.Action. It is never called.
func (recorded) Apply(context.Context, repair.Intent) error { return errDry }

// Done implements repair.Action, by what was told.
func (recorded) Done(before *repair.Observation, now repair.Observation) bool {
	s, ok := unpack(now)
	if before == nil {
		return ok && s.Done
	}
	return ok && s.Happened
}

// Started implements repair.Starter, likewise.
func (recorded) Started(_ *repair.Observation, now repair.Observation) bool {
	s, ok := unpack(now)
	return ok && s.Begun
}

// actions are the table's, as a replay has them: none can see or do anything.
func actions(table map[string]repair.ActionSpec) map[string]repair.ActionSpec {
	out := map[string]repair.ActionSpec{}
	for name, spec := range table {
		spec.Sees, spec.Action, spec.Bind = schema(name), recorded{name}, nil
		out[name] = spec
	}
	return out
}

// Anew are the guards that ask the configuration and the engine's state alone, so that
// a replay asks them anew. Of the others it goes by what they said.
func Anew() []string {
	return []string{"pause", "attempts", "autonomy", "window", "cooldown", "concurrency"}
}

// guardRecorded is the guard, beside the real ones, that says what is missing.
const guardRecorded = "recorded"

// guards are the table's, as a replay has them. now finds what is told of a target.
func guards(table []repair.Guard, now func(target string) *told) []repair.Guard {
	out := make([]repair.Guard, 0, len(table)+1)
	var recorded []string
	for _, g := range table {
		if !slices.Contains(Anew(), g.Name) {
			recorded = append(recorded, g.Name)
			g.Fleet, g.Alike = false, false
			g.Ask = func(q repair.Question) repair.Verdict {
				if d := now(q.Target.String()); d != nil {
					if v, ok := d.verdicts[g.Name]; ok {
						return v
					}
				}
				return repair.Go() // or not recorded, see below
			}
		}
		out = append(out, g)
	}
	return append(out, repair.Guard{Name: guardRecorded, Ask: func(q repair.Question) repair.Verdict {
		d := now(q.Target.String())
		if d == nil {
			return repair.Refuse(guardRecorded, fmt.Sprintf("not recorded: what guards would have said of %s", q.Target))
		}
		if d.allGo {
			return repair.Go()
		}
		var missing []string
		for _, name := range recorded {
			if _, ok := d.verdicts[name]; !ok {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			return repair.Go()
		}
		return repair.Refuse(guardRecorded, "not recorded: what "+strings.Join(missing, ", ")+" would have said")
	}})
}

// settings are the configuration's, but for what a replay cannot do again.
func settings(of func(repair.Tier, string, string) repair.Settings) func(repair.Tier, string, string) repair.Settings {
	return func(tier repair.Tier, cluster, playbook string) repair.Settings {
		s := of(tier, cluster, playbook)
		s.EagerLooks = 1                   // the looks that made sure are not recorded
		s.ViewAge = s.Forget               // what was seen is as old as it was then
		s.ReopenClosed = 0                 // a delivery that opened nothing is not recorded
		s.Sample = sample                  // two samples say done: both are of the moment that is recorded
		s.Settle -= min(s.Settle/2, slack) // what the looks of a moment take here
		return s
	}
}

const (
	sample = time.Millisecond
	slack  = 500 * time.Millisecond
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
