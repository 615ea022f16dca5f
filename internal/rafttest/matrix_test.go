package rafttest

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// truth is what a scrape must say of a cluster.
type truth struct {
	voters, reachable, quorum, margin, learners float64
	down                                        []string // do not answer
	refused                                     []string // writes through them fail
	maybe                                       string   // may answer, or not at all: then it is not reachable
}

// holds checks the second scrape after a fault, and that no state is missing from the first.
func (want truth) holds(t *testing.T, e *exporter.Exporter, before series) series {
	t.Helper()
	kept(t, before, scrape(t, e))
	s := scrape(t, e)
	for range 5 {
		if !want.starved(s) {
			break
		}
		s = scrape(t, e)
	}
	kept(t, before, s)
	if want.maybe != "" && s[name("member_reachable", want.maybe)] == 0 {
		want.reachable--
		want.margin--
	}
	for metric, v := range map[string]float64{
		"raft_voters": want.voters, "raft_voters_reachable": want.reachable, "raft_quorum": want.quorum, "raft_margin": want.margin, "raft_learners": want.learners,
	} {
		if got := s.of(t, metric); got != v {
			t.Errorf("%s is %v, want %v", metric, got, v)
		}
	}
	for _, m := range want.down {
		if s.of(t, "raft_member_reachable", m) != 0 || s.of(t, "member_reachable", m) != 0 || s.of(t, "sync_up", m) != 0 || s.of(t, "sync_running", m) != 0 || s.of(t, "raft_leader", m) != 0 {
			t.Errorf("%s is told to be there", m)
		}
		unmeasured(t, s, m)
	}
	for _, m := range want.refused {
		if s.of(t, "raft_canary_success", m) != 0 {
			t.Errorf("a write through %s is told to succeed", m)
		}
	}
	if v := s[`fettle_collector_success{collector="raft"}`]; v != 1 {
		t.Errorf("collector success %v", v)
	}
	return s
}

// starved tells that a member that should answer did not come to it in time, as on a
// machine that is busy with other things: that scrape shows nothing.
func (want truth) starved(s series) bool {
	for name, v := range s {
		if v != 1 || !strings.HasPrefix(name, "fettle_member_failure{") || !strings.Contains(name, `reason="timeout"`) {
			continue
		}
		if !slices.ContainsFunc(want.down, func(m string) bool { return strings.Contains(name, `member="`+m+`"`) }) {
			return true
		}
	}
	return false
}

