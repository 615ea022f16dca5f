package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// told is what the records of one moment tell of a target.
type told struct {
	err  error           // nothing could be seen
	done map[string]bool // by action: it was in order, or it was to be done
	// whole: in order, whatever is asked.
	whole bool
	says  string
	// verdicts are those that were recorded, by guard; go: an intent was written, so
	// that each guard that was asked then said go.
	verdicts map[string]repair.Verdict
	allGo    bool
	// An intent's result, for the action that it was.
	action              string
	happened, begun     bool
	verified, notVerify bool // what Prometheus said to `verify`
}

// errNotRecorded is what a look fails with that the journal does not tell.
var errNotRecorded = errors.New("not recorded")

func notRecorded(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNotRecorded, fmt.Sprintf(format, args...))
}

// seen is the form of what an action of a replay sees.
type seen struct {
	Done     bool `json:"done"`
	Happened bool `json:"happened"`
	Begun    bool `json:"begun"`
}

// look answers an action's look by what is told.
func (d *told) look(action string, t cluster.Target, at journal.Reading) (repair.Sighting, error) {
	if d.err != nil {
		return repair.Sighting{}, d.err
	}
	done, known := d.done[action]
	if d.whole {
		done, known = true, true
	}
	if !known {
		return repair.Sighting{}, notRecorded("what action %s would have seen of %s", action, t)
	}
	s := seen{Done: done}
	if d.action == action || d.whole {
		s.Happened, s.Begun = d.happened || d.whole, d.begun
	}
	data, err := json.Marshal(s)
	if err != nil {
		return repair.Sighting{}, err
	}
	return repair.Sighting{
		Asked:       at,
		Observation: repair.Observation{Schema: schema(action), Says: d.says, Data: data},
		// How its service was is not recorded. That it was to be done is, so that the
		// looks which make sure of it are not asked for again.
		Facts: repair.Facts{Sights: []cluster.Sight{{Member: t.Member.Name, Service: cluster.Service{State: cluster.ServiceDead}}}},
	}, nil
}

func schema(action string) string { return "replay/" + action }

// ofIntent is what an intent tells: its step was to be done, those before it were in
// order, and every guard said go.
func ofIntent(p *repair.Planned, noops map[int]bool, in repair.IntentData) *told {
	d := &told{done: map[string]bool{in.Action: false}, allGo: true, says: in.Says}
	for i, s := range p.Steps {
		switch {
		case i < in.Step && (noops[i] || s.Action != in.Action):
			d.done[s.Action] = true
		case i > in.Step && s.Action != in.Action:
			d.done[s.Action] = false
		}
	}
	return d
}

// ofStep is what an intent's result tells: of its own action alone. What was seen next
// the next record tells.
func ofStep(p *repair.Planned, s repair.StepData) *told {
	d := &told{done: map[string]bool{s.Action: s.Result == repair.StepVerified}, action: s.Action, says: s.Says}
	switch s.Result {
	case repair.StepVerified:
		d.happened = true
		d.whole = s.Step == len(p.Steps)-1
	case repair.StepStarted:
		d.begun = true
	case repair.StepUnknown:
		d.err = notRecorded("how %s was after %s (%s)", s.Target, s.Name, s.Says)
	}
	return d
}

// ofFinished is what the end of a run tells; nil: nothing of the target.
func ofFinished(p *repair.Planned, f repair.FinishedData) *told {
	d := &told{done: map[string]bool{}, says: f.Says}
	switch {
	case f.Outcome == repair.Noop, f.Outcome == repair.Repaired:
		d.whole, d.verified = true, true
		return d
	case f.Reason == repair.ReasonObserve && f.Guard == repair.ReasonObserve, f.Reason == repair.ReasonAgent:
		d.err = errors.New(f.Detail)
		return d
	case f.Reason == repair.ReasonVerify:
		d.whole, d.notVerify = true, true
		return d
	case len(f.Verdicts) == 0 || p == nil:
		return nil
	}
	left := max(0, len(p.Steps)-len(f.Would))
	for i, s := range p.Steps {
		d.done[s.Action] = i < left
	}
	d.verdicts = map[string]repair.Verdict{}
	for _, v := range f.Verdicts {
		d.verdicts[v.Guard] = v
	}
	return d
}

// ofHeld is what a refusal of many episodes tells of each: one guard's word.
func ofHeld(p *repair.Playbook, h repair.HeldData) *told {
	d := &told{done: map[string]bool{}, says: h.Detail, verdicts: map[string]repair.Verdict{
		h.Guard: {Guard: h.Guard, Reason: h.Reason, Detail: h.Detail, Passing: h.Passing},
	}}
	if len(p.Steps) == 1 { // of several it is not told which were to be done
		d.done[p.Steps[0].Action] = false
	}
	return d
}

// recorded is an action of a replay: it knows what was told, and does nothing.
type recorded struct{ name string }

func unpack(o repair.Observation) (seen, bool) {
	if !strings.HasPrefix(o.Schema, "replay/") {
		return seen{}, false
	}
	return repair.Unpack[seen](o, o.Schema)
}

// sought answers the looks that are to show who is meant by an alert that names no member
// of a cluster, as it was recorded; empty: nobody was.
func (p *player) sought(in, member string) {
	var now []repair.Look
	p.seeks = slices.DeleteFunc(p.seeks, func(l repair.Look) bool {
		if l.Target.Cluster.Name == in {
			now = append(now, l)
		}
		return l.Target.Cluster.Name == in
	})
	for _, l := range now {
		seen := repair.Sighting{Asked: p.now}
		if member != "" {
			v := cluster.View{Cluster: in, Kind: l.Target.Cluster.Kind}
			for _, m := range l.Target.Cluster.Members {
				v.Members = append(v.Members, cluster.MemberView{Name: m.Name, Reachable: m.Name != member})
			}
			seen.Facts.View = &v
		}
		p.step(repair.Looked{Look: l.ID, Seen: seen})
	}
}

// nobodyMeant is sought, where the record says of an episode that no member was meant.
func (p *player) nobodyMeant(ep *Episode) {
	if ep == nil || ep.book == nil {
		return
	}
	_, _, err := ep.book.Resolve(p.cfg.Inventory, ep.Labels)
	var un *repair.UnnamedError
	if errors.As(err, &un) {
		p.sought(un.Cluster.Name, "")
	}
}
