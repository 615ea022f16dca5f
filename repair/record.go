package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/fettle-io/fettle/alert"
)

// The record types that the engine writes. A type's name and the JSON names of
// its data are public: they change by addition only.
const (
	TypeReceived = "received"       // one alert that was no repeat; opens an episode
	TypeMessage  = "message"        // the end of a message
	TypePlanned  = "run.planned"    // a run opens, with the plan that it is resumed with
	TypeNoop     = "step.noop"      // a step that was in order already
	TypeIntent   = "step.intent"    // before a mutation; critical
	TypeAnswered = "step.answered"  // what Apply returned; not an outcome
	TypeStep     = "step.finished"  // an intent's result
	TypeRelapsed = "run.relapsed"   // out of order again while it settled
	TypeFinished = "run.finished"   // a run's outcome
	TypeClosed   = "episode.closed" // an episode ends
	TypeHeld     = "episodes.held"  // a refusal of the whole fleet, without a run for each
	TypeEscalate = "escalated"      // people are to be told
	TypePaused   = "pause.set"
	TypeUnpaused = "pause.cleared"
	TypeReleased = "released"    // a person freed slots and closed the circuit
	TypeFreed    = "slots.freed" // an unknown run's target is in order again
	TypeLeft     = "undo.left"   // a person leaves it as it is: it is owed no more
	TypeConfig   = "config.loaded"
	TypeCarried  = "carried" // open state, at the beginning of a segment
)

// KnownType tells whether the fold understands a record type, for journal.Open.
func KnownType(t string) bool {
	switch t {
	case TypeReceived, TypeMessage, TypePlanned, TypeNoop, TypeIntent, TypeAnswered, TypeStep, TypeRelapsed,
		TypeFinished, TypeClosed, TypeEscalate, TypePaused, TypeUnpaused, TypeReleased, TypeFreed, TypeConfig, TypeHeld, TypeCarried,
		TypeApproved, TypeVoid, TypeAcked, TypeToldOver, TypeLeft:
		return true
	}
	return false
}

// Received is the data of TypeReceived.
type Received struct {
	Fingerprint alert.Fingerprint `json:"fingerprint"`
	Status      alert.Status      `json:"status"`
	Episode     string            `json:"episode,omitempty"`  // the episode that it belongs to
	Opened      bool              `json:"opened,omitempty"`   // it opened that episode
	Playbook    string            `json:"playbook,omitempty"` // the one that matched
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
	Generator   string            `json:"generatorURL,omitempty"`
	Message     string            `json:"message"`
	Actor       string            `json:"actor"`
	// Oversize: the labels exceeded the limit; they are named by their digest and never matched.
	Oversize     bool   `json:"oversize,omitempty"`
	LabelsDigest string `json:"labelsDigest,omitempty"`
	// Cut says which texts are not whole.
	Cut map[string]alert.Cut `json:"cut,omitempty"`
}

// MessageEnd is the data of TypeMessage, and the end of a message as an event.
type MessageEnd struct {
	Message     string `json:"message"`
	Actor       string `json:"actor"`
	Receiver    string `json:"receiver,omitempty"`
	GroupKey    string `json:"groupKey,omitempty"`
	Reason      string `json:"reason,omitempty"`
	ExternalURL string `json:"externalURL,omitempty"`
	Truncated   uint64 `json:"truncated,omitempty"`
	Received    int    `json:"received"`
	Repeats     int    `json:"repeats"`
	Unmatched   int    `json:"unmatched"`
	Bytes       int64  `json:"bytes,omitempty"`
	TooLarge    bool   `json:"tooLarge,omitempty"` // refused with 413; nothing of it was read
}

