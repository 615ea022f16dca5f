package repair

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"
)

// Begun is a step that was begun in a run and can be taken back.
type Begun struct {
	Step   int    `json:"step"`
	Intent string `json:"intent"` // the first
	// Was is the value that it overwrote, as it was seen before the first: what a further
	// attempt saw may be half of its own doing.
	Was *string `json:"was,omitempty"`
}

// Owed is what an ended run left to be taken back (ENGINE.md rule 24). It outlives its
// episode and the process.
type Owed struct {
	Run      string `json:"run"` // that did it
	Episode  string `json:"episode"`
	Playbook string `json:"playbook"`
	Target   string `json:"target"`
	Tier     Tier   `json:"tier"`
	// Steps take back, in the order in which they are to be done.
	Steps []PlannedStep `json:"steps"`
	// Health is the step whose Done says that the target is in order; nil: none of the
	// run's can. Verify is what Prometheus has to say too.
	Health *PlannedStep  `json:"health,omitempty"`
	Verify string        `json:"verify,omitempty"`
	Since  time.Duration `json:"since"`
	Wall   time.Time     `json:"wall"`
	Undo   string        `json:"undo,omitempty"`   // the live run that takes it back
	Runs   int           `json:"runs,omitempty"`   // that tried to
	Failed int           `json:"failed,omitempty"` // of them, ended failed or unknown
	Told   bool          `json:"told,omitempty"`   // people know
}

// whole tells that it has steps, and that each says what it takes back.
func (o *Owed) whole() bool {
	return len(o.Steps) > 0 && !slices.ContainsFunc(o.Steps, func(s PlannedStep) bool { return s.Undoes == nil })
}

// begin notes a step that can be taken back: the one begun last comes last.
func (r *Run) begin(v IntentData) {
	if v.Step < 0 || v.Step >= len(r.Steps) || r.Steps[v.Step].Undo == nil {
		return
	}
	b := Begun{Step: v.Step, Intent: v.ID, Was: v.Before.Was}
	for i, old := range r.Begun {
		if old.Step == v.Step {
			b = old
			r.Begun = slices.Delete(r.Begun, i, i+1)
			break
		}
	}
	r.Begun = append(r.Begun, b)
}

// neverBegan forgets a step whose only intent came too late to be begun.
func (r *Run) neverBegan(v StepData) {
	if v.Result == StepFailed && v.Reason == reasonNotBegun {
		r.Begun = slices.DeleteFunc(r.Begun, func(b Begun) bool { return b.Intent == v.Intent })
	}
}

// undoing is the step that takes another one back.
func (p Planned) undoing(b Begun) PlannedStep {
	s := p.Steps[b.Step]
	return PlannedStep{
		Name: "undo-" + s.Name, Action: s.Action, Declared: s.Undo.Declared,
		Undoes: &Undoes{Run: p.Run, Intent: b.Intent, Declared: s.Declared, Was: b.Was, Unhealthy: s.Undo.Unhealthy},
	}
}

// health is the step by which the target is told to be in order while some steps are
// to be taken back: the last one that the playbook does not itself describe, for it
// looks at the target's service; else the last one that is not to be taken back.
func (p Planned) health() *PlannedStep {
	for _, own := range []bool{false, true} {
		for i := len(p.Steps) - 1; i >= 0; i-- {
			s := p.Steps[i]
			if described := len(s.Declared) > 0; described == own && (s.Undo == nil || !s.Undo.OnFailure) {
				return &p.Steps[i]
			}
		}
	}
	return nil
}

// foldOwed notes what a run that did not repair leaves to be taken back.
func (s *State) foldOwed(r *Run, v FinishedData, t time.Duration, wall time.Time) {
	if v.Outcome == Repaired || v.Outcome == Noop || mutant("what is owed is forgotten") {
		return
	}
	o := &Owed{
		Run: v.Run, Episode: v.Episode, Playbook: v.Playbook, Target: v.Target, Tier: r.Tier,
		Health: r.health(), Verify: r.Verify, Since: t, Wall: wall,
	}
	for _, b := range slices.Backward(r.Begun) {
		if b.Step < len(r.Steps) && r.Steps[b.Step].Undo != nil && r.Steps[b.Step].Undo.OnFailure {
			o.Steps = append(o.Steps, r.undoing(b))
		}
	}
	if mutant("first begun is undone first") {
		slices.Reverse(o.Steps)
	}
	if len(o.Steps) > 0 {
		s.owed[v.Run] = o
	}
}