// One cluster goes through all that can go wrong with its members.
func TestMatrix(t *testing.T) {
	names := []string{"m1", "m2", "m3"}
	c := etcds(t, etcdproc.Options{Relays: true, Args: []string{"--strict-reconfig-check=false"}}, names...)
	e, _ := watch(t, withCanary(c))
	before := inOrder(t, e, names...)
	back := func(t *testing.T) {
		t.Helper()
		before = inOrder(t, e, names...)
	}

	t.Run("healthy", func(t *testing.T) {
		s := truth{voters: 3, reachable: 3, quorum: 2, margin: 1}.holds(t, e, before)
		leaderOf(t, s, names...)
		for _, m := range names {
			for _, metric := range []string{
				"raft_term", "raft_commit_index", "raft_applied_index", "raft_apply_gap", "raft_db_size_bytes", "raft_db_in_use_bytes", "raft_db_quota_bytes",
				"raft_leader_changes_total", "raft_fsync_seconds_total", "raft_fsyncs_total", "raft_fsyncs_slow_total", "raft_commit_seconds_total", "raft_commits_total",
				"raft_commits_slow_total", "raft_proposals_pending", "raft_slow_applies_total", "raft_defrag_running", "raft_snapshots_total", "raft_canary_duration_seconds",
				"raft_vantage_disagreement", "raft_member_listed", "sync_lag_entries", "raft_start_time_seconds",
			} {
				s.of(t, metric, m)
			}
			if s.of(t, "raft_vantage_peers", m) != 2 || s.of(t, "raft_vantage_disagreement", m) != 0 || s.of(t, "raft_fsyncs_total", m) == 0 {
				t.Errorf("%s: %v", m, s)
			}
		}
		if v, ok := s[`fettle_raft_peer_connected{cluster="c",member="m1",peer="m2"}`]; !ok || v != 1 {
			t.Errorf("m1 and m2 connected: %v, %v", v, ok)
		}
	})
	t.Run("the canary leaves nothing behind", func(t *testing.T) {
		cc := client(t, c, "m1")
		rev, keys := revision(t, cc)
		index := scrape(t, e).of(t, "raft_commit_index", "m1")
		var later float64
		for range 3 { // one scrape may see its own writes, or not yet those of the one before
			later = scrape(t, e).of(t, "raft_commit_index", "m1")
		}
		if now, n := revision(t, cc); now != rev || n != keys {
			t.Errorf("revision %d with %d keys became %d with %d", rev, keys, now, n)
		}
		if later < index+3 {
			t.Errorf("commit index went from %v to %v: three voters wrote", index, later)
		}
	})
	t.Run("member killed", func(t *testing.T) {
		_, followers := leaderOf(t, before, names...)
		dead := followers[0]
		must(t, c.Kill(dead))
		truth{voters: 3, reachable: 2, quorum: 2, margin: 0, down: []string{dead}, refused: []string{dead}}.holds(t, e, before)
		s := await(t, e, "the peers to lose it, and writes through the others", func(s series) bool {
			return s[name("raft_vantage_peers_connected", dead)] == 0 && s[name("raft_canary_success", followers[1])] == 1
		})
		if s.of(t, "raft_vantage_disagreement", dead) != 0 || s.of(t, "raft_has_leader") != 1 {
			t.Error("all agree that it is gone")
		}
		must(t, c.StartMember(dead))
		back(t)
	})
	t.Run("leader stopped", func(t *testing.T) {
		leader, followers := leaderOf(t, before, names...)
		must(t, c.Hang(patience(t), leader))
		truth{voters: 3, reachable: 2, quorum: 2, margin: 0, down: []string{leader}, refused: []string{leader}}.holds(t, e, before)
		s := await(t, e, "another leader, and writes", func(s series) bool {
			return s[name("raft_has_leader")] == 1 && s[name("raft_leader", leader)] == 0 && s[name("raft_canary_success", followers[0])] == 1
		})
		unmeasured(t, s, leader)
		must(t, c.Signal(leader, syscall.SIGCONT))
		back(t)
	})
	t.Run("leader partitioned", func(t *testing.T) {
		leader, followers := leaderOf(t, before, names...)
		must(t, c.Cut(patience(t), leader))
		// It answers its clients, and may still say that it leads: writes say what is true.
		truth{voters: 3, reachable: 3, quorum: 2, margin: 1, refused: []string{leader}}.holds(t, e, before)
		s := await(t, e, "another leader, and writes through its followers", func(s series) bool {
			return s[name("raft_has_leader")] == 1 && s[name("raft_leader", leader)] == 0 &&
				s[name("raft_canary_success", followers[0])] == 1 && s[name("raft_canary_success", followers[1])] == 1 &&
				s[name("raft_vantage_peers_connected", leader)] == 0
		})
		if s.of(t, "raft_leaders_seen") != 1 || s.of(t, "sync_running", leader) != 0 || s.of(t, "sync_up", leader) != 1 || s.of(t, "raft_canary_success", leader) != 0 {
			t.Errorf("the cut-off leader: %v", s)
		}
		if s.of(t, "raft_vantage_disagreement", leader) != 1 {
			t.Error("it answers this exporter and none of its peers: they disagree")
		}
		c.Heal(leader)
		back(t)
	})
	t.Run("follower partitioned", func(t *testing.T) {
		leader, followers := leaderOf(t, before, names...)
		cut := followers[0]
		must(t, c.Cut(patience(t), cut))
		truth{voters: 3, reachable: 3, quorum: 2, margin: 1, refused: []string{cut}}.holds(t, e, before)
		s := await(t, e, "that the follower is left behind", func(s series) bool {
			return s[name("sync_running", cut)] == 0 && s[name("sync_lag_entries", cut)] > 0 && s[name("raft_vantage_peers_connected", cut)] == 0 &&
				s[name("raft_canary_success", leader)] == 1 && s[name("raft_canary_success", followers[1])] == 1
		})
		if s.of(t, "raft_leader", leader) != 1 || s.of(t, "raft_has_leader") != 1 || s.of(t, "sync_up", cut) != 1 || s.of(t, "sync_running", followers[1]) != 1 || s.of(t, "raft_canary_success", cut) != 0 {
			t.Errorf("a follower that is cut off: %v", s)
		}
		if s.of(t, "raft_vantage_disagreement", cut) != 1 {
			t.Error("it answers this exporter and none of its peers: they disagree")
		}
		c.Heal(cut)
		back(t)
	})
	t.Run("no quorum", func(t *testing.T) {
		leader, followers := leaderOf(t, before, names...)
		must(t, c.Kill(leader))
		must(t, c.Kill(followers[0]))
		s := truth{voters: 3, reachable: 1, quorum: 2, margin: -1, down: []string{leader, followers[0]}, refused: names}.holds(t, e, before)
		if s.of(t, "raft_has_leader") != 0 {
			t.Error("a leader without a quorum")
		}
		must(t, c.StartMember(leader))
		must(t, c.StartMember(followers[0]))
		back(t)
	})
	t.Run("members that the inventory lacks", func(t *testing.T) {
		inventory := withCanary(c)
		inventory.Members = inventory.Members[:2]
		fewer, _ := watch(t, inventory)
		first := scrape(t, fewer)
		s := truth{voters: 3, reachable: 2, quorum: 2, margin: 0}.holds(t, fewer, first)
		if s.of(t, "raft_members_unlisted") != 1 {
			t.Errorf("unlisted: %v", s)
		}
	})
	memberships(t, c, e, names, func() series { return before })
}

