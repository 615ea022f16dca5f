package repair

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// debt has what an ended run owes taken back: it looks at the tier's interval until
// that is done, whatever became of the episode.
type debt struct {
	e       *Engine
	run     string
	due     time.Duration
	looking bool
	why     string // it is not taken back yet
}

func (d *debt) dueAt() time.Duration {
	if d.looking {
		return -1
	}
	return d.due
}

// owe has what a run owes looked at, at once.
func (e *Engine) owe(run string) {
	if e.st.owed[run] == nil {
		return
	}
	d := e.debts[run]
	if d == nil {
		d = &debt{e: e, run: run}
		e.debts[run] = d
	}
	d.due = e.now
	e.timers.set(d)
}

// oweAll has everything looked at that is owed.
func (e *Engine) oweAll() {
	for _, o := range e.st.Owed() {
		e.owe(o.Run)
	}
}

// maxDebtWait is the longest time between two tries; each that ends otherwise than put
// back doubles it.
const maxDebtWait = time.Hour

// OwedFor is why what a run owes has not been taken back yet; empty where that is not
// known, or nothing holds it up.
func (e *Engine) OwedFor(run string) string {
	if d := e.debts[run]; d != nil {
		return d.why
	}
	return ""
}

// wait is how long it is left alone now.
func (d *debt) wait(o *Owed, set Settings) time.Duration {
	every := max(set.Look, time.Second)
	for range min(o.Runs, 16) {
		every *= 2
	}
	return min(every, max(maxDebtWait, set.Look))
}

func (d *debt) wake() {
	e := d.e
	o := e.st.owed[d.run]
	if o == nil || e.debts[d.run] != d {
		d.due = -1
		delete(e.debts, d.run)
		return
	}
	set := e.settingsFor(o.Playbook, o.Tier, clusterOf(o.Target))
	d.due = e.now + d.wait(o, set)
	e.timers.set(d)
	if o.Undo != "" { // a live run is at it
		return
	}
	t, err := e.byName(o.Target)
	switch held := e.owedHeldStill(); {
	case err != nil:
		d.why = err.Error()
	case held != nil:
		d.why = held.Detail
	case set.Attempts > 0 && o.Failed >= set.Attempts:
		d.why = fmt.Sprintf("%d runs could not take it back: a person has to, or says `fettle undo %s`", o.Failed, o.Run)
	case len(e.onTarget[o.Target]) > 0:
		d.why = "a run is live on its target"
	case e.st.overwrote(o) != "":
		d.why = "run " + e.st.overwrote(o) + " has set the same since: that is taken back first"
	case e.owing >= maxAsking:
		d.due = e.now + time.Second
		e.timers.set(d)
		return
	case o.healthless():
		d.take(o, t, true)
	default:
		d.lookAtHealth(o, t)
	}
	d.checkDeadline(o, set)
}

// healthless tells that everything is taken back whatever the target's health is.
func (o *Owed) healthless() bool {
	for _, s := range o.Steps {
		if !s.Undoes.Unhealthy {
			return false
		}
	}
	return true
}

// lookAtHealth asks first whether the target is in order.
func (d *debt) lookAtHealth(o *Owed, t cluster.Target) {
	d.looking = true
	d.e.owing++
	d.e.healthOf(o, t, func(why string) {
		d.looking = false
		d.e.owing--
		d.e.timers.set(d)
		o := d.e.st.owed[d.run]
		if o == nil || d.e.debts[d.run] != d || o.Undo != "" || len(d.e.onTarget[o.Target]) > 0 || d.e.st.overwrote(o) != "" || d.e.owedHeldStill() != nil {
			return
		}
		t, err := d.e.byName(o.Target) // a reload may have come
		if err != nil {
			return
		}
		d.why = why
		d.take(o, t, why == "")
	})
}

