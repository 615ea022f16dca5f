package repair

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// A Guard is one line of the table of guards: a pure verdict over fresh Facts and
// the fold. An error is a refusal.
type Guard struct {
	Name string
	// Fleet: it decides on a look at the whole inventory, which is taken when every
	// other guard says go.
	Fleet bool
	// Alike: where it refuses, it refuses the whole fleet for one reason.
	Alike bool
	Ask   func(q Question) Verdict
}

// Question is everything a guard may look at.
type Question struct {
	Playbook *Playbook
	Step     PlannedStep
	Spec     ActionSpec
	Counted  string // what attempts at the step are counted under, for AttemptsMade and CircuitOpen
	Target   cluster.Target
	Settings Settings
	Autonomy Autonomy // what holds for this playbook, cluster, tier

	Seen  Sighting
	State StateView
	// Run is the asking run's ID, empty for an ask without one.
	Run string
	// Further is true for a further attempt inside a run and for a resumed run:
	// cooldown is not asked then.
	Further bool
	// Actor is the person who asked for just this, whose word is an approval; empty: nobody.
	Actor string
	// Silenced: the alert is silenced in Alertmanager (rule 4's poll).
	Silenced bool
	// Fleet is a fresh look at the whole inventory, nil where there is none.
	Fleet *Fleet
	// Brake is what the brake file says: present, or not to be told.
	Brake bool
	// Wall is the time that people's clocks show, for windows alone: it may jump.
	Wall time.Time
	// Takes are the targets that the step may make unavailable, as "cluster/member", its
	// own among them; none for one that takes nothing away.
	Takes []string

	who *asker // whose approval may release a refusal; no guard is told
}

// StateView is the fold as the guards may ask it. All times are durations of
// CLOCK_BOOTTIME (rule 20).
type StateView interface {
	// Paused tells whether a pause holds for a cluster: global, or its own.
	Paused(cluster string) (by string, paused bool)
	// CooldownLeft is how long the cooldown after the last mutating run still holds.
	CooldownLeft(playbook, target string, cooldown time.Duration) time.Duration
	// AttemptsMade counts the attempts on (action, target) within d, since its last repaired or release.
	AttemptsMade(action, target string, d time.Duration) int
	// CircuitOpen tells whether too many attempts were made on (action, target): only a release closes it.
	CircuitOpen(action, target string) bool
	// SlotHolder is the run or episode that holds one of the resources, other than run.
	SlotHolder(resources []string, run string) (holder string, taken bool)
	// LiveRuns counts the runs that hold slots, other than run.
	LiveRuns(run string) int
	// MayBeDown are the targets that runs other than run may have made unavailable and a
	// look asked for at since need not show: those of runs that hold slots and have
	// begun something, or ended unknown, and those that a run gave back after since.
	MayBeDown(run string, since journal.Reading) []string
}

// Verdict is a guard's answer. The zero value with OK is a yes.
type Verdict struct {
	Guard  string `json:"guard"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // from the guard's fixed list: fit for a label
	Detail string `json:"detail,omitempty"` // for people: what was seen, and what would change the answer
	// Passing reasons are asked again; the others wait for a person.
	Passing bool `json:"passing,omitempty"`
	// Observed marks autonomy's refusal that ends a run `observed`.
	Observed bool `json:"observed,omitempty"`
	// Again is after which time the answer may be another one, where that is known: it
	// is asked again then at the latest. 0: at the tier's look interval.
	Again time.Duration `json:"-"`
}

// Go is the verdict yes.
func Go() Verdict { return Verdict{OK: true} }

// Refuse is a refusal that passes by itself and is asked again.
func Refuse(reason, detail string) Verdict {
	return Verdict{Reason: reason, Detail: detail, Passing: true}
}

// RefuseForPerson is a refusal that waits for a person.
func RefuseForPerson(reason, detail string) Verdict {
	return Verdict{Reason: reason, Detail: detail}
}
