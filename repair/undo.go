package repair

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/journal"
)

// ErrRefused is the answer to an operator's word that is understood, and not followed.
// What comes after it says why.
var ErrRefused = errors.New("refused")

func refusef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Undo is an operator's word: what a run did is taken back, through the same guards.
type Undo struct {
	Of             Undoing
	Actor, Comment string
}

// LeaveUndo is an operator's word: what a run left is taken back by itself no more.
type LeaveUndo struct{ Run, Actor string }

func (Undo) event()      {}
func (LeaveUndo) event() {}

// Undoing is what would take a run back, as its records tell.
type Undoing struct {
	Run, Episode, Playbook, Target string
	Tier                           Tier
	// Steps take back, in the order in which they are to be done.
	Steps []PlannedStep
	// Left are the names of the steps that were begun and declare no undo.
	Left []string
}

// UndoingOf reads from the records of a run's episode, in order, what would take the
// run back. The error is ErrNotFound, or ErrRefused with what stands against it.
func UndoingOf(run string, records []journal.Record) (Undoing, error) {
	var t undoTeller
	for _, r := range records {
		if err := t.take(run, r); err != nil {
			return Undoing{}, fmt.Errorf("record %s (%s): %w", r.ID, r.Type, err)
		}
	}
	switch {
	case t.run == nil:
		return Undoing{}, fmt.Errorf("%w: the journal knows no run %q", ErrNotFound, run)
	case t.run.Undoes != "":
		return Undoing{}, refusef("run %s itself takes back run %s", run, t.run.Undoes)
	case t.finished == nil:
		return Undoing{}, refusef("run %s is still live", run)
	case t.run.Intents == 0:
		return Undoing{}, refusef("run %s began nothing: it ended %s", run, t.finished.Outcome)
	case len(t.run.Begun) == 0 && len(t.left()) == 0:
		return Undoing{}, refusef("run %s began nothing: its intent came too late", run)
	case len(t.run.Begun) == 0:
		return Undoing{}, refusef("%s", strings.Join(t.left(), "; "))
	}
	u := Undoing{Run: run, Episode: t.run.Planned.Episode, Playbook: t.run.Playbook, Target: t.run.Target, Tier: t.run.Tier, Left: t.left()}
	by := ""
	for _, b := range slices.Backward(t.run.Begun) {
		if undone, ok := t.undone[b.Intent]; ok {
			by = undone
			continue
		}
		u.Steps = append(u.Steps, t.run.undoing(b))
	}
	if len(u.Steps) == 0 {
		return Undoing{}, refusef("run %s was undone already, by run %s", run, by)
	}
	return u, nil
}

// undoTeller folds a run, and those that took it back.
type undoTeller struct {
	run      *Run
	finished *FinishedData
	begun    []int               // steps with an intent
	undoers  map[string]*Planned // runs that take it back
	undone   map[string]string   // intent: the run that put it back
}

func (t *undoTeller) take(run string, r journal.Record) error {
	data, err := decode(r.Draft)
	if err != nil {
		return err
	}
	switch v := data.(type) {
	case Planned:
		switch run {
		case v.Run:
			t.run = &Run{Planned: v}
		case v.Undoes:
			t.undoers = set(t.undoers, v.Run, &v)
		}
	case IntentData:
		if v.Run == run && t.run != nil {
			t.run.Intents++
			t.run.begin(v)
			if !slices.Contains(t.begun, v.Step) {
				t.begun = append(t.begun, v.Step)
			}
		}
	case StepData:
		if v.Run == run && t.run != nil && r.Type == TypeStep {
			t.run.neverBegan(v)
		}
		if p := t.undoers[v.Run]; p != nil && v.Step >= 0 && v.Step < len(p.Steps) && (r.Type == TypeNoop || v.Result == StepVerified) {
			if u := p.Steps[v.Step].Undoes; u != nil {
				t.undone = set(t.undone, u.Intent, v.Run)
			}
		}
	case FinishedData:
		if v.Run == run {
			t.finished = &v
		}
	}
	return nil
}

// left says of each step that was begun and cannot be taken back that it declares no
// undo.
func (t *undoTeller) left() []string {
	var out []string
	for _, i := range t.begun {
		if i < 0 || i >= len(t.run.Steps) {
			continue
		}
		if s := t.run.Steps[i]; s.Undo == nil {
			out = append(out, fmt.Sprintf("step %s (%s) declares no undo", s.Name, s.Action))
		}
	}
	return out
}

// undo opens the run that takes another back, or says why there is none.
func (e *Engine) undo(ev Undo) (run string, err error) {
	of := ev.Of
	if e.st.runs[of.Run] != nil {
		return "", refusef("run %s is still live", of.Run)
	}
	for _, l := range e.liveRuns() {
		if l.Undoes == of.Run {
			return "", refusef("run %s is taking it back already", l.Planned.Run)
		}
	}
	for _, l := range e.liveRuns() {
		if l.Target == of.Target {
			return "", refusef("run %s is live on %s", l.Planned.Run, l.Target)
		}
	}
	if e.playbook(of.Playbook) == nil {
		return "", refusef("playbook %s is not in the running configuration any more: its guards cannot be asked", of.Playbook)
	}
	if held := e.heldStill(); held != nil {
		return "", refusef("nothing new may begin: %s", held.Detail)
	}
	t, err := e.byName(of.Target)
	if err != nil {
		return "", refusef("%s", err.Error())
	}
	specs, err := e.specsOf(of.Steps)
	if err != nil {
		return "", refusef("%s", err.Error())
	}
	p := e.playbook(of.Playbook)
	return e.openUndo(Planned{
		Episode: of.Episode, Playbook: of.Playbook, Tier: of.Tier, Autonomy: e.autonomy(p, t), Resources: e.resources(specs, t),
		Steps: of.Steps, Undoes: of.Run, Actor: ev.Actor, Comment: ev.Comment,
	}, t), nil
}

// askedFor puts into the verdicts that a person asked for just this: where one is
// enough, that is the approval.
func askedFor(verdicts []Verdict, q Question) {
	if q.Actor == "" {
		return
	}
	for i, v := range verdicts {
		switch {
		case !approvable(v):
		case q.Settings.Approvers > 1:
			verdicts[i].Detail += fmt.Sprintf("; %d operators have to agree (approvers), and an undo is the word of one", q.Settings.Approvers)
		default:
			verdicts[i] = Verdict{Guard: v.Guard, OK: true, Detail: "asked for by " + q.Actor}
		}
	}
}

// leave takes a person's word that what is owed stays as it is.
func (e *Engine) leave(ev LeaveUndo) error {
	o := e.st.owed[ev.Run]
	if o == nil {
		return fmt.Errorf("%w: nothing of run %q is to be taken back", ErrNotFound, ev.Run)
	}
	if o.Undo != "" {
		return refusef("run %s is taking it back just now", o.Undo)
	}
	d := LeftData{Run: o.Run, Episode: o.Episode, Target: o.Target, Actor: ev.Actor}
	for _, s := range o.Steps {
		d.Steps = append(d.Steps, s.Name)
	}
	e.record(TypeLeft, "run/"+o.Run, d)
	e.tellSoon()
	return nil
}