// take opens the run that takes back what may be: all of it, or, while the target is
// not in order, what comes before the first step that waits for that.
func (d *debt) take(o *Owed, t cluster.Target, healthy bool) {
	steps := o.Steps
	for i, s := range steps {
		if !healthy && !s.Undoes.Unhealthy {
			steps = steps[:i]
			break
		}
	}
	if len(steps) == 0 {
		return
	}
	specs, err := d.e.specsOf(steps)
	if err != nil {
		d.why = err.Error()
		return
	}
	resources := d.e.resources(specs, t)
	if holder, taken := d.e.SlotHolder(resources, ""); taken {
		d.why = "slots are taken by " + holder
		d.e.note(Note{Refused: &Verdict{Guard: ReasonConcurrency, Reason: ReasonConcurrency}})
		return
	}
	d.e.openUndo(Planned{
		Episode: o.Episode, Playbook: o.Playbook, Tier: o.Tier, Autonomy: Auto, Resources: resources, Steps: steps, Undoes: o.Run,
	}, t)
}

// healthOf looks whether the target is in order; then gets why it is not, or cannot be
// told to be, and nothing where it is.
func (e *Engine) healthOf(o *Owed, t cluster.Target, then func(why string)) {
	if mutant("returned while ill") {
		then("")
		return
	}
	if o.Health == nil {
		then("no step of the playbook but those that are to be taken back tells whether the target is in order")
		return
	}
	spec, err := e.specOf(*o.Health)
	if err != nil {
		then(err.Error())
		return
	}
	f := Look{Spec: spec, Target: t}
	if o.Verify != "" {
		f.Verify = &Verification{Expr: o.Verify, Since: min(sinceBefore, e.now-o.Since)} // what was scraped before says nothing
	}
	e.lookWith(f, func(ev Looked) {
		switch {
		case ev.Err != nil:
			then("the target could not be looked at: " + ev.Err.Error())
		case ev.Seen.Observation.Schema != spec.Sees || !spec.Action.Done(nil, ev.Seen.Observation):
			then("the target is not in order: " + ev.Seen.Observation.Says)
		case f.Verify != nil && !ev.Verified.shown():
			then(ev.Verified.says())
		default:
			then("")
		}
	})
}

// tellUndo has people told of a run that could not take another back.
func (e *Engine) tellUndo(l *live, f FinishedData) {
	if f.Outcome == Unknown || l.owed() && (f.Outcome == Failed || f.somebodyElse()) {
		reason := string(f.Outcome)
		if f.somebodyElse() {
			reason = f.Reason
		}
		e.tellRun(l.Planned, reason, fmt.Sprintf("the run that takes back run %s ended %s: %s", l.Undoes, f.Outcome, f.Detail))
	}
}

// afterUndo goes on with what is owed when a run that took a part of it back has ended.
func (e *Engine) afterUndo(l *live, f FinishedData) {
	o, d := e.st.owed[l.Undoes], e.debts[l.Undoes]
	if o == nil || d == nil {
		return
	}
	if f.Detail != "" {
		d.why = f.Detail
	}
	wait := d.wait(o, l.set)
	if f.Outcome == Repaired || f.Outcome == Noop { // what is left waits for the target's health
		wait = max(l.set.Look, time.Second)
	}
	d.due = e.now + wait
	e.timers.set(d)
}

// checkDeadline tells people, once, when something is still to be taken back at the
// tier's deadline.
func (d *debt) checkDeadline(o *Owed, set Settings) {
	if o.Told || d.e.now-o.Since <= set.Deadline {
		return
	}
	detail := fmt.Sprintf("%s is still as run %s left it: %s has not been taken back within %s", o.Target, o.Run, o.Steps[0].Name, set.Deadline)
	if d.why != "" {
		detail += ": " + d.why
	}
	d.e.tellRun(Planned{Run: o.Run, Episode: o.Episode, Target: o.Target, Tier: o.Tier}, ReasonIsolated, detail)
}

func clusterOf(target string) string {
	name, _, _ := strings.Cut(target, "/")
	return name
}

// settingsFor are those of a playbook that may be in the running configuration no more.
func (e *Engine) settingsFor(playbook string, tier Tier, cluster string) Settings {
	if p := e.playbook(playbook); p != nil {
		return e.settings(p, cluster)
	}
	return e.cfg.Settings(tier, cluster, playbook)
}