// Planned is the data of TypePlanned.
type Planned struct {
	Run      string `json:"run"`
	Episode  string `json:"episode"`
	Playbook string `json:"playbook"`
	Target   string `json:"target"` // cluster/member, empty where the labels name nothing
	// Sought is true where the alert names no member, and a look showed that this one is meant.
	Sought    bool          `json:"sought,omitempty"`
	Tier      Tier          `json:"tier"`
	Autonomy  Autonomy      `json:"autonomy"`
	Resources []string      `json:"resources,omitempty"`
	Steps     []PlannedStep `json:"steps,omitempty"`
	Verify    string        `json:"verify,omitempty"` // what Prometheus is asked, with the labels in it
	Digests   Digests       `json:"digests"`
	// Undoes is the run that this one takes back, empty for a run that repairs; Actor and
	// Comment are the person's who asked for it, empty where it is owed.
	Undoes  string `json:"undoes,omitempty"`
	Actor   string `json:"actor,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// PlannedStep is a resolved step.
type PlannedStep struct {
	Name   string            `json:"name"`
	Action string            `json:"action"`
	With   map[string]string `json:"with,omitempty"`
	Once   bool              `json:"once,omitempty"` // must not be done twice
	// Declared is what the playbook itself says that the step does, as Playbook.Resolve
	// made it: with the labels in it, and never resolved again.
	Declared json.RawMessage `json:"declared,omitempty"`
	// Undo is how the step is taken back; nil: it cannot be.
	Undo *PlannedUndo `json:"undo,omitempty"`
	// Undoes says what this step, of a run that undoes another, takes back.
	Undoes *Undoes `json:"undoes,omitempty"`
}

// settleForm gives what is declared the bytes that it will have in the journal: what is
// made of them in this process and in the next one is the same.
func (s *PlannedStep) settleForm() (err error) {
	if s.Declared != nil {
		if s.Declared, err = json.Marshal(s.Declared); err != nil {
			return err
		}
	}
	if s.Undo != nil {
		s.Undo.Declared, err = json.Marshal(s.Undo.Declared)
	}
	return err
}

// counted is what attempts at a step are counted under: the action, and for a step
// that the playbook itself describes what it says.
func (s PlannedStep) counted() string {
	if len(s.Declared) == 0 {
		return s.Action
	}
	sum := sha256.Sum256(s.Declared)
	return s.Action + ":" + hex.EncodeToString(sum[:6])
}

// PlannedUndo is how a step is taken back (ENGINE.md rule 24). It stands in the plan,
// so that it is in the journal before the step is begun.
type PlannedUndo struct {
	Declared json.RawMessage `json:"declared"`
	// OnFailure: a run that does not end repaired takes it back by itself.
	OnFailure bool `json:"onFailure,omitempty"`
	// Unhealthy: it is taken back by itself also while the target is not in order;
	// without it what was isolated returns to service only when it is.
	Unhealthy bool `json:"unhealthy,omitempty"`
}

// Undoes is what an undoing step takes back.
type Undoes struct {
	Run    string `json:"run"`
	Intent string `json:"intent"` // the first of that step
	// Declared is what the step that is undone declared: only while the target is in
	// the state that it set is anything put back.
	Declared json.RawMessage `json:"declared"`
	// Was is the value that it overwrote, as it was seen just before.
	Was *string `json:"was,omitempty"`
	// Unhealthy: it is taken back also while the target is not in order.
	Unhealthy bool `json:"unhealthy,omitempty"`
}

// Digests are what a run was planned with; a change of any ends it (rule 11).
type Digests struct {
	Playbook  string `json:"playbook"`
	Inventory string `json:"inventory"`
	Version   string `json:"version"`
}

// IntentData is the data of TypeIntent.
type IntentData struct {
	Intent
	TargetName string `json:"target"`
	Says       string `json:"says"` // what was seen just before, for people
	// Approval is what people's approval it was made under, where one was needed.
	Approval *UsedApproval `json:"approval,omitempty"`
}

// StepResult ends an intent.
type StepResult string

const (
	// StepVerified was seen done in two samples.
	StepVerified StepResult = "verified"
	// StepStarted lives, and without a quorum nothing more can be told (rule 13).
	StepStarted StepResult = "started"
	// StepFailed is not done, and nothing is in flight.
	StepFailed StepResult = "failed"
	// StepUnknown cannot be told.
	StepUnknown StepResult = "unknown"
)

// StepData is the data of TypeNoop, TypeAnswered and TypeStep.
type StepData struct {
	Run     string       `json:"run"`
	Episode string       `json:"episode"`
	Step    int          `json:"step"`
	Attempt int          `json:"attempt"`
	Name    string       `json:"name"`
	Action  string       `json:"action"`
	Target  string       `json:"target"`
	Intent  string       `json:"intent,omitempty"`
	Result  StepResult   `json:"result,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Error   string       `json:"error,omitempty"` // what Apply returned
	Says    string       `json:"says,omitempty"`
	After   *Observation `json:"after,omitempty"`
	Output  *Evidence    `json:"output,omitempty"` // what a program said, with Error
}

