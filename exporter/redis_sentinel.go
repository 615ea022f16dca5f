package exporter

import (
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/redis"
)

// sentinelMetrics tell what the Sentinels of a Redis cluster say of it. Each is known by
// the address under which the inventory declares it.
type sentinelMetrics struct {
	disagree                                     *Metric // a cluster's state, where it has Sentinels
	reachable, failure, usable                   *Metric // a Sentinel's state
	primary, unlisted, subjective, objective     *Metric // measured
	failingOver, epoch, quorum, others, replicas *Metric
	replicaDown                                  *Metric
}

func newSentinelMetrics() sentinelMetrics {
	s := []string{"cluster", "sentinel"}
	return sentinelMetrics{
		disagree:    gauge("fettle_redis_sentinels_disagree", "1 if reachable Sentinels name different primaries. Absent of a cluster without Sentinels.", "cluster"),
		reachable:   gauge("fettle_redis_sentinel_reachable", "1 if the Sentinel answers this exporter.", s...),
		failure:     gauge("fettle_redis_sentinel_failure", "1 for the reason why the Sentinel could not be asked, 0 for the others.", "cluster", "sentinel", "reason"),
		usable:      gauge("fettle_redis_sentinel_quorum_ok", "1 if the Sentinel says that enough of them are there to agree on a failover and to authorize it (CKQUORUM). 0 while it is not reachable.", s...),
		primary:     gauge("fettle_redis_sentinel_primary", "1 for the member that the Sentinel holds for the primary, 0 for the others. Absent while the Sentinel is not reachable.", "cluster", "sentinel", "member"),
		unlisted:    gauge("fettle_redis_sentinel_primary_unlisted", "1 if the Sentinel's primary has an address that is no member's of the inventory. Absent while the Sentinel is not reachable.", s...),
		subjective:  gauge("fettle_redis_sentinel_primary_down", "1 if its primary does not answer the Sentinel (s_down). Absent while the Sentinel is not reachable.", s...),
		objective:   gauge("fettle_redis_sentinel_primary_down_agreed", "1 if a quorum of Sentinels says so (o_down). Absent while the Sentinel is not reachable.", s...),
		failingOver: gauge("fettle_redis_sentinel_failover_running", "1 if the Sentinel takes part in a failover. Absent while it is not reachable.", s...),
		epoch:       gauge("fettle_redis_sentinel_config_epoch", "Number of the configuration that the Sentinel has: each failover makes a new one. Absent while it is not reachable.", s...),
		quorum:      gauge("fettle_redis_sentinel_quorum", "Sentinels that must agree that the primary is down, as this one is configured. Absent while it is not reachable.", s...),
		others:      gauge("fettle_redis_sentinel_others", "Sentinels that this one knows besides itself. Absent while it is not reachable.", s...),
		replicas:    gauge("fettle_redis_sentinel_replicas", "Replicas that the Sentinel knows. Absent while it is not reachable.", s...),
		replicaDown: gauge("fettle_redis_sentinel_replica_down", "1 if the member is a replica that does not answer the Sentinel. Absent while the Sentinel is not reachable.", "cluster", "sentinel", "member"),
	}
}

func (s sentinelMetrics) all() []*Metric {
	return []*Metric{
		s.disagree, s.reachable, s.failure, s.usable, s.primary, s.unlisted, s.subjective, s.objective,
		s.failingOver, s.epoch, s.quorum, s.others, s.replicas, s.replicaDown,
	}
}

func (s sentinelMetrics) emit(v cluster.View, told redis.Summary, emit Emit) {
	if len(v.Witnesses) == 0 {
		return
	}
	emit(s.disagree, boolean(told.Disagree), v.Cluster)
	for _, w := range v.Witnesses {
		d, ok := w.Detail.(*redis.Sentinel)
		labels := []string{v.Cluster, w.Name}
		emit(s.reachable, boolean(w.Reachable), labels...)
		for _, reason := range cluster.Reasons() {
			emit(s.failure, boolean(w.Error == reason), v.Cluster, w.Name, reason)
		}
		emit(s.usable, boolean(ok && d.Usable), labels...)
		if !ok {
			continue
		}
		for _, m := range v.Members {
			of := []string{v.Cluster, w.Name, m.Name}
			emit(s.primary, boolean(d.Primary == m.Name), of...)
			emit(s.replicaDown, boolean(slices.Contains(d.Down, m.Name)), of...)
		}
		emit(s.unlisted, boolean(d.Primary == ""), labels...)
		emit(s.subjective, boolean(d.SubjectivelyDown), labels...)
		emit(s.objective, boolean(d.ObjectivelyDown), labels...)
		emit(s.failingOver, boolean(d.FailingOver), labels...)
		emit(s.epoch, d.Epoch, labels...)
		emit(s.quorum, d.Quorum, labels...)
		emit(s.others, d.Others, labels...)
		emit(s.replicas, d.Replicas, labels...)
	}
}
