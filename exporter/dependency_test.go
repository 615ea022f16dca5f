package exporter

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestDependency(t *testing.T) {
	h := Host{}
	h.Declared.Clusters = []cluster.Cluster{
		{Name: "shop", Kind: cluster.KindHAProxy, DependsOn: []string{"db", "cache"}},
		{Name: "db", Kind: cluster.KindPostgres, DependsOn: []string{"unseen"}},
		{Name: "cache", Kind: cluster.KindRedis},
		{Name: "unseen", Kind: cluster.KindService, DependsOn: []string{"dcs"}},
		{Name: "dcs", Kind: cluster.KindEtcd},
		{Name: "alone", Kind: cluster.KindEtcd},
	}
	seen := func(name string, kind cluster.Kind, reachable, running bool) cluster.View {
		return cluster.View{Cluster: name, Kind: kind, Members: []cluster.MemberView{{
			Name: "m", Reachable: reachable, Sync: &cluster.Sync{Role: cluster.Primary, Up: reachable, Running: running},
		}}}
	}
	views := func(db, dcs bool) []cluster.View {
		return []cluster.View{
			{Cluster: "shop", Kind: cluster.KindHAProxy, Members: []cluster.MemberView{{Name: "m", Reachable: true}}},
			seen("db", cluster.KindPostgres, true, db), seen("cache", cluster.KindRedis, true, true),
			seen("dcs", cluster.KindEtcd, dcs, dcs), seen("alone", cluster.KindEtcd, true, true),
		}
	}
	const graph = `
		edge{cluster="shop",on="db"} 1
		edge{cluster="shop",on="cache"} 1
		edge{cluster="db",on="unseen"} 1
		edge{cluster="unseen",on="dcs"} 1
		seen{cluster="shop",on="db"} 1
		seen{cluster="shop",on="cache"} 1
		seen{cluster="db",on="unseen"} 0
		seen{cluster="unseen",on="dcs"} 1
		depth{cluster="shop"} 3
		depth{cluster="db"} 2
		depth{cluster="cache"} 0
		depth{cluster="unseen"} 1
		depth{cluster="dcs"} 0
		in_order{cluster="shop"} 1
		in_order{cluster="cache"} 1
		explained{cluster="shop"} 0
		explained{cluster="cache"} 0
		explained{cluster="dcs"} 0
		ok{cluster="shop",on="cache"} 1
`
	for name, tc := range map[string]struct {
		db, dcs bool
		want    string
	}{
		"all in order": {true, true, `
		ok{cluster="shop",on="db"} 1
		ok{cluster="unseen",on="dcs"} 1
		in_order{cluster="db"} 1
		in_order{cluster="dcs"} 1
		explained{cluster="db"} 0`},
		"trouble of its own": {false, true, `
		ok{cluster="shop",on="db"} 0
		ok{cluster="unseen",on="dcs"} 1
		in_order{cluster="db"} 0
		in_order{cluster="dcs"} 1
		explained{cluster="db"} 0`},
		"trouble from below, over one that nobody sees": {false, false, `
		ok{cluster="shop",on="db"} 0
		ok{cluster="unseen",on="dcs"} 0
		in_order{cluster="db"} 0
		in_order{cluster="dcs"} 0
		explained{cluster="db"} 1`},
		"trouble below that did not reach it": {true, false, `
		ok{cluster="shop",on="db"} 1
		ok{cluster="unseen",on="dcs"} 0
		in_order{cluster="db"} 1
		in_order{cluster="dcs"} 0
		explained{cluster="db"} 0`},
	} {
		t.Run(name, func(t *testing.T) {
			seriesAre(t, gatheredOf(t, newDependency(h), views(tc.db, tc.dcs)...), "fettle_dependency_", graph+tc.want)
		})
	}
}

func TestInOrder(t *testing.T) {
	reachable := cluster.MemberView{Name: "a", Reachable: true}
	replica := cluster.MemberView{Name: "a", Reachable: true, Sync: &cluster.Sync{Role: cluster.Replica, Up: true, Running: true}}
	raft := func(members ...cluster.MemberView) cluster.View {
		v := view(members...)
		v.Kind = cluster.KindEtcd
		v.Follow()
		return v
	}
	lead := "id-m1"
	for name, tc := range map[string]struct {
		view cluster.View
		want bool
	}{
		"a leader":                 {raft(member("m1", lead), member("m2", lead), down("m3")), true},
		"no quorum":                {raft(member("m1", lead), down("m2"), down("m3")), false},
		"nobody could be asked":    {blind(cluster.Cluster{Kind: cluster.KindEtcd, Members: members("a")}), false},
		"a replica alone":          {cluster.View{Kind: cluster.KindPostgres, Members: []cluster.MemberView{replica}}, false},
		"one of a group":           {cluster.View{Kind: cluster.KindNginx, Members: []cluster.MemberView{{Name: "b"}, reachable}}, true},
		"none of a group":          {cluster.View{Kind: cluster.KindNginx, Members: []cluster.MemberView{{Name: "b"}}}, false},
		"an inventory's empty one": {cluster.View{Kind: cluster.KindNginx}, false},
	} {
		if got := inOrder(tc.view); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
