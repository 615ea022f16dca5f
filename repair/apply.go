package repair

import (
	"strings"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// apply is the fold's one step: it takes what a record says. The engine applies what
// it records at once, and a restart what it reads back; both have to come to the same.
func (s *State) apply(typ string, at journal.Reading, data any) {
	at.Wall = at.Wall.UTC().Round(0)
	t := s.clock.advance(at)
	switch v := data.(type) {
	case Received:
		s.foldReceived(v, t, at.Wall)
	case Planned:
		s.foldPlanned(v, t, at.Wall)
	case StepData:
		switch typ {
		case TypeNoop:
			s.foldNoop(v, at.Wall)
		case TypeStep:
			s.foldStep(v, at.Wall)
		}
	case IntentData:
		s.foldIntent(v, t, at.Wall)
	case RelapsedData:
		if r := s.runs[v.Run]; r != nil {
			r.Attempt, r.Next, r.Verified = v.Attempt+1, 0, false
		}
	case FinishedData:
		s.foldFinished(v, t, at.Wall)
	case ClosedData:
		s.foldClosed(v, t, at.Wall)
	case HeldData:
		s.foldHeld(v, t, at.Wall)
	case EscalatedData:
		s.foldEscalated(v, t, at.Wall)
		if o := s.owed[v.Run]; o != nil && v.Reason == ReasonIsolated {
			o.Told = true
		}
	case LeftData:
		delete(s.owed, v.Run)
	case ToldOverData:
		delete(s.told, toldKey(v.Cluster, v.Reason))
	case AckedData:
		s.foldAcked(v)
	case ApprovedData:
		s.foldApproved(v, t, at)
	case VoidData:
		s.foldVoid(v)
	case PauseData:
		if typ == TypePaused {
			s.pauses[v.ID] = &Pause{v, t, at.Wall}
		} else {
			delete(s.pauses, v.ID)
		}
	case ReleasedData:
		s.free(v, typ == TypeReleased)
		if typ == TypeReleased {
			s.closeCircuit(v.Target)
		}
	case Carried:
		s.foldCarried(v, at)
	}
}

// set sets an entry of a map that most episodes never need.
func set[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

func (s *State) foldReceived(v Received, t time.Duration, wall time.Time) {
	fp := fingerprintOf(v.Fingerprint)
	k := s.fingerprints[fp]
	k.firing, k.at = v.Status == alert.Firing, t
	delete(s.untold, fp)
	if !k.firing || v.Opened {
		delete(s.byPerson, fp)
	}
	if v.Opened {
		ep := &Episode{
			ID: v.Episode, Fingerprint: v.Fingerprint, Playbook: s.same(v.Playbook), labels: packLabels(v.Labels),
			Opened: t, OpenedWall: wall, Active: true, quiet: unknownQuiet(),
		}
		s.episodes[v.Episode] = ep
		s.openOf[v.Fingerprint] = ep
	} else if ep := s.openOf[v.Fingerprint]; ep != nil {
		ep.Active = k.firing
	}
	s.fingerprints[fp] = k
}

// same keeps one copy of a name that comes again and again.
func (s *State) same(name string) string {
	if have, ok := s.names[name]; ok {
		return have
	}
	s.names[name] = name
	return name
}

func (s *State) foldPlanned(v Planned, t time.Duration, wall time.Time) {
	r := &Run{Planned: v, Opened: t, OpenedWall: wall, Attempt: 1, Trail: make([]Trail, len(v.Steps))}
	for i := range v.Steps {
		r.Trail[i].State = "planned"
	}
	s.runs[v.Run] = r
	if o := s.owed[v.Undoes]; o != nil && v.Undoes != "" {
		o.Undo = v.Run
	}
	if ep := s.episodes[v.Episode]; ep != nil {
		if v.Undoes == "" {
			ep.Run = v.Run
		}
		if v.Sought {
			ep.sought = s.same(v.Target)
		}
		ep.Runs = append(ep.Runs, v.Run)
		if len(ep.Runs) > maxRuns {
			ep.Runs = append([]string(nil), ep.Runs[len(ep.Runs)-maxRuns:]...)
		}
	}
}

// maxRuns is how many of its runs an episode remembers; the journal has them all.
const maxRuns = 32

func (s *State) foldNoop(v StepData, wall time.Time) {
	if r := s.runs[v.Run]; r != nil {
		r.Next = v.Step + 1
		r.trail(v.Step, func(tr *Trail) { tr.State, tr.Says, tr.Ended = "noop", v.Says, wall })
		s.foldPutBack(r, v.Step)
	}
}

func (s *State) foldIntent(v IntentData, t time.Duration, wall time.Time) {
	r := s.runs[v.Run]
	if r == nil {
		return
	}
	v.Target = cluster.Target{} // no part of the record
	r.Intent, r.Next = &v, v.Step
	r.Intents++
	r.Mutating++
	r.begin(v)
	if a := s.approvals[v.Episode]; a != nil && v.Approval != nil {
		a.run = v.Run
	}
	r.trail(v.Step, func(tr *Trail) {
		tr.State, tr.Says, tr.Began = "running", v.Says, wall
		tr.Attempts++
	})
	key := r.attemptsKey(v)
	s.attempts[key] = append(s.attempts[key], attempt{v.ID, t})
}

// trail changes step i's trail, where there is such a step.
func (r *Run) trail(i int, fn func(*Trail)) {
	if i >= 0 && i < len(r.Trail) {
		fn(&r.Trail[i])
	}
}

func (s *State) foldStep(v StepData, wall time.Time) {
	r := s.runs[v.Run]
	if r == nil {
		return
	}
	r.trail(v.Step, func(tr *Trail) { tr.State, tr.Says, tr.Ended = string(v.Result), v.Says, wall })
	open := r.Intent
	r.Intent = nil
	r.neverBegan(v)
	switch v.Result {
	case StepVerified:
		s.foldPutBack(r, v.Step)
		r.Next = v.Step + 1
		r.Verified = r.Next >= len(r.Steps)
	case StepFailed:
		r.Attempt, r.Next = v.Attempt+1, 0
	case StepStarted: // for cooldown and attempts it was no mutating run
		if open != nil {
			key := r.attemptsKey(*open)
			if s.attempts[key] = dropAttempt(s.attempts[key], open.ID); len(s.attempts[key]) == 0 {
				delete(s.attempts, key)
			}
		}
		r.Mutating--
	}
}

// attemptsKey is what an intent counts under.
func (r *Run) attemptsKey(v IntentData) string {
	if v.Step >= 0 && v.Step < len(r.Steps) {
		return r.Steps[v.Step].counted() + "|" + v.TargetName
	}
	return v.Action + "|" + v.TargetName
}

func dropAttempt(as []attempt, intent string) []attempt {
	kept := as[:0:0]
	for _, a := range as {
		if a.intent != intent {
			kept = append(kept, a)
		}
	}
	return kept
}

func (s *State) foldFinished(v FinishedData, t time.Duration, wall time.Time) {
	r := s.runs[v.Run]
	if r == nil {
		return
	}
	delete(s.runs, v.Run)
	r.Finished, r.EndedWall = &v, wall
	s.endedRuns = keep(s.endedRuns, r)
	if v.Mutated {
		s.cooldowns[v.Playbook+"|"+v.Target] = t
	}
	if v.Circuit != "" {
		s.circuits[v.Circuit] = true
	}
	if v.Outcome == Repaired && r.Undoes == "" {
		s.closeCircuit(v.Target)
	}
	if v.Outcome == Unknown {
		for _, res := range r.Resources {
			s.held[res] = holder{v.Episode, v.Target, r.Undoes != ""}
		}
	}
	if a := s.approvals[v.Episode]; a != nil && a.run == v.Run {
		if a.run = ""; !mutant("a used approval is used again") {
			delete(s.approvals, v.Episode)
		}
	}
	ep := s.episodes[v.Episode]
	if r.Undoes != "" {
		s.foldUndone(r, v)
		if ep != nil {
			ep.Mutated = ep.Mutated || r.Intents > 0
		}
		return
	}
	if v.Outcome == Repaired {
		s.foldKept(r)
	}
	s.foldOwed(r, v, t, wall)
	if ep == nil {
		return
	}
	if reason := tellsOf(v); reason != "" {
		ep.escalated = set(ep.escalated, reason, true)
	}
	ep.Run, ep.LastOutcome, ep.LastEnded, ep.LastWall = "", v.Outcome, t, wall
	ep.Mutated = ep.Mutated || r.Intents > 0
	ep.Last = nil
	if v.Outcome == ObservedOnly || v.Outcome == Blocked && v.Reason != ReasonChanged {
		ep.Last = &Refusal{v.Guard, v.Reason, v.Detail, v.Passing}
		s.wasAsked(ep, v.Guard, v.Reason, t)
	}
	if mutant("an outcome says nothing") {
		ep.Last, ep.LastOutcome = nil, ""
	}
}

// foldHeld gives all the episodes that a refusal of the whole fleet holds one answer.
func (s *State) foldHeld(v HeldData, t time.Duration, wall time.Time) {
	if v.Varies {
		v.Detail = ""
	}
	if s.lastHeld == nil || *s.lastHeld != v.Refusal { // one copy, in a storm
		s.lastHeld = &v.Refusal
	}
	for _, id := range v.Episodes {
		if ep := s.episodes[id]; ep != nil {
			ep.Last, ep.LastWall = s.lastHeld, wall
			s.wasAsked(ep, v.Guard, v.Reason, t)
		}
	}
}

func (s *State) foldClosed(v ClosedData, t time.Duration, wall time.Time) {
	ep := s.episodes[v.Episode]
	if ep == nil {
		return
	}
	delete(s.episodes, v.Episode)
	delete(s.approvals, v.Episode)
	ep.ask, ep.aim = nil, nil
	ep.ClosedWall, ep.CloseReason = wall, v.Reason
	s.endedEpisode = keep(s.endedEpisode, ep)
	delete(s.openOf, ep.Fingerprint)
	fp := fingerprintOf(ep.Fingerprint)
	if k, ok := s.fingerprints[fp]; ok {
		k.closedAt = t
		switch {
		case !k.firing:
		case v.Reason == closedByPerson && !v.Absent:
			s.byPerson[fp] = true
		default: // a further firing delivery opens again, whatever came before
			k.firing, s.untold[fp] = false, t
		}
		s.fingerprints[fp] = k
	}
}

// free gives back what an episode's runs hold: all of it to a person, else what is held for
// the target that is in order, which says nothing of another, nor of a run that took one back.
func (s *State) free(v ReleasedData, byPerson bool) {
	for res, h := range s.held {
		if h.episode == v.Episode && (byPerson || h.target == v.Target && !h.undo) {
			delete(s.held, res)
		}
	}
}

// closeCircuit forgets the attempts on a target.
func (s *State) closeCircuit(target string) {
	for key := range s.attempts {
		if strings.HasSuffix(key, "|"+target) {
			delete(s.attempts, key)
		}
	}
	for key := range s.circuits {
		if strings.HasSuffix(key, "|"+target) {
			delete(s.circuits, key)
		}
	}
}

func keep[T any](list []T, v T) []T {
	if len(list) >= 2*recent {
		list = append(list[:0:0], list[len(list)-recent:]...)
	}
	return append(list, v)
}
