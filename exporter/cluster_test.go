package exporter

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fettle-io/fettle/cluster"
)

// member is a voter that answers, in term 5, has applied 100 and names leader.
func member(name, leader string) cluster.MemberView {
	return cluster.MemberView{
		Name: name, ID: "id-" + name, Reachable: true, Leader: leader, Term: 5, Commit: 100, Applied: 100,
		DBSize: 2000, DBInUse: 1000, DBQuota: 8000, AlarmsRead: true,
	}
}

func down(name string) cluster.MemberView {
	return cluster.MemberView{Name: name, ID: "id-" + name, Error: "refused"}
}

func view(members ...cluster.MemberView) cluster.View {
	return cluster.View{Cluster: "c", Members: members}
}

func with(m cluster.MemberView, change func(*cluster.MemberView)) cluster.MemberView {
	change(&m)
	return m
}

func TestRaft(t *testing.T) {
	lead := "id-m1"
	unread := perMember("page_read", 0, 0, 0) + perMember("vantage_peers", 0, 0, 0) + perMember("vantage_peers_connected", 0, 0, 0)
	for _, tc := range []struct {
		name    string
		view    cluster.View
		metrics []string
		want    string
	}{
		{
			name: "healthy",
			view: view(member("m1", lead), with(member("m2", lead), func(m *cluster.MemberView) { m.Applied = 99 }), member("m3", lead)),
			want: state(3, 3, 2, 1, 0, 1, 1) + perMember("member_reachable", 1, 1, 1) + perMember("leader", 1, 0, 0) +
				perMember("term", 5, 5, 5) + perMember("commit_index", 100, 100, 100) + perMember("applied_index", 100, 99, 100) +
				perMember("learner", 0, 0, 0) + perMember("db_size_bytes", 2000, 2000, 2000) + perMember("db_in_use_bytes", 1000, 1000, 1000) +
				perMember("db_quota_bytes", 8000, 8000, 8000) + alarms(0, 0, 0, 0, 0, 0) + perMember("apply_gap", 0, 1, 0) + unread,
		},
		{
			name: "one down",
			view: view(member("m1", lead), member("m2", lead), with(down("m3"), func(m *cluster.MemberView) { m.AlarmsRead = true })),
			want: state(3, 2, 2, 0, 0, 1, 1) + perMember("member_reachable", 1, 1, 0) + perMember("leader", 1, 0, 0) +
				perMember("term", 5, 5) + perMember("commit_index", 100, 100) + perMember("applied_index", 100, 100) +
				perMember("learner", 0, 0) + perMember("db_size_bytes", 2000, 2000) + perMember("db_in_use_bytes", 1000, 1000) +
				perMember("db_quota_bytes", 8000, 8000) + alarms(0, 0, 0, 0, 0, 0) + perMember("apply_gap", 0, 0) + unread,
		},
		{
			name:    "quorum lost",
			view:    view(member("m1", ""), down("m2"), down("m3")),
			metrics: []string{"voters", "voters_reachable", "quorum", "margin", "learners", "has_leader", "leaders_seen", "leader", "member_reachable", "term"},
			want: state(3, 1, 2, -1, 0, 0, 0) + perMember("member_reachable", 1, 0, 0) + perMember("leader", 0, 0, 0) +
				perMember("term", 5),
		},
		{
			name: "nobody answers: state and nothing else",
			view: view(down("m1"), down("m2"), down("m3")),
			want: state(3, 0, 2, -2, 0, 0, 0) + perMember("member_reachable", 0, 0, 0) + perMember("leader", 0, 0, 0) + unread,
		},
		{
			name:    "learner",
			view:    view(member("m1", lead), member("m2", lead), with(member("m3", lead), func(m *cluster.MemberView) { m.Learner = true })),
			metrics: []string{"voters", "voters_reachable", "quorum", "margin", "learners", "has_leader", "leaders_seen", "learner"},
			want:    state(2, 2, 2, 0, 1, 1, 1) + perMember("learner", 0, 0, 1),
		},
		{
			name: "members and a learner that the inventory does not name",
			view: func() cluster.View {
				v := view(member("m1", lead), member("m2", lead), member("m3", lead))
				v.Unlisted, v.UnlistedLearners = []string{"x", "y"}, 1
				return v
			}(),
			metrics: []string{"voters", "voters_reachable", "quorum", "margin", "learners", "has_leader", "leaders_seen"},
			want:    state(4, 3, 3, 0, 1, 1, 1),
		},
		{
			name:    "a cut-off old leader",
			view:    view(with(member("m1", lead), func(m *cluster.MemberView) { m.Term = 4 }), member("m2", "id-m2"), member("m3", "id-m2")),
			metrics: []string{"has_leader", "leaders_seen", "leader", "term"},
			want:    perCluster("has_leader", 1) + perCluster("leaders_seen", 1) + perMember("leader", 0, 1, 0) + perMember("term", 4, 5, 5),
		},
		{
			name:    "a leader only the minority names",
			view:    view(member("m1", lead), with(member("m2", ""), func(m *cluster.MemberView) { m.Term = 6 }), down("m3")),
			metrics: []string{"has_leader", "leaders_seen", "leader"},
			want:    perCluster("has_leader", 0) + perCluster("leaders_seen", 1) + perMember("leader", 0, 0, 0),
		},
		{
			name: "NOSPACE, raised by one that is down",
			view: view(member("m1", lead), member("m2", lead),
				with(down("m3"), func(m *cluster.MemberView) { m.Alarms, m.AlarmsRead = []string{"NOSPACE"}, true })),
			metrics: []string{"alarm"},
			want:    alarms(0, 0, 0, 0, 1, 0),
		},
		{
			name:    "sizes that etcd before 3.6 does not tell",
			view:    view(with(member("m1", lead), func(m *cluster.MemberView) { m.DBQuota = 0 }), member("m2", lead), member("m3", lead)),
			metrics: []string{"db_quota_bytes"},
			want: `fettle_raft_db_quota_bytes{cluster="c",member="m2"} 8000
fettle_raft_db_quota_bytes{cluster="c",member="m3"} 8000
`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) { expect(t, newRaft(Host{}), "fettle_raft_", tc.view, tc.want, tc.metrics) })
	}
}

