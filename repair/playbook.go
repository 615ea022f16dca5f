package repair

import (
	"regexp"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
)

// Tier says how urgent a playbook is: P0, P1 or P2 (ENGINE.md rule 21).
type Tier string

// The tiers.
const (
	P0 Tier = "P0"
	P1 Tier = "P1"
	P2 Tier = "P2"
)

// Autonomy is how much fettle may do by itself.
type Autonomy string

const (
	// Observe plans and journals what would be done: the default.
	Observe Autonomy = "observe"
	// Approve waits for a person.
	Approve Autonomy = "approve"
	// Auto acts.
	Auto Autonomy = "auto"
)

// AtMost is the lesser of two autonomies: a playbook's own value is a ceiling.
func (a Autonomy) AtMost(ceiling Autonomy) Autonomy {
	rank := map[Autonomy]int{Observe: 0, Approve: 1, Auto: 2}
	if rank[a] > rank[ceiling] {
		return ceiling
	}
	return a
}

// Playbook is one YAML file: which alerts it is for, what they point at, and the
// steps that put it in order.
type Playbook struct {
	Name        string
	Description string
	Version     int              // of the playbook language: 1
	On          alert.Matchers   // all must match; the only thing that selects a playbook
	Labels      map[string]Param // the labels that may be read, each with its type
	Target      TargetRef
	Tier        Tier
	Ceiling     Autonomy
	Steps       []Step
	Verify      *Expression    // what Prometheus must say too for the target to be in order; nil: nothing
	Cooldown    *time.Duration // overrides the setting; nil: not said
	Settle      *time.Duration
	Digest      string // SHA-256 of the file's bytes, hex
	Source      string // file:line of its name, for messages
}

// TargetRef says which labels name the target.
type TargetRef struct {
	Kind    cluster.Kind
	Cluster Value
	Member  Value
	// Instance is asked where an alert has no label for the member: an address or host
	// that is one member's. Unit narrows it down to what runs in that unit.
	Instance Value
	Unit     Value
	// Unnamed says what is meant where an alert names no member at all; empty: nothing.
	Unnamed Unnamed
}

// Unnamed is which member an alert means that names none.
type Unnamed string

// OneDown is the one member of the cluster that does not answer, as a look at the whole
// cluster shows it; none, and more than one, are refused.
const OneDown Unnamed = "one-down"

// Value is a literal, or a reference to a declared label written $name.
type Value struct {
	Literal string
	Label   string // non-empty: the declared label's name
}

// Param is the type of a label or parameter. Exactly one of Pattern and Enum is
// set; Pattern is anchored at both ends by whoever compiles it.
type Param struct {
	Pattern string
	Enum    []string

	compiled *regexp.Regexp // Pattern, of a loaded playbook; nil: compile it
}

// Step is one action of a playbook with its parameters.
type Step struct {
	Name     string
	Action   string
	With     map[string]Value
	Deadline time.Duration // 0: the tier's
	Attempts int           // 0: the setting's
	Once     bool
	Exec     *Exec // what a step with action exec says, with references to labels; else nil
	HTTP     *HTTP // the same with action http
}
