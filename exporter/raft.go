package exporter

import (
	"context"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

type raftCollector struct {
	voters, votersReachable, quorum, margin, learners, hasLeader, leadersSeen, mismatch, unlisted *Metric // a cluster's state
	reachable, leader                                                                             *Metric // a member's state
	listed, term, commit, applied, gap, dbSize, dbInUse, dbQuota, learner, alarm                  *Metric // measured
	canary                                                                                        raftCanary
	page                                                                                          raftPage
	vantage                                                                                       raftVantage
}

func newRaft(Host) Collector {
	c, m := []string{"cluster"}, []string{"cluster", "member"}
	return &raftCollector{
		voters:          gauge("fettle_raft_voters", "Voters in the membership last read; those of the inventory until one was read.", c...),
		votersReachable: gauge("fettle_raft_voters_reachable", "Voters that answer this exporter.", c...),
		quorum:          gauge("fettle_raft_quorum", "Voters that must agree: half of them, rounded down, plus one.", c...),
		margin:          gauge("fettle_raft_margin", "Voters that may still fail: those reachable less the quorum. Negative: the quorum is lost.", c...),
		learners:        gauge("fettle_raft_learners", "Members that do not vote.", c...),
		hasLeader:       gauge("fettle_raft_has_leader", "1 if a quorum of reachable voters names one leader in one term, and it does not say otherwise.", c...),
		leadersSeen:     gauge("fettle_raft_leaders_seen", "Distinct leaders that are named at the highest term in which one is named.", c...),
		mismatch:        gauge("fettle_raft_membership_mismatch", "1 if members that answer name different clusters or memberships.", c...),
		unlisted:        gauge("fettle_raft_members_unlisted", "Members that the cluster names and the inventory does not.", c...),
		reachable:       gauge("fettle_raft_member_reachable", "1 if the member answers this exporter.", m...),
		leader:          gauge("fettle_raft_leader", "1 if the member is the leader that a quorum names.", m...),
		listed:          gauge("fettle_raft_member_listed", "1 if the membership names the member. Absent while no member tells its membership.", m...),
		term:            gauge("fettle_raft_term", "The member's term. Absent while it is not reachable.", m...),
		commit:          gauge("fettle_raft_commit_index", "The member's commit index. Absent while it is not reachable.", m...),
		applied:         gauge("fettle_raft_applied_index", "The member's applied index. Absent while it is not reachable.", m...),
		gap:             gauge("fettle_raft_apply_gap", "Entries that the member knows to be committed and has not applied. Absent while it is not reachable.", m...),
		dbSize:          gauge("fettle_raft_db_size_bytes", "The member's database, as it lies on the disk. Absent while it is not reachable.", m...),
		dbInUse:         gauge("fettle_raft_db_in_use_bytes", "The part of the member's database that is in use. Absent while it is not reachable.", m...),
		dbQuota:         gauge("fettle_raft_db_quota_bytes", "The size at which the database takes no more writes. Absent while the member is not reachable; before etcd 3.6 it is on the metrics page alone.", m...),
		learner:         gauge("fettle_raft_learner", "1 if the member does not vote. Absent while it is not reachable.", m...),
		alarm:           gauge("fettle_raft_alarm", "1 if the member has raised the alarm (NOSPACE, CORRUPT). Absent while no member of the cluster can list them.", "cluster", "member", "alarm"),
		canary:          newRaftCanary(),
		page:            newRaftPage(),
		vantage:         newRaftVantage(),
	}
}

func (c *raftCollector) Metrics() []*Metric {
	return slices.Concat([]*Metric{
		c.voters, c.votersReachable, c.quorum, c.margin, c.learners, c.hasLeader, c.leadersSeen, c.mismatch, c.unlisted, c.reachable, c.leader,
		c.listed, c.term, c.commit, c.applied, c.gap, c.dbSize, c.dbInUse, c.dbQuota, c.learner, c.alarm,
	}, c.canary.metrics(), c.page.metrics(), c.vantage.metrics())
}

func (c *raftCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindEtcd, cluster.KindConsul)
	for _, v := range views {
		c.state(v, emit)
		c.measured(v, emit)
		c.alarms(v, emit)
		canary := s.cluster(v.Cluster).Etcd.Canary.On()
		for _, m := range v.Members {
			told, ok := m.Detail.(*etcd.Member)
			if !ok { // of another system, or the look did not come back
				told = &etcd.Member{Listed: cluster.Unknown}
			}
			if canary {
				c.canary.emit(v.Cluster, m, told.Canary, ok, emit)
			}
			if told.Listed != cluster.Unknown {
				emit(c.listed, boolean(told.Listed == cluster.Yes), v.Cluster, m.Name)
			}
			if v.Kind != cluster.KindConsul { // which tells such things in other ways
				c.page.emit(v.Cluster, m, told, emit)
				c.vantage.emit(v.Cluster, m, told, emit)
			}
		}
	}
	return err
}

func (c *raftCollector) state(v cluster.View, emit Emit) {
	leader, led := v.Leader()
	learners := v.UnlistedLearners
	for _, m := range v.Members {
		if m.Learner {
			learners++
		}
		labels := []string{v.Cluster, m.Name}
		emit(c.reachable, boolean(m.Reachable), labels...)
		emit(c.leader, boolean(led && m.Name == leader.Name), labels...)
	}
	labels := []string{v.Cluster}
	emit(c.voters, float64(v.Voters()), labels...)
	emit(c.votersReachable, float64(v.VotersReachable()), labels...)
	emit(c.quorum, float64(v.Quorum()), labels...)
	emit(c.margin, float64(v.Margin()), labels...)
	emit(c.learners, float64(learners), labels...)
	emit(c.hasLeader, boolean(led), labels...)
	emit(c.leadersSeen, float64(v.LeadersSeen()), labels...)
	emit(c.mismatch, boolean(v.Mismatch), labels...)
	emit(c.unlisted, float64(len(v.Unlisted)), labels...)
}

func (c *raftCollector) measured(v cluster.View, emit Emit) {
	for _, m := range v.Members {
		labels := []string{v.Cluster, m.Name}
		// Before etcd 3.6 the quota is on the metrics page, which knows no users.
		if m.DBQuota > 0 {
			emit(c.dbQuota, float64(m.DBQuota), labels...)
		}
		if !m.Reachable {
			continue
		}
		emit(c.term, float64(m.Term), labels...)
		emit(c.commit, float64(m.Commit), labels...)
		emit(c.applied, float64(m.Applied), labels...)
		if m.Commit >= m.Applied { // of one answer, but not of one instant
			emit(c.gap, float64(m.Commit-m.Applied), labels...)
		} else {
			emit(c.gap, 0, labels...)
		}
		emit(c.learner, boolean(m.Learner), labels...)
		if m.DBSize > 0 { // no database is empty: 0 is not told
			emit(c.dbSize, float64(m.DBSize), labels...)
		}
		if m.DBInUse > 0 {
			emit(c.dbInUse, float64(m.DBInUse), labels...)
		}
	}
}

func (c *raftCollector) alarms(v cluster.View, emit Emit) {
	if !slices.ContainsFunc(v.Members, func(m cluster.MemberView) bool { return m.AlarmsRead }) {
		return
	}
	for _, m := range v.Members {
		for _, alarm := range []string{"NOSPACE", "CORRUPT"} {
			emit(c.alarm, boolean(slices.Contains(m.Alarms, alarm)), v.Cluster, m.Name, alarm)
		}
	}
}