func TestSync(t *testing.T) {
	lead := "id-m1"
	for _, tc := range []struct {
		name string
		view cluster.View
		want string
	}{
		{
			name: "healthy, one behind and one asked late",
			view: view(member("m1", lead), with(member("m2", lead), func(m *cluster.MemberView) { m.Applied = 58 }),
				with(member("m3", lead), func(m *cluster.MemberView) { m.Applied = 107 })),
			want: syncOf("up", 1, 1, 1) + syncOf("primary", 1, 0, 0) + syncOf("running", 1, 1, 1) + syncOf("lag_entries", 0, 42, 0),
		},
		{
			name: "one down",
			view: view(member("m1", lead), member("m2", lead), down("m3")),
			want: syncOf("up", 1, 1, 0) + syncOf("primary", 1, 0, 0) + syncOf("running", 1, 1, 0) + syncOf("lag_entries", 0, 0),
		},
		{
			name: "the leader cannot be asked: its commit index is not known",
			view: view(down("m1"), member("m2", lead), member("m3", lead)),
			want: syncOf("up", 0, 1, 1) + syncOf("primary", 1, 0, 0) + syncOf("running", 0, 1, 1),
		},
		{
			name: "quorum lost",
			view: view(member("m1", ""), down("m2"), down("m3")),
			want: syncOf("up", 1, 0, 0) + syncOf("primary", 0, 0, 0) + syncOf("running", 0, 0, 0),
		},
		{
			name: "a learner syncs as well",
			view: view(member("m1", lead), member("m2", lead), with(member("m3", lead), func(m *cluster.MemberView) { m.Learner, m.Applied = true, 10 })),
			want: syncOf("up", 1, 1, 1) + syncOf("primary", 1, 0, 0) + syncOf("running", 1, 1, 1) + syncOf("lag_entries", 0, 0, 90),
		},
		{
			name: "a cut-off old leader does not follow the new one",
			view: view(with(member("m1", lead), func(m *cluster.MemberView) { m.Term, m.Applied, m.Commit = 4, 60, 60 }),
				member("m2", "id-m2"), member("m3", "id-m2")),
			want: syncOf("up", 1, 1, 1) + syncOf("primary", 0, 1, 0) + syncOf("running", 0, 1, 1) + syncOf("lag_entries", 40, 0, 0),
		},
		{
			name: "CORRUPT stops applying, NOSPACE does not",
			view: view(member("m1", lead), with(member("m2", lead), func(m *cluster.MemberView) { m.Alarms = []string{"CORRUPT"} }),
				with(member("m3", lead), func(m *cluster.MemberView) { m.Alarms = []string{"NOSPACE"} })),
			want: syncOf("up", 1, 1, 1) + syncOf("primary", 1, 0, 0) + syncOf("running", 1, 0, 1) + syncOf("lag_entries", 0, 0, 0),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.view.Follow() // as the driver does
			expect(t, newSync(Host{}), "fettle_sync_", tc.view, tc.want, nil)
		})
	}
}

// expect compares what c makes of v with want, the samples without the HELP and
// TYPE lines: all of them, or those of the named metrics.
func expect(t *testing.T, c Collector, prefix string, v cluster.View, want string, metrics []string) {
	t.Helper()
	r := readOnce(t, c, v)
	if r.err != nil {
		t.Fatal(r.err)
	}
	var text strings.Builder
	for _, m := range c.Metrics() {
		if strings.Contains("\n"+want, "\n"+m.Name+"{") {
			text.WriteString("# HELP " + m.Name + " " + m.Help + "\n# TYPE " + m.Name + " gauge\n")
			for line := range strings.Lines(want) {
				if strings.HasPrefix(line, m.Name+"{") {
					text.WriteString(line)
				}
			}
		}
	}
	var full []string // nil: all of them; empty would be none
	for _, m := range metrics {
		full = append(full, prefix+m)
	}
	if err := testutil.GatherAndCompare(registryOf(t, c, r), strings.NewReader(text.String()), full...); err != nil {
		t.Error(err)
	}
}
