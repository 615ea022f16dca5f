package sim

import (
	"encoding/json"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// ledger is what the invariants know from the records, read on their own: the
// engine's fold is what they check. Its clock is how long fettle's host has been up.
type ledger struct {
	ran      func(journal.Reading) time.Duration
	intents  map[string]bool
	runs     map[string]*runSeen
	order    []string                 // of the runs
	owed     map[string]*owedSeen     // by the run that left it
	mutated  map[string]time.Duration // playbook|target: end of the last mutating run
	attempts map[string][]attemptSeen // action|target, since it was last repaired or released
	circuits map[string]bool          // action|target
	pauses   map[string]string        // by ID: the cluster, or empty
	episodes map[string]*episodeSeen
	opened   []string // episodes, in order
	open     map[alert.Fingerprint]string
	closed   map[alert.Fingerprint]closing
	people
}

type runSeen struct {
	plan     repair.Planned
	at       time.Duration
	begun    []begunStep // in order, each once
	intents  int
	started  int
	current  *repair.IntentData
	verified time.Duration // when its last step was
	finished bool
}

type attemptSeen struct {
	intent string
	at     time.Duration
}

type episodeSeen struct {
	received repair.Received
	opened   time.Duration
	over     bool          // its alert, by the last message
	overAt   time.Duration // since when
	sought   string        // the target of its last run, where a look had to show it
	run      string
	outcome  repair.Outcome
	last     repair.FinishedData
	records  []time.Duration // since the last intent, restart or reload
}

type closing struct {
	reason string
	at     time.Duration
}

func newLedger(ran func(journal.Reading) time.Duration) *ledger {
	return &ledger{
		people: newPeople(),
		ran:    ran, intents: map[string]bool{}, runs: map[string]*runSeen{}, owed: map[string]*owedSeen{}, mutated: map[string]time.Duration{},
		attempts: map[string][]attemptSeen{}, circuits: map[string]bool{}, pauses: map[string]string{},
		episodes: map[string]*episodeSeen{}, open: map[alert.Fingerprint]string{}, closed: map[alert.Fingerprint]closing{},
	}
}

func read[T any](d journal.Draft) T {
	var v T
	if err := json.Unmarshal(d.Data, &v); err != nil {
		panic(err) // the engine's own record, made a moment ago
	}
	return v
}

// take learns one record.
func (l *ledger) take(d journal.Draft) {
	at := l.ran(d.At)
	l.people.take(d, at, func(episode string) bool { return l.episodes[episode] != nil })
	switch d.Type {
	case repair.TypeReceived:
		if v := read[repair.Received](d); v.Opened {
			l.episodes[v.Episode] = &episodeSeen{received: v, opened: at}
			l.open[v.Fingerprint] = v.Episode
			l.opened = append(l.opened, v.Episode)
		} else if ep := l.episodes[l.open[v.Fingerprint]]; ep != nil {
			if over := v.Status == alert.Resolved; over != ep.over {
				ep.over, ep.overAt = over, at
			}
		}
	case repair.TypePlanned:
		v := read[repair.Planned](d)
		l.runs[v.Run] = &runSeen{plan: v, at: at}
		l.order = append(l.order, v.Run)
		if ep := l.episodes[v.Episode]; ep != nil && v.Undoes == "" {
			ep.run = v.Run
			if v.Sought {
				ep.sought = v.Target
			}
		}
		l.count(v.Episode, at)
	case repair.TypeIntent:
		v := read[repair.IntentData](d)
		l.intents[v.ID] = true
		if r := l.runs[v.Run]; r != nil {
			r.intents++
			r.current = &v
			r.begin(v)
		}
		key := l.counts(v) + "|" + v.TargetName
		l.attempts[key] = append(l.attempts[key], attemptSeen{v.ID, at})
		if ep := l.episodes[v.Episode]; ep != nil {
			ep.records = nil
		}
	case repair.TypeStep:
		l.step(read[repair.StepData](d), at)
	case repair.TypeNoop, repair.TypeAnswered:
		v := read[repair.StepData](d)
		l.count(v.Episode, at)
		if d.Type == repair.TypeNoop {
			l.undone(v)
		}
	case repair.TypeFinished:
		l.finish(read[repair.FinishedData](d), at)
	case repair.TypeClosed:
		v := read[repair.ClosedData](d)
		delete(l.episodes, v.Episode)
		delete(l.open, v.Fingerprint)
		l.closed[v.Fingerprint] = closing{v.Reason, at}
	case repair.TypeHeld:
		v := read[repair.HeldData](d)
		for _, id := range v.Episodes {
			if ep := l.episodes[id]; ep != nil {
				ep.outcome, ep.last = repair.Blocked, repair.FinishedData{Guard: v.Guard, Reason: v.Reason, Detail: v.Detail, Passing: v.Passing}
				l.count(id, at)
			}
		}
	case repair.TypePaused:
		v := read[repair.PauseData](d)
		l.pauses[v.ID] = v.Cluster
	case repair.TypeUnpaused:
		delete(l.pauses, read[repair.PauseData](d).ID)
	case repair.TypeReleased:
		l.forgive(read[repair.ReleasedData](d).Target)
	case repair.TypeEscalate:
		v := read[repair.EscalatedData](d)
		l.count(v.Episode, at)
		l.toldOf(v)
	case repair.TypeConfig: // everything is asked anew
		for _, ep := range l.episodes {
			ep.records = nil
		}
	}
}

func (l *ledger) count(episode string, at time.Duration) {
	if ep := l.episodes[episode]; ep != nil {
		ep.records = append(ep.records, at)
	}
}

func (l *ledger) step(v repair.StepData, at time.Duration) {
	l.count(v.Episode, at)
	r := l.runs[v.Run]
	if r == nil {
		return
	}
	r.current = nil
	switch v.Result {
	case repair.StepFailed:
		if v.Reason == "not begun" {
			r.neverBegan(v.Intent)
		}
	case repair.StepVerified:
		l.undone(v)
		r.verified = at
	case repair.StepStarted: // it was no attempt
		r.started++
		for key, list := range l.attempts {
			for i, a := range list {
				if a.intent == v.Intent {
					l.attempts[key] = append(list[:i:i], list[i+1:]...)
				}
			}
		}
	}
}

func (l *ledger) finish(v repair.FinishedData, at time.Duration) {
	l.count(v.Episode, at)
	if r := l.runs[v.Run]; r != nil {
		r.finished = true
		if r.intents > r.started && !r.owed() { // what is owed ends no new repair
			l.mutated[v.Playbook+"|"+v.Target] = at
		}
	}
	if v.Circuit != "" {
		l.circuits[v.Circuit] = true
	}
	r := l.runs[v.Run]
	if r != nil && r.plan.Undoes != "" {
		l.tookBack(r, v)
		return
	}
	if r != nil && v.Outcome != repair.Repaired && v.Outcome != repair.Noop {
		l.owe(r, at)
	}
	if v.Outcome == repair.Repaired {
		l.forgive(v.Target)
		l.kept(r)
	}
	if ep := l.episodes[v.Episode]; ep != nil {
		ep.run, ep.outcome, ep.last = "", v.Outcome, v
	}
}

// forgive is repaired, or a person's release: attempts on the target count anew.
func (l *ledger) forgive(target string) {
	for key := range l.attempts {
		if targetOf(key) == target {
			delete(l.attempts, key)
		}
	}
	for key := range l.circuits {
		if targetOf(key) == target {
			delete(l.circuits, key)
		}
	}
}

func targetOf(key string) string {
	for i := range len(key) {
		if key[i] == '|' {
			return key[i+1:]
		}
	}
	return ""
}

// within counts the attempts of the last d.
func (l *ledger) within(key string, now, d time.Duration) int {
	n := 0
	for _, a := range l.attempts[key] {
		if now-a.at < d {
			n++
		}
	}
	return n
}
