package repair

import (
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// Stamp comes with every event: the clocks, and what the brake file says. The
// engine has no other way to learn either.
type Stamp struct {
	Now journal.Reading
	// Brake: the brake file is there, or cannot be told not to be.
	Brake bool
	// Held says why nothing new may begin, although the journal can still be written: an
	// older part of it is damaged. Empty: it may.
	Held string
	// Full says why nothing new may begin but what takes back what is owed: the journal
	// has room for outcomes and compensations only (rule 17). Empty: it has enough.
	Full string
}

// An Event is something that happened to the engine.
type Event interface{ event() }

type (
	// Started is the first event after the fold: resume what was live.
	Started struct{}
	// Ticked wakes the engine when Wake says so.
	Ticked struct{}
	// Alerts are (a part of) one message, in order. End is set with the last part,
	// and brings the counts of the parts before; the answer has them all.
	Alerts struct {
		Message string
		Actor   string
		Alerts  []alert.Alert
		End     *MessageEnd
	}
	// Fetched brings some of the alerts that a Poll was to Fetch, while it is under way.
	Fetched struct{ Source PollSource }
	// Looked answers a Look effect.
	Looked struct {
		Look uint64
		Seen Sighting
		Err  error
		// Output is what a program printed that was found to have failed.
		Output *Evidence
		// Verified is what Prometheus said, where the Look was to ask it.
		Verified *VerifyResult
	}
	// Applied answers an Apply effect.
	Applied struct {
		Run    string
		Intent string
		Err    error
		// Output is what a program said, where Err is its failure.
		Output *Evidence
	}
	// Polled answers a Poll effect: what each Alertmanager holds active.
	Polled struct{ Sources []PollSource }
	// Reloaded brings a new configuration.
	Reloaded struct{ Config Config }
	// SetPause is an operator's word: nothing is changed from now on.
	SetPause struct{ Cluster, Actor, Reason string }
	// ClearPause takes a pause back, by ID or, without one, by cluster.
	ClearPause struct{ ID, Cluster, Actor string }
	// Release frees an episode's slots after unknown and closes its circuit.
	Release struct{ Episode, Actor string }
	// CloseEpisode ends an episode by a person's word.
	CloseEpisode struct{ Episode, Actor, Comment string }
	// GiveApproval is an operator's word that what an episode waits for may be done, as
	// long as the world is as the premise (its digest) says.
	GiveApproval struct{ Episode, Premise, Actor, Comment string }
	// Acknowledge is an operator's word that what was told of an episode is known.
	Acknowledge struct{ Episode, Actor, Comment string }
)

// PollSource is one Alertmanager's answer.
type PollSource struct {
	Name string
	Err  error
	// Active has the fingerprints of all active alerts; true: silenced.
	Active map[alert.Fingerprint]bool
	// Alerts are the active alerts themselves, where the Poll was to Fetch them.
	Alerts []alert.Alert
}

func (Started) event()      {}
func (Ticked) event()       {}
func (Alerts) event()       {}
func (Fetched) event()      {}
func (Looked) event()       {}
func (Applied) event()      {}
func (Polled) event()       {}
func (Reloaded) event()     {}
func (SetPause) event()     {}
func (ClearPause) event()   {}
func (Release) event()      {}
func (CloseEpisode) event() {}
func (GiveApproval) event() {}
func (Acknowledge) event()  {}

// An Effect is something that the engine wants done, once the records that were
// made with it are on disk.
type Effect interface{ effect() }

type (
	// Look asks an action to observe a target; Looked answers, always.
	Look struct {
		ID      uint64
		Spec    ActionSpec
		Target  cluster.Target
		Timeout time.Duration
		// Intent, if set, is open: a Watcher is asked about it instead of Observe.
		Intent *Intent
		// Verify, if set, is asked of Prometheus once the target was observed.
		Verify *Verification
		// Seeks: it is to show which member is meant; Target is any of the cluster.
		Seeks bool
	}
	// Apply begins an intent; Applied answers, always.
	Apply struct {
		Intent  Intent
		Spec    ActionSpec
		Timeout time.Duration
	}
	// Poll asks every configured Alertmanager for its active alerts; Polled answers.
	Poll struct {
		// Fetch wants the alerts themselves too: a message left some out.
		Fetch bool
	}
)

func (Look) effect()  {}
func (Apply) effect() {}
func (Poll) effect()  {}

// Ready is what one or more Steps left to do: write Drafts as one group, then,
// when they are on disk, begin Effects.
type Ready struct {
	Drafts  []journal.Draft
	Effects []Effect
	Notes   []Note

	made []any // what the drafts were made of
}

// Restored is the time from an alert until its target was seen in order again.
type Restored struct {
	Cluster string
	Tier    Tier
	Took    time.Duration
}

// Note is something to count that is no record.
type Note struct {
	Refused *Verdict      // a refusal, recorded or not
	Stage   string        // detect, respond, decide, act, verify, settle, clear
	Took    time.Duration // with Stage
	// Restored is a run that repaired a target: how long after the alert it was in order again.
	Restored *Restored
}
