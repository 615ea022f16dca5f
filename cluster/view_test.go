package cluster_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// saw is a member that answers: its ID, whom it names, in which term.
func saw(id, leader string, term uint64) cluster.MemberView {
	return cluster.MemberView{Name: "m" + id, ID: id, Reachable: true, Leader: leader, Term: term}
}

func gone(id string) cluster.MemberView {
	return cluster.MemberView{Name: "m" + id, ID: id, Error: "refused"}
}

func learner(m cluster.MemberView) cluster.MemberView {
	m.Learner = true
	return m
}

func outside(m cluster.MemberView) cluster.MemberView {
	m.Outside = true
	return m
}

func TestView(t *testing.T) {
	tests := []struct {
		name            string
		members         []cluster.MemberView
		unlisted        []string
		unlistedLearner int

		voters, reachable, quorum, margin, leaders int
		leader                                     string
	}{
		{name: "nothing", quorum: 1, margin: -1},
		{name: "one", members: []cluster.MemberView{saw("1", "1", 1)},
			voters: 1, reachable: 1, quorum: 1, margin: 0, leaders: 1, leader: "m1"},
		{name: "three, healthy", members: []cluster.MemberView{saw("1", "2", 3), saw("2", "2", 3), saw("3", "2", 3)},
			voters: 3, reachable: 3, quorum: 2, margin: 1, leaders: 1, leader: "m2"},
		{name: "one of three down", members: []cluster.MemberView{saw("1", "2", 3), saw("2", "2", 3), gone("3")},
			voters: 3, reachable: 2, quorum: 2, margin: 0, leaders: 1, leader: "m2"},
		{name: "quorum lost, and the leader", members: []cluster.MemberView{saw("1", "", 3), gone("2"), gone("3")},
			voters: 3, reachable: 1, quorum: 2, margin: -1},
		{name: "quorum lost, not noticed yet", members: []cluster.MemberView{saw("1", "1", 3), gone("2"), gone("3")},
			voters: 3, reachable: 1, quorum: 2, margin: -1, leaders: 1},
		{name: "all down", members: []cluster.MemberView{gone("1"), gone("2"), gone("3")},
			voters: 3, quorum: 2, margin: -2},
		{name: "a leader that others name, itself not reachable", members: []cluster.MemberView{saw("1", "3", 3), saw("2", "3", 3), gone("3")},
			voters: 3, reachable: 2, quorum: 2, margin: 0, leaders: 1, leader: "m3"},
		{name: "a cut-off old leader does not count", members: []cluster.MemberView{saw("1", "1", 3), saw("2", "3", 4), saw("3", "3", 4)},
			voters: 3, reachable: 3, quorum: 2, margin: 1, leaders: 1, leader: "m3"},
		{name: "a cut-off follower whose term has run ahead", members: []cluster.MemberView{saw("1", "", 9), saw("2", "2", 3), saw("3", "2", 3)},
			voters: 3, reachable: 3, quorum: 2, margin: 1, leaders: 1, leader: "m2"},
		{name: "a leader that others still name has stepped down", members: []cluster.MemberView{saw("1", "2", 3), saw("2", "", 3), saw("3", "2", 3)},
			voters: 3, reachable: 3, quorum: 2, margin: 1, leaders: 1},
		{name: "one that the membership does not name neither votes nor elects", members: []cluster.MemberView{saw("1", "1", 3), gone("2"), outside(saw("3", "1", 3)), outside(gone("4"))},
			voters: 2, reachable: 1, quorum: 2, margin: -1, leaders: 1},
		{name: "two leaders in one term, which Raft rules out", members: []cluster.MemberView{saw("1", "1", 3), saw("2", "2", 3), saw("3", "", 3)},
			voters: 3, reachable: 3, quorum: 2, margin: 1, leaders: 2},
		{name: "four tolerate one", members: []cluster.MemberView{saw("1", "1", 3), saw("2", "1", 3), saw("3", "1", 3), gone("4")},
			voters: 4, reachable: 3, quorum: 3, margin: 0, leaders: 1, leader: "m1"},
		{name: "learners neither vote nor elect", members: []cluster.MemberView{saw("1", "1", 3), gone("2"), learner(saw("3", "1", 3)), learner(gone("4"))},
			voters: 2, reachable: 1, quorum: 2, margin: -1, leaders: 1},
		{name: "an unlisted voter counts as one that cannot be reached", members: []cluster.MemberView{saw("1", "1", 3), saw("2", "1", 3)}, unlisted: []string{"m3"},
			voters: 3, reachable: 2, quorum: 2, margin: 0, leaders: 1, leader: "m1"},
		{name: "an unlisted learner does not", members: []cluster.MemberView{saw("1", "1", 3), saw("2", "1", 3)}, unlisted: []string{"m3"}, unlistedLearner: 1,
			voters: 2, reachable: 2, quorum: 2, margin: 0, leaders: 1, leader: "m1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			v := cluster.View{Members: tc.members, Unlisted: tc.unlisted, UnlistedLearners: tc.unlistedLearner}
			for what, n := range map[string][2]int{
				"voters":           {v.Voters(), tc.voters},
				"voters reachable": {v.VotersReachable(), tc.reachable},
				"quorum":           {v.Quorum(), tc.quorum},
				"margin":           {v.Margin(), tc.margin},
				"leaders seen":     {v.LeadersSeen(), tc.leaders},
			} {
				if n[0] != n[1] {
					t.Errorf("%s: %d, want %d", what, n[0], n[1])
				}
			}
			leader, ok := v.Leader()
			if leader.Name != tc.leader || ok != (tc.leader != "") {
				t.Errorf("leader %q, %v; want %q", leader.Name, ok, tc.leader)
			}
		})
	}
}

func TestViewMember(t *testing.T) {
	v := cluster.View{Members: []cluster.MemberView{saw("1", "1", 3), gone("2")}}
	if m, ok := v.Member("m2"); !ok || m.Error != "refused" {
		t.Errorf("%+v, %v", m, ok)
	}
	if m, ok := v.Member("m3"); ok || m.Name != "" {
		t.Errorf("%+v, %v", m, ok)
	}
}

func TestServiceGone(t *testing.T) {
	for state, want := range map[cluster.ServiceState]bool{
		cluster.ServiceDead: true, cluster.ServiceStopped: true, cluster.ServiceAutoRestart: true,
		cluster.ServiceRunning: false, cluster.ServiceStarting: false, cluster.ServiceStopping: false,
		cluster.ServiceUnknown: false, "": false,
	} {
		if got := (cluster.Service{State: state}).Gone(); got != want {
			t.Errorf("%q: %v, want %v", state, got, want)
		}
	}
}