// memberships: learners, members added and removed, and views of them that differ.
func memberships(t *testing.T, c *etcdproc.Cluster, e *exporter.Exporter, names []string, before func() series) {
	t.Helper()
	leader, followers := leaderOf(t, before(), names...)
	cut := followers[0]
	spec, err := etcdproc.Join(scratch(t), "m4", c.Specs(), etcdproc.Options{Relays: true})
	must(t, err)
	members := pb.NewClusterClient(client(t, c, leader))

	t.Run("membership views differ", func(t *testing.T) {
		must(t, c.Cut(patience(t), cut))
		_, err := members.MemberAdd(patience(t), &pb.MemberAddRequest{PeerURLs: []string{spec.Peer}, IsLearner: true})
		must(t, err)
		s := truth{voters: 3, reachable: 3, quorum: 2, margin: 1, learners: 1, refused: []string{cut}}.holds(t, e, before())
		if s.of(t, "raft_membership_mismatch") != 1 || s.of(t, "raft_members_unlisted") != 1 {
			t.Errorf("two memberships: %v", s)
		}
		c.Heal(cut)
		await(t, e, "one membership", func(s series) bool { return s[name("raft_membership_mismatch")] == 0 })
	})
	c.Add(spec)
	with, _ := watch(t, withCanary(c))
	inOrder(t, e, names...)

	t.Run("learner cut off, learner down", func(t *testing.T) {
		first := scrape(t, with) // it was never started
		truth{voters: 3, reachable: 3, quorum: 2, margin: 1, learners: 1, down: []string{"m4"}}.holds(t, with, first)
		must(t, c.StartMember("m4"))
		s := await(t, with, "the learner has caught up", func(s series) bool {
			lag, ok := s[name("sync_lag_entries", "m4")]
			return ok && lag < 20 && s[name("sync_running", "m4")] == 1 && s[name("raft_learner", "m4")] == 1
		})
		if _, ok := s[name("raft_canary_success", "m4")]; ok {
			t.Error("a write was sent to a learner")
		}
		// Cut off, it elects nobody and names its leader for ever: it does not follow all the same.
		must(t, c.Cut(patience(t), "m4"))
		s = await(t, with, "that the learner is left behind", func(s series) bool {
			return s[name("sync_running", "m4")] == 0 && s[name("sync_up", "m4")] == 1 && s[name("sync_lag_entries", "m4")] > 10 && s[name("raft_vantage_peers_connected", "m4")] == 0
		})
		if s.of(t, "raft_margin") != 1 || s.of(t, "raft_vantage_disagreement", "m4") != 1 {
			t.Errorf("a learner that is cut off: %v", s)
		}
		c.Heal("m4")
		s = await(t, with, "the learner has caught up again", func(s series) bool {
			lag, ok := s[name("sync_lag_entries", "m4")]
			return ok && lag < 20 && s[name("sync_running", "m4")] == 1
		})
		must(t, c.Kill("m4"))
		truth{voters: 3, reachable: 3, quorum: 2, margin: 1, learners: 1, down: []string{"m4"}}.holds(t, with, s)
	})
	t.Run("member removed", func(t *testing.T) {
		list, err := members.MemberList(patience(t), &pb.MemberListRequest{})
		must(t, err)
		i := slices.IndexFunc(list.GetMembers(), func(m *pb.Member) bool { return slices.Contains(m.GetPeerURLs(), spec.Peer) })
		_, err = members.MemberRemove(patience(t), &pb.MemberRemoveRequest{ID: list.GetMembers()[i].GetID()})
		must(t, err)
		first := await(t, with, "that it is gone from the membership", func(s series) bool {
			v, ok := s[name("raft_member_listed", "m4")]
			return ok && v == 0
		})
		truth{voters: 3, reachable: 3, quorum: 2, margin: 1, down: []string{"m4"}}.holds(t, with, first)
	})
}

func TestNoSpace(t *testing.T) {
	c := etcds(t, etcdproc.Options{Quota: 128 << 10}, "m1")
	e, _ := watch(t, withCanary(c))
	before := inOrder(t, e, "m1")
	kv, value := pb.NewKVClient(client(t, c, "m1")), make([]byte, 16<<10)
	await(t, e, "the alarm", func(s series) bool {
		_, _ = kv.Put(patience(t), &pb.PutRequest{Key: []byte("k"), Value: value}) // is refused in the end
		return s[`fettle_raft_alarm{alarm="NOSPACE",cluster="c",member="m1"}`] == 1
	})
	s := truth{voters: 1, reachable: 1, quorum: 1, margin: 0, refused: []string{"m1"}}.holds(t, e, before)
	if s[`fettle_raft_canary_failure{cluster="c",member="m1",reason="no_space"}`] != 1 || s.of(t, "raft_has_leader") != 1 || s.of(t, "sync_running", "m1") != 1 {
		t.Errorf("a full database: %v", s)
	}
	if quota := s.of(t, "raft_db_quota_bytes", "m1"); quota != 128<<10 {
		t.Errorf("quota %v", quota)
	}
}
