package sim

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// undoPlanned: a step of the playbooks here that sets a knob declares how it is taken
// back, and that stands in the plan, and what it overwrites in the intent, before it is
// begun (rule 24).
func (v *watcher) undoPlanned(in repair.IntentData, run *runSeen) {
	if in.Action != repair.ActionExec || in.Step >= len(run.plan.Steps) {
		return
	}
	s := run.plan.Steps[in.Step]
	d := deedOf(s)
	if name, _ := d.knob(); s.Undoes != nil || name == "" {
		return
	}
	if s.Undo == nil || in.Before.Was == nil {
		v.report(rulePlanned, "an intent to put a knob of %s, and how it is put back, or what was there, is not in the journal", in.TargetName)
	}
}

// putBackRightly: an undo changes only what is as the undone step set it; one that no
// person asked for returns to service only what is in order; and what was begun later
// is taken back before (rule 24).
func (v *watcher) putBackRightly(in repair.IntentData, u *unit, run *runSeen, look *looking) {
	s := run.plan.Steps[in.Step]
	if look == nil || s.Undoes == nil {
		return
	}
	if !look.still {
		v.report(ruleStill, "an intent to put back %s on %s, which is not as the run left it: %v", s.Name, in.TargetName, u.knobs)
	}
	if !run.owed() {
		return
	}
	if since := v.w.now - v.w.settings(in.TargetName).ViewAge - time.Second; !s.Undoes.Unhealthy && !u.orderSince(since) {
		v.report(ruleHealthy, "an intent to put back %s on %s, which is not in order", s.Name, in.TargetName)
	}
	o := v.ledger.owed[s.Undoes.Run]
	if o == nil || !slices.ContainsFunc(o.steps, func(b begunStep) bool { return b.intent == s.Undoes.Intent }) {
		v.report(ruleStillOwed, "an intent to put back %s on %s, which run %s does not owe any more", s.Name, in.TargetName, tail(s.Undoes.Run))
		return
	}
	if last := o.steps[len(o.steps)-1]; last.intent != s.Undoes.Intent {
		v.report(ruleBackwards, "an intent to put back %s on %s, and a step that was begun later is still owed", s.Name, in.TargetName)
	}
}

// expectPutBack is liveness: what is owed of a target that is in order is put back, or a
// person was told.
func (w *world) expectPutBack() {
	for _, run := range w.watch.ledger.order {
		if o := w.watch.ledger.owed[run]; o != nil && !o.told {
			w.mustNot(ruleOwed, "what run %s left of %s is still owed, and nobody was told", tail(run), o.target)
			return
		}
	}
}