// Evidence is a text that was kept beside the journal: by digest, with an excerpt.
// Secrets were taken out of both.
type Evidence struct {
	Digest    string `json:"digest"` // sha256: and 64 hex digits
	Bytes     int64  `json:"bytes"`
	Excerpt   string `json:"excerpt,omitempty"`
	Truncated bool   `json:"truncated,omitempty"` // more was said than is kept
}

// RelapsedData is the data of TypeRelapsed.
type RelapsedData struct {
	Run     string `json:"run"`
	Episode string `json:"episode"`
	Attempt int    `json:"attempt"` // the one that relapsed
	Says    string `json:"says"`
}

// FinishedData is the data of TypeFinished.
type FinishedData struct {
	Run      string    `json:"run"`
	Episode  string    `json:"episode"`
	Playbook string    `json:"playbook"`
	Target   string    `json:"target"`
	Outcome  Outcome   `json:"outcome"`
	Guard    string    `json:"guard,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Passing  bool      `json:"passing,omitempty"`
	Mutated  bool      `json:"mutated,omitempty"` // counts for cooldown
	Says     string    `json:"says,omitempty"`
	Verdicts []Verdict `json:"verdicts,omitempty"`
	Circuit  string    `json:"circuit,omitempty"` // action|target whose attempts are used up: opens its circuit
	Would    []string  `json:"would,omitempty"`   // with observed: the actions that would be next
	Premise  *Premise  `json:"premise,omitempty"` // with approval: what it would be given to
}

// ClosedData is the data of TypeClosed.
type ClosedData struct {
	Episode     string            `json:"episode"`
	Fingerprint alert.Fingerprint `json:"fingerprint"`
	Reason      string            `json:"reason"` // in_order, recovered_by_itself, alert_ended, person, unmatched
	Mutated     bool              `json:"mutated,omitempty"`
	// Absent: no Alertmanager had the alert any more when a person closed it, and no message
	// has said that it ended.
	Absent  bool   `json:"absent,omitempty"`
	Actor   string `json:"actor,omitempty"`
	Comment string `json:"comment,omitempty"`

	playbook string // for the metric
}

// HeldData is the data of TypeHeld.
type HeldData struct {
	Refusal
	// Varies: the detail is what one of the episodes was told, others were told another.
	Varies   bool     `json:"varies,omitempty"`
	Episodes []string `json:"episodes"`
}

// EscalatedData is the data of TypeEscalate: people are told of a cluster for a reason
// from now on, and this is the first episode that it is about.
type EscalatedData struct {
	Episode string `json:"episode"`
	Run     string `json:"run,omitempty"` // of a run and not of its episode, which may be over
	Target  string `json:"target"`
	Cluster string `json:"cluster,omitempty"` // empty: of no cluster; a storm is of all
	Tier    Tier   `json:"tier,omitempty"`
	Reason  string `json:"reason"` // deadline, approval, a guard's reason, failed, unknown, still_active, alertmanager, isolated
	Detail  string `json:"detail,omitempty"`
}

// PauseData is the data of TypePaused and TypeUnpaused.
type PauseData struct {
	ID      string `json:"id"`
	Cluster string `json:"cluster,omitempty"` // empty: everything
	Actor   string `json:"actor"`
	Reason  string `json:"reason,omitempty"`
}

// ReleasedData is the data of TypeReleased and TypeFreed.
type ReleasedData struct {
	Episode string `json:"episode"`
	Target  string `json:"target"`
	Actor   string `json:"actor,omitempty"`
}

// LeftData is the data of TypeLeft.
type LeftData struct {
	Run     string   `json:"run"` // that did it
	Episode string   `json:"episode"`
	Target  string   `json:"target"`
	Steps   []string `json:"steps"` // that would have taken it back
	Actor   string   `json:"actor"`
}

// ConfigData is the data of TypeConfig.
type ConfigData struct {
	Digest    string            `json:"digest"`
	Version   string            `json:"version"`
	Playbooks map[string]string `json:"playbooks"` // name to digest
}
