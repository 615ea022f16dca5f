package repair

import (
	"strings"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
)

// recent is how many ended runs and episodes are kept for people's questions;
// they are no state: nothing is decided on them.
const recent = 1000

// State is the fold over the journal: same lines, same State. All times in it
// are on the fold's own clock, which counts CLOCK_BOOTTIME only (rule 20).
type State struct {
	clock        foldClock
	fingerprints map[alert.Fingerprint]*known
	episodes     map[string]*Episode
	runs         map[string]*Run // live ones
	pauses       map[string]*Pause
	cooldowns    map[string]time.Duration // playbook|target: end of the last mutating run
	attempts     map[string][]attempt     // action|target
	circuits     map[string]bool          // action|target: open until released
	held         map[string]holder        // resource: whose run ended unknown
	endedRuns    []*Run
	endedEpisode []*Episode
}

// known is what the fold keeps of a fingerprint.
type known struct {
	status   alert.Status
	at       time.Duration
	episode  string // open one
	closedAt time.Duration
	byPerson bool // a person closed its last episode, and it was not seen inactive since
}

// holder keeps slots after a run that ended unknown, until its target is in order
// or a person releases them; the end of its episode alone changes nothing.
type holder struct{ episode, target string }

type attempt struct {
	intent string
	at     time.Duration
}

// Episode is an alert from first firing until closed.
type Episode struct {
	ID          string
	Fingerprint alert.Fingerprint
	Playbook    string
	Labels      map[string]string
	Opened      time.Duration
	OpenedWall  time.Time
	ClosedWall  time.Time
	CloseReason string
	Active      bool // by the last message or poll
	Mutated     bool
	Run         string // live run
	Runs        []string
	// Last is the last answer (rule 5): the refusal with which the last run ended; cleared by other outcomes.
	Last     *FinishedData
	LastWall time.Time // when the last run ended
	// LastOutcome and its time, for the alert that stays active (rule 4).
	LastOutcome Outcome
	LastEnded   time.Duration
	asked       map[string]time.Duration
	escalated   map[string]bool
}

// Run is one attempt to put an episode's target in order.
type Run struct {
	Planned
	Opened     time.Duration
	OpenedWall time.Time
	EndedWall  time.Time
	Attempt    int
	Next       int         // the step to look at next
	Intent     *IntentData // open: without a result yet
	Intents    int         // ever
	Mutating   int         // intents that were more than started
	Verified   bool        // its last step was verified: it settles
	Finished   *FinishedData
	Trail      []Trail // by step, for people
}

// Trail is what happened to one step so far.
type Trail struct {
	State    string // planned, running, noop, verified, started, failed, unknown
	Attempts int
	Says     string
	Began    time.Time
	Ended    time.Time
}

// Pause holds everything, or one cluster, still.
type Pause struct {
	PauseData
	At   time.Duration
	Wall time.Time
}

// NewState is the fold over no lines.
func NewState() *State {
	return &State{
		fingerprints: map[alert.Fingerprint]*known{}, episodes: map[string]*Episode{}, runs: map[string]*Run{},
		pauses: map[string]*Pause{}, cooldowns: map[string]time.Duration{}, attempts: map[string][]attempt{}, circuits: map[string]bool{},
		held: map[string]holder{},
	}
}

// foldClock turns readings into one duration that never runs backwards and never
// counts what a reboot skipped.
type foldClock struct {
	boot  string
	since time.Duration
	total time.Duration
}

func (c foldClock) at(r journal.Reading) time.Duration {
	if r.Boot == c.boot {
		return c.total + max(0, r.Since-c.since)
	}
	return c.total + max(0, r.Since)
}

func (c *foldClock) advance(r journal.Reading) time.Duration {
	t := c.at(r)
	c.total, c.boot, c.since = t, r.Boot, r.Since
	return t
}

