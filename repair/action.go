package repair

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// ErrAgent is what an Observe or Apply fails with when the target is on another
// host and no declared command reaches it: the run ends blocked(agent).
var ErrAgent = errors.New("no agent reaches the target's host")

// An Action brings one thing about. Observe is read-only, Done is pure, Apply is
// the only mutation, and at most one of it.
type Action interface {
	// Observe looks at the target. An error means that nothing can be said;
	// an unreachable target is an observation, not an error.
	Observe(ctx context.Context, t cluster.Target) (Sighting, error)
	// Done answers, with before == nil, "is it in order already?", and otherwise
	// "has it happened since before?", right after Apply or after a crash.
	Done(before *Observation, now Observation) bool
	// Apply does it. An error is not an outcome: what follows is for Observe to see.
	Apply(ctx context.Context, in Intent) error
}

// A Starter is an Action whose effect can be started without being verifiable
// yet (ENGINE.md rule 13: a voter without a quorum answers nothing).
type Starter interface {
	Started(before *Observation, now Observation) bool
}

// Does says what an action does to its target's service, which is what the
// guards of a quorum ask.
type Does string

const (
	// Starts brings up what is down: it takes nothing away (rule 13).
	Starts Does = "starts"
	// Takes ends or restarts something that may be up (rule 14).
	Takes Does = "takes"
	// Leaves changes something beside the service, which stays as it is.
	Leaves Does = "leaves"
)

// ActionSpec is one line of the table of actions.
type ActionSpec struct {
	Name string // what playbooks say
	// Sees names the schema of its Observation; steps that see alike share one look.
	Sees     string
	Kind     cluster.Kind // the kind of target it is for; empty: any
	Disturbs cluster.Disturbs
	Does     Does
	Params   map[string]Param // parameters that a step may give in `with`
	Action   Action           // nil where Bind makes it
	// Bind makes the line of one step that the playbook itself describes (exec, http):
	// its own Action, Sees, Does and Disturbs. It is pure, and the same step gives the
	// same line, in the next process too. Sees tells two steps that look at different
	// things apart. A step that Undoes another gets the line that puts back, whose Action
	// is an Undoer. nil: this line serves every step.
	Bind func(PlannedStep) (ActionSpec, error)
}

// A Watcher is an Action that can tell whether one intent of its own is still under
// way, or how it ended, for instance by the name of a transient unit (rule 11): it is
// asked instead of Observe while that intent is open, in the next process too.
type Watcher interface {
	Watch(ctx context.Context, t cluster.Target, in Intent) (Sighting, error)
}

// An Undoer is the Action of a step that takes another back (PlannedStep.Undoes): its
// Done says "put back". StillSet tells whether the target is in the state that the
// undone step set, which is the only one that is changed: in a third one somebody else
// has changed it since. It is pure.
type Undoer interface {
	StillSet(now Observation) bool
}

// Observation is what an action saw: versioned JSON, so that it can be journaled
// and read back by the next process. Says is one line for people.
type Observation struct {
	Schema string          `json:"schema"` // "member/1"
	Says   string          `json:"says"`
	Data   json.RawMessage `json:"data"`
	// Was is the value that the step is about to overwrite, where it declares how to
	// read it: what an undo puts back.
	Was *string `json:"was,omitempty"`
}

// Observed packs a typed observation: v is a plain struct of the action's own;
// an error from encoding it is an error of the look.
func Observed[T any](schema, says string, v T) (Observation, error) {
	b, err := json.Marshal(v)
	return Observation{Schema: schema, Says: says, Data: b}, err
}

// Unpack reads a typed observation back. ok is false where the schema is another
// one or the data does not fit: then nothing can be said.
func Unpack[T any](o Observation, schema string) (v T, ok bool) {
	if o.Schema != schema {
		return v, false
	}
	return v, json.Unmarshal(o.Data, &v) == nil
}

// Facts are what the guards decide on, taken in the same look as the observation.
type Facts struct {
	// View is the whole cluster, nil for a kind without one.
	View *cluster.View `json:"view,omitempty"`
	// Sights has the target's own Sight first, and those of the other members
	// where a guard needs them (no leader: all of them).
	Sights []cluster.Sight `json:"sights,omitempty"`
}

// Sight finds one member's Sight.
func (f Facts) Sight(member string) (cluster.Sight, bool) {
	for _, s := range f.Sights {
		if s.Member == member {
			return s, true
		}
	}
	return cluster.Sight{}, false
}

// Sighting is the result of one look.
type Sighting struct {
	// Asked is when the guards' View was asked for (its first question), on the executor's clocks.
	Asked       journal.Reading
	Observation Observation
	Facts       Facts
	// Output is what a program printed that was found to have failed; it may hold secrets.
	Output []byte
}

// Intent is a mutation that is in the journal and may now be begun, once.
type Intent struct {
	ID      string            `json:"id"`
	Run     string            `json:"run"`
	Episode string            `json:"episode"`
	Step    int               `json:"step"`
	Attempt int               `json:"attempt"`
	Action  string            `json:"action"`
	Target  cluster.Target    `json:"-"`
	With    map[string]string `json:"with,omitempty"`
	Epoch   uint64            `json:"epoch"`
	// Before is what was seen just before.
	Before Observation `json:"before"`
	// NotAfter: it may not begin later, nor in another boot (rule 8).
	NotAfterBoot  string        `json:"notAfterBoot"`
	NotAfterSince time.Duration `json:"notAfterSince"`
}

// MayBegin tells whether an executor whose clocks read now may still begin it.
func (in Intent) MayBegin(now journal.Reading) bool {
	return now.Boot == in.NotAfterBoot && now.Since <= in.NotAfterSince || mutant("late is in time")
}
