// Package guard has the guards: pure verdicts over fresh Facts and the fold, one
// file each. A guard answers yes, or refuses with a reason from its fixed list;
// what it cannot tell it refuses.
//
// To add one: write NAME.go with a func that returns repair.Guard, its test, its
// page docs/guards/NAME.md, and one line in Table.
package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Options are the guards' own settings.
type Options struct {
	// KnownBad says, for a kind of cluster and a version, whether it must not be
	// acted on automatically, and why. Nil: none is known.
	KnownBad func(kind cluster.Kind, version string) (why string, bad bool)
	// Windows are the times at which anything may be changed; none: always.
	Windows []repair.Window
	// Limits are how much of a cluster or a group may be unavailable; none: anything.
	Limits []repair.Limit
}

// Table is every guard in the order in which refusals are preferred: the first
// that refuses names the reason, those that wait for a person before the others.
func Table(o Options) []repair.Guard {
	return []repair.Guard{
		Pause(),
		OnPurpose(),
		Vantage(), // before proof: that a process runs says less than that its host is cut off
		Proof(),
		Version(o.KnownBad),
		Attempts(),
		Autonomy(),
		Window(o.Windows),
		Cooldown(),
		Concurrency(),
		Quorum(),
		BlastRadius(o.Limits), // the last two need a look at the whole inventory
		Storm(),
	}
}

// sight is the target's own Sight; without one nothing can be told.
func sight(q repair.Question) (cluster.Sight, *repair.Verdict) {
	s, ok := q.Seen.Facts.Sight(q.Target.Member.Name)
	if !ok {
		v := repair.Refuse("no-sight", fmt.Sprintf("nothing was seen of %s itself", q.Target))
		return s, &v
	}
	return s, nil
}

// ofQuorum tells whether the target is a member of a cluster with a quorum.
func ofQuorum(q repair.Question) bool { return q.Target.Cluster.Kind == cluster.KindEtcd }
