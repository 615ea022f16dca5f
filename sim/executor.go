package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// mutation is one Apply, from when it was handed over until it can have no more effect.
type mutation struct {
	intent    repair.Intent
	does      repair.Does
	sees      string
	resources []string
	unit      *unit
	asked     time.Duration // when the View was asked for that its guards saw
	begun     bool          // its executor is at it
	commanded bool          // the manager has the order
	over      bool
	vouched   bool // a person released its slots: nobody else answers for what comes of it
}

// finish is that nothing more will come of it. A nil mutation is nobody's.
func (m *mutation) finish() {
	if m != nil {
		m.over = true
	}
}

// open tells that it may still take effect.
func (m *mutation) open(w *world) bool {
	return !m.over && (m.begun || m.intent.MayBegin(w.reading()))
}

// beginning is a mutation of u whose executor runs, and has not reached the manager.
func (w *world) beginning(u *unit) *mutation {
	for _, m := range w.mutations {
		if m.unit == u && m.begun && !m.commanded && !m.over {
			return m
		}
	}
	return nil
}

var (
	errAfterEffect = errors.New("connection lost")
	errDeadline    = errors.New("deadline exceeded")
)

// apply hands an intent to its executor, which begins it, or comes too late, or
// lives on where fettle dies, and answers late, not at all, or with an error.
func (w *world) apply(f repair.Apply, answer func(error)) {
	u, ok := w.unit(f.Intent.Target)
	if !ok {
		w.in(0, func() { answer(fmt.Errorf("%s: no such target", f.Intent.Target)) })
		return
	}
	m := &mutation{intent: f.Intent, does: f.Spec.Does, sees: f.Spec.Sees, unit: u, resources: w.inventory.Resources(f.Intent.Target, f.Spec.Disturbs)}
	m.asked = w.fettle.trueTime(f.Intent.NotAfterSince - w.fettle.notAfter)
	w.mutations = append(w.mutations, m)
	w.in(w.fettle.executorLate(), func() { w.begin(m, f.Timeout, answer) })
}

func (w *world) begin(m *mutation, timeout time.Duration, answer func(error)) {
	if m.over { // its executor is no more; who asked it learns that, if he lives
		answer(errAfterEffect)
		return
	}
	if !m.intent.MayBegin(w.reading()) {
		m.finish()
		w.say("executor", "%s on %s comes too late", m.intent.Action, m.intent.Target)
		answer(repair.ErrNotBegun)
		return
	}
	m.begun = true
	w.stats.Applied++
	w.say("executor", "begins %s on %s", m.intent.Action, m.intent.Target)
	w.watch.begun(m)
	w.in(w.dice.mostly(20*time.Millisecond, w.fettle.commandTakes, 0.2), func() {
		if m.over { // its host went down
			answer(errAfterEffect)
			return
		}
		m.commanded = true
		err := w.command(m)
		w.changed()
		switch {
		case w.fettle.answersNever:
			w.in(timeout, func() { answer(errDeadline) })
		case w.fettle.answersError && err == nil:
			w.in(w.fettle.answersLate, func() { answer(errAfterEffect) })
		default:
			w.in(w.fettle.answersLate, func() { answer(err) })
		}
	})
}

// command is the manager's part.
func (w *world) command(m *mutation) error {
	u := m.unit
	if m.intent.Action == repair.ActionExec {
		return w.execute(m, deedOf(w.bound[m.sees]))
	}
	if !u.host.up {
		m.finish()
		return fmt.Errorf("%w: %s is down", repair.ErrAgent, u.host.name)
	}
	switch m.intent.Action {
	case "member-start":
		return u.start(m)
	case "member-end-hung":
		before, _ := repair.Unpack[action.Member](m.intent.Before, "member/1")
		return u.kill(before.Service.Identity, m)
	}
	return u.restart(m)
}

// forget drops what is over, so that the list stays short.
func (w *world) forget() {
	kept := w.mutations[:0]
	for _, m := range w.mutations {
		if m.open(w) {
			kept = append(kept, m)
		}
	}
	clear(w.mutations[len(kept):])
	w.mutations = kept
}
