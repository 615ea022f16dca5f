package sim

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// begunStep is a step with an undo that a run has begun.
type begunStep struct {
	step   int
	intent string // the first
}

// owedSeen is what a run left that did not repair.
type owedSeen struct {
	target string
	steps  []begunStep // in the order in which they were begun
	since  time.Duration
	told   bool // people know of it
}

// owed tells a run that takes another back and that no person asked for.
func (r *runSeen) owed() bool { return r.plan.Undoes != "" && r.plan.Actor == "" }

func (r *runSeen) begin(v repair.IntentData) {
	if v.Step >= len(r.plan.Steps) || r.plan.Steps[v.Step].Undo == nil {
		return
	}
	b := begunStep{v.Step, v.ID}
	for i, old := range r.begun {
		if old.step == v.Step { // a further attempt: begun now, and undone by its first intent
			b.intent = old.intent
			r.begun = slices.Delete(r.begun, i, i+1)
			break
		}
	}
	r.begun = append(r.begun, b)
}

func (r *runSeen) neverBegan(intent string) {
	r.begun = slices.DeleteFunc(r.begun, func(b begunStep) bool { return b.intent == intent })
}

// owe notes what is to be taken back by itself.
func (l *ledger) owe(r *runSeen, at time.Duration) {
	o := &owedSeen{target: r.plan.Target, since: at}
	for _, b := range r.begun {
		if r.plan.Steps[b.step].Undo.OnFailure {
			o.steps = append(o.steps, b)
		}
	}
	if len(o.steps) > 0 {
		l.owed[r.plan.Run] = o
	}
}

// undone notes a step that takes another back and is in order: put back just now, or by
// somebody else before.
func (l *ledger) undone(v repair.StepData) {
	r := l.runs[v.Run]
	if r == nil || v.Step >= len(r.plan.Steps) || r.plan.Steps[v.Step].Undoes == nil {
		return
	}
	u := r.plan.Steps[v.Step].Undoes
	if o := l.owed[u.Run]; o != nil {
		o.steps = slices.DeleteFunc(o.steps, func(b begunStep) bool { return b.intent == u.Intent })
		if len(o.steps) == 0 {
			delete(l.owed, u.Run)
		}
	}
}

// kept: what a run repaired with is part of that repair, and no earlier run's to take
// back.
func (l *ledger) kept(r *runSeen) {
	if r == nil {
		return
	}
	for run, o := range l.owed {
		if o.target != r.plan.Target {
			continue
		}
		by := l.runs[run]
		o.steps = slices.DeleteFunc(o.steps, func(b begunStep) bool {
			return slices.ContainsFunc(r.plan.Steps, func(s repair.PlannedStep) bool {
				return len(s.Declared) > 0 && string(s.Declared) == string(by.plan.Steps[b.step].Declared)
			})
		})
		if len(o.steps) == 0 {
			delete(l.owed, run)
		}
	}
}

// tookBack is the end of a run that takes another back: what somebody has changed since
// is nobody's to put back any more.
func (l *ledger) tookBack(r *runSeen, v repair.FinishedData) {
	if v.Outcome == repair.Blocked && v.Reason == repair.ReasonChanged && !v.Passing {
		if o := l.owed[r.plan.Undoes]; o != nil {
			for _, s := range r.plan.Steps {
				o.steps = slices.DeleteFunc(o.steps, func(b begunStep) bool { return s.Undoes != nil && b.intent == s.Undoes.Intent })
			}
			if len(o.steps) == 0 {
				delete(l.owed, r.plan.Undoes)
			}
		}
	}
}

// toldOf notes that people know of something.
func (l *ledger) toldOf(v repair.EscalatedData) {
	run := v.Run
	if r := l.runs[run]; r != nil && r.plan.Undoes != "" {
		run = r.plan.Undoes
	}
	if o := l.owed[run]; o != nil {
		o.told = true
	}
}

// counts is what attempts at an intent's step are counted under: of a step that
// describes itself, what that says.
func (l *ledger) counts(in repair.IntentData) string {
	if r := l.runs[in.Run]; r != nil && in.Step < len(r.plan.Steps) {
		return in.Action + string(r.plan.Steps[in.Step].Declared)
	}
	return in.Action
}
