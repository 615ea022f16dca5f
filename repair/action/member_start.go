package action

import (
	"context"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// startedAfter is how long a process must have lived to count as started where
// nothing can be verified (rule 13).
const startedAfter = 5 * time.Second

// memberStart starts an etcd member's service. Whether its data directory allows
// that is the proof guard's question.
type memberStart struct{ look *memberLook }

// Observe implements repair.Action.
func (a memberStart) Observe(ctx context.Context, t cluster.Target) (repair.Sighting, error) {
	return a.look.Observe(ctx, t)
}

// Done implements repair.Action.
func (a memberStart) Done(before *repair.Observation, now repair.Observation) bool {
	m, ok := repair.Unpack[Member](now, memberSchema)
	if !ok || before == nil {
		return ok && m.inOrder(a.look.CommitLag)
	}
	b, ok := repair.Unpack[Member](*before, memberSchema)
	return ok && memberStarted(b, m, a.look.CommitLag)
}

// memberStarted tells that a member that was seen as before was started since, and
// has applied what its cluster had committed then.
func memberStarted(before, now Member, lag uint64) bool {
	return now.inOrder(lag) && now.Applied >= before.LeaderCommit && now.anew(before)
}

// Started implements repair.Starter.
func (a memberStart) Started(before *repair.Observation, now repair.Observation) bool {
	m, ok := repair.Unpack[Member](now, memberSchema)
	if !ok || before == nil {
		return false
	}
	b, ok := repair.Unpack[Member](*before, memberSchema)
	return ok && waitsForQuorum(b, m)
}

// waitsForQuorum tells that a member was started since, and that no more than that
// can be seen of it, because its cluster has no leader.
func waitsForQuorum(before, now Member) bool {
	runs := now.Service.State == cluster.ServiceRunning || now.Service.State == cluster.ServiceStarting
	return now.ClusterLeader == "" && now.Leader == "" &&
		runs && now.Service.Identity != "" && now.anew(before) &&
		now.Service.Age >= startedAfter && now.PeerPort
}

// Apply implements repair.Action.
func (a memberStart) Apply(ctx context.Context, in repair.Intent) error {
	if err := a.look.mayBegin(in); err != nil {
		return err
	}
	return reachable(a.look.Services.Start(ctx, in.Target))
}
