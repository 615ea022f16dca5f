package exporter

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// raftCanary tells of the write through each voter, where the inventory declares one.
type raftCanary struct{ success, failure, duration *Metric }

func newRaftCanary() raftCanary {
	m := []string{"cluster", "member"}
	return raftCanary{
		success:  gauge("fettle_raft_canary_success", "1 if a write through the member was agreed upon and applied in time. Only with a canary, and never of a learner.", m...),
		failure:  gauge("fettle_raft_canary_failure", "1 for the reason why the write failed, 0 for the others. Only with a canary.", "cluster", "member", "reason"),
		duration: gauge("fettle_raft_canary_duration_seconds", "How long the write took. Absent while it fails.", m...),
	}
}

func (c raftCanary) metrics() []*Metric { return []*Metric{c.success, c.failure, c.duration} }

// emit tells how the write through m went. looked is false where the look at the cluster
// did not come back: then no write is known to have been answered.
func (c raftCanary) emit(name string, m cluster.MemberView, seen *etcd.Canary, looked bool, emit Emit) {
	switch {
	case seen != nil:
	case looked:
		return // a learner takes no writes
	default:
		seen = &etcd.Canary{Reason: cluster.Timeout}
	}
	emit(c.success, boolean(seen.Success), name, m.Name)
	for _, reason := range etcd.CanaryReasons() {
		emit(c.failure, boolean(seen.Reason == reason), name, m.Name, reason)
	}
	if seen.Success {
		emit(c.duration, seen.Took.Seconds(), name, m.Name)
	}
}
