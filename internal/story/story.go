// Package story makes of a journal's records what a person wants to know about a
// run or an episode: what was received, what was seen, each decision with its
// reason (refusals too), how it stands, and what to do or to configure.
//
// Read finds the records in a journal's files, Tell makes the Story, Write prints
// it for a terminal, and Report as an incident report in Markdown. All but Read is
// pure. Line says what one record says.
package story

import (
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Story is what became of one alert, or of one run for it. Its texts may have been
// sent by anybody who can send an alert: Write cleans them, JSON has them as they
// are.
type Story struct {
	// Says is how it stands, in one sentence.
	Says string `json:"says"`
	// State is open, closed or unmatched.
	State   string `json:"state"`
	Alert   Alert  `json:"alert"`
	Episode string `json:"episode,omitempty"`
	// Run is the run that was asked for, if it was one.
	Run      string `json:"run,omitempty"`
	Playbook string `json:"playbook,omitempty"`
	// Target is CLUSTER/MEMBER; empty when the labels name nothing.
	Target string `json:"target,omitempty"`
	Tier   string `json:"tier,omitempty"`
	// Received is when the alert was, and Closed when the episode was.
	Received time.Time `json:"received"`
	Closed   time.Time `json:"closed,omitzero"`
	Events   []Event   `json:"events"`
	// Stages are where the time went. Verified is when the last step was, Deadline
	// when the tier wants it; both in seconds since it was received, 0: not known.
	Stages   []Stage   `json:"stages"`
	Verified float64   `json:"verified_seconds,omitempty"`
	Deadline float64   `json:"deadline_seconds,omitempty"`
	Refusals []Refusal `json:"refusals"`
	Next     []Next    `json:"next"`
}

// Alert is the alert as it was received first.
type Alert struct {
	Name        string            `json:"name"`
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels,omitempty"`
	Summary     string            `json:"summary,omitempty"`
	// StartsAt is since when it fires, as Alertmanager has it.
	StartsAt time.Time `json:"starts_at,omitzero"`
	// Active says that its last status was firing.
	Active bool `json:"active"`
}

// Event is one record, in words.
type Event struct {
	Seq  uint64    `json:"seq"`
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	// Seconds since the alert was received, on clocks that do not jump; the time
	// that the machine was off counts as nothing.
	Seconds float64  `json:"seconds"`
	Run     string   `json:"run,omitempty"`
	Says    string   `json:"says"`
	Details []string `json:"details,omitempty"`
}

// Refusal is a reason for which nothing was done.
type Refusal struct {
	// Guard refused for Reason; they are the same where no guard did.
	Guard  string `json:"guard"`
	Reason string `json:"reason"`
	// Detail is from the last time.
	Detail string `json:"detail,omitempty"`
	// Passing ones are asked again by themselves, the others wait for a person.
	Passing bool `json:"passing"`
	// Runs ended with it; in between it was asked again and only counted.
	Runs  int       `json:"runs"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Asked is how often it was the answer in all, where a running server told.
	Asked int `json:"asked,omitempty"`
}

// Next is something that is to happen.
type Next struct {
	Says string `json:"says"`
	// Command brings it about, Config is what to write into fettle.yml for it.
	Command string `json:"command,omitempty"`
	Config  string `json:"config,omitempty"`
}

// Repeated notes how often a refusal was the answer, counted repeats included.
func (s *Story) Repeated(guard, reason string, times int) {
	for i := range s.Refusals {
		r := &s.Refusals[i]
		if r.Guard == guard && r.Reason == reason {
			r.Asked = max(times, r.Runs)
		}
	}
}

// Tell makes the story of the records of one episode, in order. about is the run
// or episode that was asked for. Data that cannot be read is an event that says so.
func Tell(about string, records []journal.Record) Story {
	t := teller{undone: newUndone(), Story: Story{Events: []Event{}, Stages: []Stage{}, Refusals: []Refusal{}, Next: []Next{}}}
	for _, r := range records {
		t.take(about, r)
	}
	t.conclude()
	t.timed()
	return t.Story
}

// teller is a story in the making.
type teller struct {
	Story
	stager  stager
	clock   elapsed
	planned map[string]*repair.Planned // by run
	// last is the run that ended last, live the one that has not, intent its
	// mutation without a result.
	last   *repair.FinishedData
	live   string
	intent *repair.IntentData
	closed *repair.ClosedData
	freed  bool                 // the slots of the last run were given back
	asked  *repair.FinishedData // how the run that was asked for ended
	undone undone
}

func (t *teller) take(about string, r journal.Record) {
	since, rebooted := t.clock.advance(r.At)
	if rebooted {
		t.Events = append(t.Events, Event{
			Seq: r.Seq, Type: "reboot", Time: r.At.Wall, Seconds: since,
			Says: "the machine was started anew since; the time that it was off counts as nothing",
		})
	}
	w, err := decode(r)
	if err != nil {
		w = words{says: "a record whose data cannot be read: " + err.Error()}
	} else {
		if !t.undone.take(r, w.data) {
			t.learn(about, r, w.data)
			t.stager.take(since, r.Type, w.data)
		} else if d, ok := w.data.(repair.FinishedData); ok && d.Run == about {
			t.Run, t.asked = d.Run, &d
		}
		t.undone.unguarded(&w)
	}
	if w.says == "" {
		w.says = r.Type + ", of which this fettle knows no more"
	}
	t.Events = append(t.Events, Event{
		Seq: r.Seq, Type: r.Type, Time: r.At.Wall, Seconds: since, Run: w.run, Says: w.says, Details: w.details,
	})
}

// learn notes what the rest of the story needs.
func (t *teller) learn(about string, r journal.Record, data any) {
	switch d := data.(type) {
	case repair.Received:
		t.received(r, d)
	case repair.Planned:
		t.Playbook, t.Target, t.Tier, t.live = d.Playbook, d.Target, string(d.Tier), d.Run
		if t.planned == nil {
			t.planned = map[string]*repair.Planned{}
		}
		t.planned[d.Run] = &d
		if d.Run == about {
			t.Run = d.Run
		}
	case repair.IntentData:
		t.intent = &d
	case repair.StepData:
		if r.Type == repair.TypeStep {
			t.intent = nil
		}
	case repair.FinishedData:
		t.last, t.live, t.intent, t.freed = &d, "", nil, false
		if d.Run == about {
			t.asked = &d
		}
		t.refused(r, d)
	case repair.HeldData:
		t.held(r, d)
	case repair.ReleasedData:
		t.freed = true
	case repair.ClosedData:
		t.closed, t.Closed = &d, r.At.Wall
	}
}

func (t *teller) received(r journal.Record, d repair.Received) {
	t.Alert.Active = d.Status == "firing"
	if t.Alert.Fingerprint != "" {
		return
	}
	t.Received, t.Episode, t.Playbook = r.At.Wall, d.Episode, d.Playbook
	t.Alert.Name, t.Alert.Fingerprint, t.Alert.Labels = d.Labels["alertname"], string(d.Fingerprint), d.Labels
	t.Alert.Summary, t.Alert.StartsAt = d.Annotations["summary"], d.StartsAt
}

func (t *teller) refused(r journal.Record, d repair.FinishedData) {
	if d.Outcome == repair.Blocked || d.Outcome == repair.ObservedOnly {
		t.noted(r, repair.Refusal{Guard: d.Guard, Reason: d.Reason, Detail: d.Detail, Passing: d.Passing}, 1)
	}
}

// held is a refusal that no run was opened for. Until a run says more, it is the last
// answer.
func (t *teller) held(r journal.Record, d repair.HeldData) {
	t.noted(r, d.Refusal, 0)
	t.last = &repair.FinishedData{Outcome: repair.Blocked, Guard: d.Guard, Reason: d.Reason, Detail: d.Detail, Passing: d.Passing}
}

func (t *teller) noted(r journal.Record, d repair.Refusal, runs int) {
	for i := range t.Refusals {
		old := &t.Refusals[i]
		if old.Guard == d.Guard && old.Reason == d.Reason {
			old.Detail, old.Last, old.Passing = d.Detail, r.At.Wall, d.Passing
			old.Runs += runs
			return
		}
	}
	t.Refusals = append(t.Refusals, Refusal{
		Guard: d.Guard, Reason: d.Reason, Detail: d.Detail, Passing: d.Passing, Runs: runs, First: r.At.Wall, Last: r.At.Wall,
	})
}

// elapsed counts seconds on CLOCK_BOOTTIME; a reboot adds the uptime since.
type elapsed struct {
	begun bool
	last  journal.Reading
	total time.Duration
}

func (e *elapsed) advance(at journal.Reading) (seconds float64, rebooted bool) {
	switch {
	case !e.begun:
	case at.Boot == e.last.Boot:
		e.total += max(0, at.Since-e.last.Since)
	default:
		rebooted = true
		e.total += max(0, at.Since)
	}
	e.begun, e.last = true, at
	return e.total.Seconds(), rebooted
}
