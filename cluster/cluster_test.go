package cluster_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

var inventory = cluster.Inventory{Clusters: []cluster.Cluster{
	{Name: "a", Kind: cluster.KindEtcd, Members: []cluster.Member{
		{Name: "m1", Host: "h1", Unit: "etcd.service"}, {Name: "m2", Host: "h2", Unit: "etcd.service"},
	}},
	{Name: "b", Kind: cluster.KindEtcd, Members: []cluster.Member{
		{Name: "m1", Host: "h1", Unit: "etcd-b.service"}, {Name: "m2", Host: "h3"},
	}},
	{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{
		{Name: "w1", Host: "h1", Unit: "web.service"}, {Name: "w2", Host: "h2", Unit: "web.service"},
		{Name: "e1", Host: "h1", Unit: "etcd.service"}, {Name: "own", Host: "h2"},
	}},
}}

func TestResolve(t *testing.T) {
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name            string
		kind            cluster.Kind
		cluster, member string
		want            string // target, or part of the error
		err             bool
	}{
		{"found", cluster.KindEtcd, "b", "m1", "b/m1", false},
		{"a service", cluster.KindService, "web", "w2", "web/w2", false},
		{"no such cluster", cluster.KindEtcd, "c", "m1", `no cluster "c"`, true},
		{"no such member", cluster.KindEtcd, "a", "m3", `cluster "a" has no member "m3"`, true},
		{"another kind", cluster.KindEtcd, "web", "w1", "kind", true},
		{"no labels", cluster.KindEtcd, "", "", `no cluster ""`, true},
		{"case counts", cluster.KindEtcd, "A", "m1", `no cluster "A"`, true},
		{"a path", cluster.KindEtcd, "a/m1", "", "no cluster", true},
		{"control characters", cluster.KindEtcd, "a", "m1\n\x00", `\n\x00`, true},
		{"a template", cluster.KindEtcd, "{{ .x }}", "$(id)", "no cluster", true},
		{"a long cluster", cluster.KindEtcd, long, "m1", "…", true},
		{"a long member", cluster.KindEtcd, "a", long, "…", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			target, err := inventory.Resolve(tc.kind, tc.cluster, tc.member)
			if !tc.err {
				if err != nil || target.String() != tc.want {
					t.Errorf("%s, %v; want %s", target, err, tc.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q in it", err, tc.want)
			}
			if len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("labels are repeated raw: %q", err)
			}
			if target.Member.Name != "" || target.Cluster.Name != "" {
				t.Errorf("a target beside the error: %s", target)
			}
		})
	}
}

func TestResources(t *testing.T) {
	tests := []struct {
		name            string
		cluster, member string
		disturbs        cluster.Disturbs
		want            []string
	}{
		{"a member's unit disturbs its cluster, and who else runs in it", "a", "m1", cluster.DisturbsUnit,
			[]string{"cluster/a", "unit/h1/e1/etcd.service"}},
		{"the same from the other side", "web", "e1", cluster.DisturbsUnit,
			[]string{"cluster/a", "unit/h1/e1/etcd.service"}},
		{"the same unit on another host is another one", "a", "m2", cluster.DisturbsUnit, []string{"cluster/a"}},
		{"a service alone", "web", "w1", cluster.DisturbsUnit, []string{"unit/h1/w1/web.service"}},
		{"without a unit", "web", "own", cluster.DisturbsUnit, []string{"unit/h2/own/"}},
		{"no unit is not everyone's unit", "b", "m2", cluster.DisturbsUnit, []string{"cluster/b"}},
		{"a cluster", "a", "m1", cluster.DisturbsCluster, []string{"cluster/a"}},
		{"a host: every cluster and service on it", "web", "w1", cluster.DisturbsHost,
			[]string{"cluster/a", "cluster/b", "host/h1", "unit/h1/e1/etcd.service", "unit/h1/w1/web.service"}},
		{"a host with one member", "b", "m2", cluster.DisturbsHost, []string{"cluster/b", "host/h3"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := inventory.Cluster(tc.cluster)
			target, err := inventory.Resolve(c.Kind, tc.cluster, tc.member)
			if err != nil {
				t.Fatal(err)
			}
			if got := inventory.Resources(target, tc.disturbs); !slices.Equal(got, tc.want) {
				t.Errorf("got  %v\nwant %v", got, tc.want)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	a, _ := inventory.Cluster("a")
	same, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var read cluster.Cluster
	if err := json.Unmarshal(same, &read); err != nil {
		t.Fatal(err)
	}
	if len(a.Digest()) != 64 || a.Digest() != read.Digest() {
		t.Errorf("digest %s, read back %s", a.Digest(), read.Digest())
	}
	read.Members[0].DataDir = "/elsewhere"
	if a.Digest() == read.Digest() {
		t.Error("a changed entry has the same digest")
	}
}

func TestCommandsDeclared(t *testing.T) {
	if (cluster.Commands{Start: []string{"x"}}).Declared() {
		t.Error("declared without a status command")
	}
	if !(cluster.Commands{Status: []string{"x"}}).Declared() {
		t.Error("a status command does not count")
	}
}
