package repair_test

import (
	"context"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// lateApply is an intent that its executor has, and has not begun.
type lateApply struct {
	at     time.Duration
	effect repair.Apply
	lost   bool // nobody waits for its answer
}

// fold is the state after drafts.
func fold(t tester, drafts []journal.Draft) *repair.State {
	t.Helper()
	st := repair.NewState()
	for _, d := range drafts {
		if err := st.Fold(d); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// advance lets time pass, and what was to happen in it.
func (w *fakeWorld) advance(to time.Duration) {
	w.now = to
	for _, m := range w.members {
		if m.startAt > 0 && m.startAt <= w.now {
			m.startAt, m.up, m.hung, m.noAnswer, m.wake = 0, !m.broken && m.port < w.now, false, false, 0
			m.pid += 100
			m.born = w.now
			m.applied++
		}
		if m.wake > 0 && m.wake <= w.now {
			m.wake, m.hung, m.noAnswer = 0, false, false
		}
	}
	for _, m := range w.members {
		if w.notify > 0 && m.up && !m.hung && !w.serving(m) && w.now-m.born > w.notify {
			m.up = false
		}
	}
}

// reboot is the host's: every process is gone, and whatever was about to begin.
func (w *fakeWorld) reboot() {
	w.wall = w.wall.Add(w.now)
	w.boot, w.now = w.boot+"'", 20*time.Second
	for _, m := range w.members {
		m.up, m.hung, m.noAnswer, m.startAt, m.born, m.port, m.wake = false, false, false, 0, 0, 0, 0
	}
	w.late = nil
	w.restart()
}

// beginLate has executors begin what they were handed and are late with.
func (w *fakeWorld) beginLate() {
	for len(w.late) > 0 && w.late[0].at <= w.now {
		l := w.late[0]
		w.late = w.late[1:]
		ev := w.apply(l.effect)
		if !l.lost {
			w.step(ev)
		}
	}
}

// begin does what the sequencer and its executors do with an effect.
func (w *fakeWorld) begin(f repair.Effect) {
	if w.watch != nil {
		w.watch(f)
	}
	switch f := f.(type) {
	case repair.Look:
		seen, err := f.Spec.Action.Observe(context.Background(), f.Target)
		if w.lookTook > 0 {
			w.advance(w.now + w.lookTook)
		}
		ev := repair.Looked{Look: f.ID, Seen: seen, Err: err}
		if f.Verify != nil && err == nil {
			r := w.verify(*f.Verify)
			ev.Verified = &r
		}
		w.step(ev)
	case repair.Apply:
		if w.applyLate > 0 {
			w.late = append(w.late, lateApply{at: w.now + w.applyLate, effect: f})
			return
		}
		ev := w.apply(f)
		if !w.mute {
			w.step(ev)
		}
	case repair.Poll:
		w.step(repair.Polled{Sources: w.sources})
	case repair.Survey:
		if w.surveys = w.surveys + 1; w.slowSurvey {
			return
		}
		w.step(repair.Surveyed{Fleet: w.survey()})
	}
}

// apply is an executor's: it does not begin after NotAfter.
func (w *fakeWorld) apply(f repair.Apply) repair.Applied {
	err := repair.ErrNotBegun
	if f.Intent.MayBegin(w.reading()) {
		err = f.Spec.Action.Apply(context.Background(), f.Intent)
		if err == nil {
			err = w.applyErr
		}
	}
	return repair.Applied{Run: f.Intent.Run, Intent: f.Intent.ID, Err: err}
}
