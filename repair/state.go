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
	fingerprints map[fingerprint]known
	byPerson     map[fingerprint]bool           // a person closed its last episode, and it fires ever since
	untold       map[fingerprint]time.Duration  // since when its last episode is closed, and no message has said that it ended
	openOf       map[alert.Fingerprint]*Episode // the open episode of a fingerprint
	episodes     map[string]*Episode
	runs         map[string]*Run // live ones
	pauses       map[string]*Pause
	cooldowns    map[string]time.Duration // playbook|target: end of the last mutating run
	attempts     map[string][]attempt     // action|target
	circuits     map[string]bool          // action|target: open until released
	held         map[string]holder        // resource: whose run ended unknown
	owed         map[string]*Owed         // run: what it left to be taken back
	approvals    map[string]*approval     // by episode
	told         map[string]*Told         // cluster|reason
	names        map[string]string        // one copy of each
	lastHeld     *Refusal                 // likewise
	endedRuns    []*Run
	endedEpisode []*Episode
}

// fingerprint is an alert.Fingerprint, 16 hex digits, without a pointer: there may be
// millions, and the collector of garbage has nothing to follow in them.
type fingerprint [16]byte

func fingerprintOf(fp alert.Fingerprint) (f fingerprint) {
	copy(f[:], fp)
	return f
}

func (f fingerprint) String() string { return strings.TrimRight(string(f[:]), "\x00") }

// known is what the fold keeps of a fingerprint; it has no pointer either.
type known struct {
	at       time.Duration
	closedAt time.Duration
	firing   bool // the last status known
}

// holder keeps slots after a run that ended unknown, until its target is in order
// or a person releases them; the end of its episode alone changes nothing.
type holder struct {
	episode, target string
	undo            bool // the run took another one back
}

type attempt struct {
	intent string
	at     time.Duration
}

// Episode is an alert from first firing until closed.
type Episode struct {
	ID          string
	Fingerprint alert.Fingerprint
	Playbook    string
	labels      labelSet
	Opened      time.Duration
	OpenedWall  time.Time
	ClosedWall  time.Time
	CloseReason string
	Active      bool // by the last message or poll
	Mutated     bool
	Run         string // live run
	Runs        []string
	// Last is the last answer (rule 5): the refusal with which the last run ended; cleared by other outcomes.
	Last     *Refusal
	LastWall time.Time // when the last run ended, or when it was held
	// LastOutcome and its time, for the alert that stays active (rule 4).
	LastOutcome Outcome
	LastEnded   time.Duration
	asked       []askedAt       // the refusals that were records, in order of the first
	escalated   map[string]bool // reasons
	acked       map[string]bool // those of them that a person knows of
	sought      string          // cluster/member: the target of its last run, where its labels name none

	quiet quiet  // not of the fold: the engine's own
	ask   *ask   // likewise: who looks at its target
	aim   *aim   // and what its playbook would do there
	found string // the member that is meant, where the labels name none
}

// askedAt is a refusal, guard/reason, and when it was last a record.
type askedAt struct {
	Refusal string        `json:"refusal"`
	At      time.Duration `json:"at"`
}

// askedFor is when a refusal was last a record of this episode.
func (ep *Episode) askedFor(guard, reason string) (at time.Duration, ok bool) {
	for _, a := range ep.asked {
		if a.Refusal == guard+"/"+reason {
			return a.At, true
		}
	}
	return 0, false
}

func (s *State) wasAsked(ep *Episode, guard, reason string, at time.Duration) {
	key := s.same(guard + "/" + reason)
	for i := range ep.asked {
		if ep.asked[i].Refusal == key {
			ep.asked[i].At = at
			return
		}
	}
	ep.asked = append(ep.asked, askedAt{key, at})
}

// Labels are the alert's labels.
func (ep *Episode) Labels() map[string]string { return ep.labels.unpack() }

// Label is one of the alert's labels, empty where it is not there.
func (ep *Episode) Label(name string) string { return ep.labels.get(name) }

// Refusal is an answer that is not go.
type Refusal struct {
	Guard   string `json:"guard"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail,omitempty"`
	Passing bool   `json:"passing,omitempty"`
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
	Begun      []Begun     // what can be taken back, the last begun last
	Finished   *FinishedData
	Trail      []Trail // by step, for people
}

// Trail is what happened to one step so far.
type Trail struct {
	State    string    `json:"state"` // planned, running, noop, verified, started, failed, unknown
	Attempts int       `json:"attempts,omitempty"`
	Says     string    `json:"says,omitempty"`
	Began    time.Time `json:"began,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
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
		fingerprints: map[fingerprint]known{}, byPerson: map[fingerprint]bool{}, untold: map[fingerprint]time.Duration{}, openOf: map[alert.Fingerprint]*Episode{}, episodes: map[string]*Episode{}, runs: map[string]*Run{},
		pauses: map[string]*Pause{}, cooldowns: map[string]time.Duration{}, attempts: map[string][]attempt{}, circuits: map[string]bool{},
		held: map[string]holder{}, owed: map[string]*Owed{}, names: map[string]string{},
		approvals: map[string]*approval{}, told: map[string]*Told{},
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
	if mutant("wall clock") {
		return time.Duration(r.Wall.UnixNano())
	}
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
