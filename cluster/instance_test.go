package cluster_test

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestAnInstanceIsOneMemberOrRefused(t *testing.T) {
	inv := cluster.Inventory{Clusters: []cluster.Cluster{
		{Name: "main", Kind: cluster.KindEtcd, Members: []cluster.Member{
			{Name: "n1", Host: "h1", Endpoint: "https://10.0.0.1:2379", Peer: "https://10.0.0.1:2380", Metrics: "http://10.0.0.1:2381/metrics"},
			{Name: "n2", Host: "h2", Endpoint: "https://10.0.0.2:2379"},
			{Name: "n6", Host: "h6", Endpoint: "https://[fd00::6]:2379"},
		}},
		{Name: "lab", Kind: cluster.KindEtcd, Members: []cluster.Member{
			{Name: "a", Host: "lab", Endpoint: "http://127.0.0.1:2379"},
			{Name: "b", Host: "lab", Endpoint: "http://127.0.0.1:22379"},
		}},
		{Name: "db", Kind: cluster.KindService, Members: []cluster.Member{
			{Name: "db1", Host: "h1", Unit: "mariadb.service", Metrics: "http://10.0.0.1:9104/metrics"},
			{Name: "db2", Host: "h2", Unit: "mariadb.service", Endpoint: "http://db2.example"},
		}},
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{
			{Name: "w1", Host: "h1", Unit: "nginx.service"},
			{Name: "w3", Host: "h3", Unit: "nginx.service"},
		}},
	}}
	for _, tc := range []struct {
		kind                 cluster.Kind
		instance, unit, want string // want: the target, or what the refusal says
	}{
		{cluster.KindEtcd, "10.0.0.1:2379", "", "main/n1"},
		{cluster.KindEtcd, "10.0.0.1:2381", "", "main/n1"},
		{cluster.KindEtcd, "https://10.0.0.1:2380", "", "main/n1"},
		{cluster.KindEtcd, "http://10.0.0.1:2381/metrics", "", "main/n1"},
		{cluster.KindEtcd, "10.0.0.2:9100", "", "main/n2"}, // another port of the host, which has one etcd
		{cluster.KindEtcd, "H2", "", "main/n2"},
		{cluster.KindEtcd, "[fd00::6]:2379", "", "main/n6"},
		{cluster.KindEtcd, "fd00::6", "", "main/n6"},
		{cluster.KindEtcd, "127.0.0.1:22379", "", "lab/b"},
		{cluster.KindEtcd, "lab:2379", "", "may be lab/a or lab/b"},
		{cluster.KindEtcd, "127.0.0.1:9100", "", "is no member of kind etcd"},
		{cluster.KindEtcd, "10.0.0.9:2379", "", "is no member of kind etcd"},
		{cluster.KindEtcd, "10.0.0.1:9104", "", "main/n1"},
		{cluster.KindEtcd, "http://[::1", "", "names no host"},
		{cluster.KindEtcd, ":2379", "", "names no host"},
		{cluster.KindEtcd, "10.0.0.1:2379", "mariadb.service", "is no member of kind etcd"},
		{cluster.KindService, "10.0.0.1:9104", "", "db/db1"},
		{cluster.KindService, "http://db2.example", "", "db/db2"},
		{cluster.KindService, "db2.example:443", "", "does not say which service"},
		{cluster.KindService, "h3:9100", "", "does not say which service"},
		{cluster.KindService, "h3:9100", "nginx.service", "web/w3"},
		{cluster.KindService, "h1:9100", "nginx.service", "web/w1"},
		{cluster.KindService, "h1:9100", "mariadb.service", "db/db1"},
		{cluster.KindService, "h1:9100", "etcd.service", "is no member of kind service"},
		{cluster.KindService, "10.0.0.1:9104", "nginx.service", "is no member of kind service"},
	} {
		target, err := inv.At(tc.kind, tc.instance, tc.unit)
		switch {
		case err == nil && target.String() != tc.want:
			t.Errorf("%s %s %s: got %s, want %s", tc.kind, tc.instance, tc.unit, target, tc.want)
		case err != nil && !strings.Contains(err.Error(), tc.want):
			t.Errorf("%s %s %s: got %v, want %s", tc.kind, tc.instance, tc.unit, err, tc.want)
		case err != nil && target.Member.Name != "":
			t.Errorf("%s: refused, and yet %s", tc.instance, target)
		}
	}
	if _, err := inv.At(cluster.KindEtcd, strings.Repeat("x", 5000), ""); err == nil || len(err.Error()) > 300 {
		t.Errorf("a long value is repeated: %v", err)
	}
}