// foldKept forgets what is owed of a step that a later run on the same target wanted as
// it is, and ended repaired with: to take it back now would break that repair.
func (s *State) foldKept(r *Run) {
	for run, o := range s.owed {
		if o.Target != r.Target || mutant("a repair is undone for an earlier run") {
			continue
		}
		o.Steps = slices.DeleteFunc(slices.Clone(o.Steps), func(have PlannedStep) bool {
			return slices.ContainsFunc(r.Steps, func(s PlannedStep) bool {
				return len(s.Declared) > 0 && bytes.Equal(s.Declared, have.Undoes.Declared)
			})
		})
		if len(o.Steps) == 0 {
			delete(s.owed, run)
		}
	}
}

// overwrote is a later run that set the same as one that owes, and owes it too: what it
// found there comes back first, and who set that in between is not passed over.
func (s *State) overwrote(o *Owed) (run string) {
	for id, later := range s.owed {
		if later.Target != o.Target || cmp.Or(cmp.Compare(later.Since, o.Since), cmp.Compare(id, o.Run)) <= 0 || id < run {
			continue
		}
		if slices.ContainsFunc(later.Steps, func(l PlannedStep) bool {
			return slices.ContainsFunc(o.Steps, func(s PlannedStep) bool { return bytes.Equal(l.Undoes.Declared, s.Undoes.Declared) })
		}) {
			run = id
		}
	}
	return run
}

// foldPutBack notes that a step is put back: it is owed no more, however its run ends.
func (s *State) foldPutBack(r *Run, step int) {
	if o := s.owed[r.Undoes]; o != nil && step >= 0 && step < len(r.Steps) {
		s.dropOwed(o, r.Steps[step:step+1])
	}
}

func (s *State) dropOwed(o *Owed, done []PlannedStep) {
	o.Steps = slices.DeleteFunc(slices.Clone(o.Steps), func(have PlannedStep) bool {
		return slices.ContainsFunc(done, func(d PlannedStep) bool { return d.Undoes != nil && d.Undoes.Intent == have.Undoes.Intent })
	})
	if len(o.Steps) == 0 {
		delete(s.owed, o.Run)
	}
}

// foldUndone notes how a run ended that took another back. What was changed by somebody
// else is owed no more.
func (s *State) foldUndone(r *Run, v FinishedData) {
	o := s.owed[r.Undoes]
	if o == nil {
		return
	}
	if o.Undo == v.Run {
		o.Undo = ""
	}
	o.Runs++
	switch {
	case v.somebodyElse():
		s.dropOwed(o, r.Steps)
	case v.Outcome == Failed, v.Outcome == Unknown:
		o.Failed++
	}
}

// Owed lists what ended runs left to be taken back, the oldest first.
func (s *State) Owed() []Owed {
	out := make([]Owed, 0, len(s.owed))
	for _, run := range slices.Sorted(maps.Keys(s.owed)) {
		out = append(out, *s.owed[run])
	}
	slices.SortStableFunc(out, func(a, b Owed) int { return int(min(max(a.Since-b.Since, -1), 1)) })
	return out
}

// somebodyElse tells that what was to be put back is neither as the run set it nor as
// it was before: it is a person's now.
func (f FinishedData) somebodyElse() bool {
	return f.Outcome == Blocked && f.Reason == ReasonChanged && !f.Passing
}

// withoutUndo is for a mutant only.
func withoutUndo(steps []PlannedStep) []PlannedStep {
	out := slices.Clone(steps)
	for i := range out {
		out[i].Undo = nil
	}
	return out
}
