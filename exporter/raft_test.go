package exporter

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// detailed is a member with what only etcd has to say.
func detailed(name string, detail etcd.Member) cluster.MemberView {
	m := member(name, "id-m1")
	m.Detail = &detail
	return m
}

func TestRaftPage(t *testing.T) {
	page := &etcd.Page{
		Values: map[string]float64{
			"etcd_server_leader_changes_seen_total":           4,
			"etcd_disk_wal_fsync_duration_seconds_sum":        1.5,
			"etcd_disk_wal_fsync_duration_seconds_count":      100,
			"etcd_disk_wal_fsync_duration_seconds_bucket":     97,
			"etcd_disk_backend_commit_duration_seconds_sum":   2.5, // without its bucket: how many were slow is not known
			"etcd_disk_backend_commit_duration_seconds_count": 50,
		},
		Peers: []etcd.Peer{{Name: "m2", Values: map[string]float64{"etcd_network_active_peers": 1, "etcd_network_peer_round_trip_time_seconds_sum": 0.25}}},
	}
	got := gathered(t, newRaft(Host{}), view(detailed("m1", etcd.Member{Page: page, Seen: 1, Connected: 1, Listed: cluster.Yes}), down("m2")))
	for name, want := range map[string]float64{
		`fettle_raft_page_read{cluster="c",member="m1"}`:                               1,
		`fettle_raft_page_read{cluster="c",member="m2"}`:                               0,
		`fettle_raft_leader_changes_total{cluster="c",member="m1"}`:                    4,
		`fettle_raft_fsync_seconds_total{cluster="c",member="m1"}`:                     1.5,
		`fettle_raft_fsyncs_total{cluster="c",member="m1"}`:                            100,
		`fettle_raft_fsyncs_slow_total{cluster="c",member="m1"}`:                       3,
		`fettle_raft_commits_total{cluster="c",member="m1"}`:                           50,
		`fettle_raft_peer_connected{cluster="c",member="m1",peer="m2"}`:                1,
		`fettle_raft_peer_round_trip_seconds_total{cluster="c",member="m1",peer="m2"}`: 0.25,
		`fettle_raft_member_listed{cluster="c",member="m1"}`:                           1,
		`fettle_raft_vantage_disagreement{cluster="c",member="m1"}`:                    0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, %v; want %v", name, v, ok, want)
		}
	}
	for _, absent := range []string{"commits_slow_total", "proposals_pending", "peer_round_trips_total", `member_listed{cluster="c",member="m2"`, `vantage_disagreement{cluster="c",member="m2"`, "canary"} {
		for name := range got {
			if strings.HasPrefix(name, "fettle_raft_"+absent) {
				t.Errorf("%s is there", name)
			}
		}
	}
}

func TestRaftVantage(t *testing.T) {
	for _, tc := range []struct {
		name            string
		reachable       bool
		seen, connected int
		want            float64
		absent          bool
	}{
		{"all see it", true, 2, 2, 0, false},
		{"only this exporter sees it", true, 2, 0, 1, false},
		{"nobody sees it", false, 2, 0, 0, false},
		{"only a peer sees it", false, 2, 1, 1, false},
		{"no peer can tell", true, 0, 0, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := detailed("m1", etcd.Member{Seen: tc.seen, Connected: tc.connected})
			m.Reachable = tc.reachable
			got := gathered(t, newRaft(Host{}), view(m))
			v, ok := got[`fettle_raft_vantage_disagreement{cluster="c",member="m1"}`]
			if v != tc.want || ok == tc.absent {
				t.Errorf("%v, %v", v, ok)
			}
		})
	}
}

// The canary's state is there for each voter in each scrape, and for no learner.
func TestRaftCanary(t *testing.T) {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Etcd: cluster.Etcd{Canary: cluster.EtcdCanary{Prefix: "/f/"}}}
	v := view(
		detailed("m1", etcd.Member{Canary: &etcd.Canary{Success: true, Took: 250e6}}),
		detailed("m2", etcd.Member{Canary: &etcd.Canary{Reason: "no_space"}}),
		detailed("m3", etcd.Member{}), // a learner
	)
	s := &Scrape{clusters: []*watched{{Source: Source{Cluster: c, Viewer: fixedView(v)}}}}
	got := canaries(t, s)
	for name, want := range map[string]float64{
		"success m1": 1, "success m2": 0, "failure m1 no_space": 0, "failure m2 no_space": 1, "failure m2 timeout": 0, "duration_seconds m1": 0.25,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, %v; want %v", name, v, ok, want)
		}
	}
	for name := range got {
		if strings.Contains(name, "m3") || name == "duration_seconds m2" {
			t.Errorf("%s is there", name)
		}
	}

	// The look does not come back: nothing was seen of anybody.
	c.Members = []cluster.Member{{Name: "m1"}, {Name: "m2"}}
	got = canaries(t, &Scrape{clusters: []*watched{{Source: Source{Cluster: c, Viewer: fixedView(blind(c))}}}})
	if got["success m1"] != 0 || got["failure m2 timeout"] != 1 || len(got) != 2*(1+len(etcd.CanaryReasons())) {
		t.Errorf("%v", slices.Sorted(maps.Keys(got)))
	}
}

// canaries are the canary's samples of a scrape, by "metric member [reason]".
func canaries(t *testing.T, s *Scrape) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all := scrapeOf(ctx, s.clusters, Host{}.logger())
	got := map[string]float64{}
	err := newRaft(Host{}).Collect(ctx, all, func(m *Metric, v float64, labels ...string) {
		if name, ok := strings.CutPrefix(m.Name, "fettle_raft_canary_"); ok {
			got[strings.Join(append([]string{name}, labels[1:]...), " ")] = v
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