// Fold applies one record. A type it does not know changes nothing but the clock.
func (s *State) Fold(d journal.Draft) error {
	if d.At.Boot == "" && d.At.Since == 0 {
		return nil // the journal's own records
	}
	t := s.clock.advance(d.At)
	switch d.Type {
	case TypeReceived:
		return with(d, func(v Received) { s.foldReceived(v, t, d.At.Wall) })
	case TypePlanned:
		return with(d, func(v Planned) {
			s.runs[v.Run] = &Run{Planned: v, Opened: t, OpenedWall: d.At.Wall, Attempt: 1, Trail: make([]Trail, len(v.Steps))}
			for i := range v.Steps {
				s.runs[v.Run].Trail[i].State = "planned"
			}
			if ep := s.episodes[v.Episode]; ep != nil {
				ep.Run, ep.Runs = v.Run, append(ep.Runs, v.Run)
			}
		})
	case TypeNoop:
		return with(d, func(v StepData) {
			if r := s.runs[v.Run]; r != nil {
				r.Next = v.Step + 1
				r.trail(v.Step, func(tr *Trail) { tr.State, tr.Says, tr.Ended = "noop", v.Says, d.At.Wall })
			}
		})
	case TypeIntent:
		return with(d, func(v IntentData) {
			r := s.runs[v.Run]
			if r == nil {
				return
			}
			r.Intent, r.Next = &v, v.Step
			r.Intents++
			r.Mutating++
			r.trail(v.Step, func(tr *Trail) {
				tr.State, tr.Says, tr.Began = "running", v.Says, d.At.Wall
				tr.Attempts++
			})
			key := v.Action + "|" + v.TargetName
			s.attempts[key] = append(s.attempts[key], attempt{v.ID, t})
		})
	case TypeStep:
		return with(d, func(v StepData) { s.foldStep(v, d.At.Wall) })
	case TypeRelapsed:
		return with(d, func(v RelapsedData) {
			if r := s.runs[v.Run]; r != nil {
				r.Attempt, r.Next, r.Verified = v.Attempt+1, 0, false
			}
		})
	case TypeFinished:
		return with(d, func(v FinishedData) { s.foldFinished(v, t, d.At.Wall) })
	case TypeClosed:
		return with(d, func(v ClosedData) { s.foldClosed(v, t, d.At.Wall) })
	case TypeEscalate:
		return with(d, func(v EscalatedData) {
			if ep := s.episodes[v.Episode]; ep != nil {
				ep.escalated[v.Reason] = true
			}
		})
	case TypePaused:
		return with(d, func(v PauseData) { s.pauses[v.ID] = &Pause{v, t, d.At.Wall} })
	case TypeUnpaused:
		return with(d, func(v PauseData) { delete(s.pauses, v.ID) })
	case TypeReleased:
		return with(d, func(v ReleasedData) { s.free(v.Episode); s.closeCircuit(v.Target) })
	case TypeFreed:
		return with(d, func(v ReleasedData) { s.free(v.Episode) })
	}
	return nil
}

func (s *State) foldReceived(v Received, t time.Duration, wall time.Time) {
	k := s.fingerprints[v.Fingerprint]
	if k == nil {
		k = &known{}
		s.fingerprints[v.Fingerprint] = k
	}
	k.status, k.at = v.Status, t
	if v.Status == alert.Resolved {
		k.byPerson = false
	}
	if v.Opened {
		s.episodes[v.Episode] = &Episode{
			ID: v.Episode, Fingerprint: v.Fingerprint, Playbook: v.Playbook, Labels: v.Labels,
			Opened: t, OpenedWall: wall, Active: true,
			asked: map[string]time.Duration{}, escalated: map[string]bool{},
		}
		k.episode, k.byPerson = v.Episode, false
	} else if ep := s.episodes[k.episode]; ep != nil {
		ep.Active = v.Status == alert.Firing
	}
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
	switch v.Result {
	case StepVerified:
		r.Next = v.Step + 1
		r.Verified = r.Next >= len(r.Steps)
	case StepFailed:
		r.Attempt, r.Next = v.Attempt+1, 0
	case StepStarted: // for cooldown and attempts it was no mutating run
		if open != nil {
			key := open.Action + "|" + open.TargetName
			if s.attempts[key] = dropAttempt(s.attempts[key], open.ID); len(s.attempts[key]) == 0 {
				delete(s.attempts, key)
			}
		}
		r.Mutating--
	}
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
	if v.Outcome == Repaired {
		s.closeCircuit(v.Target)
	}
	if v.Outcome == Unknown {
		for _, res := range r.Resources {
			s.held[res] = holder{v.Episode, v.Target}
		}
	}
	ep := s.episodes[v.Episode]
	if ep == nil {
		return
	}
	ep.Run, ep.LastOutcome, ep.LastEnded, ep.LastWall = "", v.Outcome, t, wall
	ep.Mutated = ep.Mutated || r.Intents > 0
	ep.Last = nil
	if v.Outcome == ObservedOnly || v.Outcome == Blocked && v.Reason != ReasonChanged {
		ep.Last = &v
		ep.asked[v.Guard+"/"+v.Reason] = t
	}
}

func (s *State) foldClosed(v ClosedData, t time.Duration, wall time.Time) {
	ep := s.episodes[v.Episode]
	if ep == nil {
		return
	}
	delete(s.episodes, v.Episode)
	ep.ClosedWall, ep.CloseReason = wall, v.Reason
	s.endedEpisode = keep(s.endedEpisode, ep)
	if k := s.fingerprints[ep.Fingerprint]; k != nil {
		k.episode, k.closedAt = "", t
		k.byPerson = v.Reason == closedByPerson
		if !k.byPerson {
			k.status = alert.Resolved // a further firing delivery opens again, whatever came before
		}
	}
}

func (s *State) free(episode string) {
	for res, h := range s.held {
		if h.episode == episode {
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
