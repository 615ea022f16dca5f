package cluster_test

import (
	"slices"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestTargets(t *testing.T) {
	unit := func(name, host, unit string) cluster.Member {
		return cluster.Member{Name: name, Host: host, Unit: unit}
	}
	etcd := cluster.Cluster{Name: "etcd", Kind: cluster.KindEtcd, Members: []cluster.Member{unit("m1", "h1", "etcd.service"), unit("m2", "h2", "etcd.service")}}
	web := cluster.Cluster{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{unit("a", "h1", "web.service"), unit("b", "h2", "web.service"), unit("c", "h1", "web.service")}}
	index := cluster.Inventory{Clusters: []cluster.Cluster{etcd, web}}.Index()
	for _, tc := range []struct {
		target   cluster.Target
		disturbs cluster.Disturbs
		want     []string
	}{
		{cluster.Target{Cluster: etcd, Member: etcd.Members[0]}, cluster.DisturbsUnit, []string{"etcd/m1"}},
		{cluster.Target{Cluster: etcd, Member: etcd.Members[0]}, cluster.DisturbsCluster, []string{"etcd/m1"}},
		{cluster.Target{Cluster: etcd, Member: etcd.Members[0]}, cluster.DisturbsHost, []string{"etcd/m1", "web/a", "web/c"}},
		{cluster.Target{Cluster: web, Member: web.Members[0]}, cluster.DisturbsUnit, []string{"web/a", "web/c"}},
		{cluster.Target{Cluster: web, Member: web.Members[1]}, cluster.DisturbsCluster, []string{"web/a", "web/b", "web/c"}},
	} {
		if got := index.Targets(tc.target, tc.disturbs); !slices.Equal(got, tc.want) {
			t.Errorf("%s disturbs %s: %v, want %v", tc.target, tc.disturbs, got, tc.want)
		}
	}
}
