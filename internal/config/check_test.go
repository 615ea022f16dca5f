package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

const inventoryYAML = `
clusters:
  - name: demo
    kind: etcd
    members:
      - {name: m1, endpoint: "http://127.0.0.1:2379", peer: "http://127.0.0.1:2380", unit: etcd.service}
      - {name: m2, endpoint: "http://10.0.0.2:2379", peer: "http://10.0.0.2:2380", unit: etcd.service}
      - {name: m3, endpoint: "http://127.0.0.1:3379", peer: "http://127.0.0.1:3380"}
  - name: web
    kind: service
    members:
      - {name: w1, host: localhost, unit: etcd.service}
      - {name: w2, host: 10.0.0.3, unit: etcd.service}
`

func lines(ps []Problem) string {
	var all []string
	for _, p := range ps {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

func TestCheck(t *testing.T) {
	restart := &repair.Playbook{Name: "service-restart", Target: repair.TargetRef{Kind: cluster.KindService}, Tier: repair.P1, Ceiling: repair.Auto}
	member := &repair.Playbook{Name: "etcd-member-restart", Target: repair.TargetRef{Kind: cluster.KindEtcd}, Tier: repair.P0, Ceiling: repair.Approve}
	asking := &repair.Playbook{
		Name: "api", Target: repair.TargetRef{Kind: cluster.KindService}, Tier: repair.P1, Ceiling: repair.Auto,
		Verify: &repair.Expression{At: strictyaml.Position{File: "/etc/fettle/playbooks/api.yml", Line: 12, Column: 11}},
	}
	const roles = "web: {roles: [{role: operator, user: alice}]}\n"
	// Host names differ and the machine is one: w1 on localhost is m1 on 127.0.0.1.
	const plain = `f.yml:12:43: unit etcd.service on host localhost is that of demo/m1: playbook service-restart would restart it without asking for the quorum, take it out of the service web`
	for name, tc := range map[string]struct {
		in        string
		playbooks []*repair.Playbook
		want      string
	}{
		"a member's unit as a plain one":     {inventoryYAML, []*repair.Playbook{restart, member}, plain},
		"without a playbook for plain units": {inventoryYAML, []*repair.Playbook{member}, ""},
		"allowed and out of reach": {
			inventoryYAML + roles + "autonomy: {tiers: {P0: auto}}\n", []*repair.Playbook{member},
			`f.yml:7:9: member m2 runs on host 10.0.0.2, which is not this machine, and has no commands: its repairs end blocked(agent) (warning)
f.yml:8:9: member m3 has neither a unit nor commands: its repairs end blocked(agent) (warning)`,
		},
		"counted and out of sight": {
			inventoryYAML + "guards: {blast_radius: {clusters: {web: 50%}, groups: [{name: both, members: [demo/m1, \"web/*\"], at_most: 1}]}}\n", []*repair.Playbook{member},
			`f.yml:14:41: web/w2 cannot be looked at from here, so in web it counts as unavailable: give it commands, or take it out (warning)
f.yml:14:78: web/w2 cannot be looked at from here, so in both it counts as unavailable: give it commands, or take it out (warning)`,
		},
		"a verify without a Prometheus": {
			"brake: /run/fettle/pause\n", []*repair.Playbook{asking},
			`/etc/fettle/playbooks/api.yml:12:11: playbook api verifies with PromQL, and no Prometheus is named: set prometheus.url in fettle.yml`,
		},
		"a verify and a Prometheus": {"prometheus: {url: \"http://127.0.0.1:9090\"}\n", []*repair.Playbook{asking}, ""},
		"above the ceiling": {
			inventoryYAML + roles + "autonomy:\n  playbooks:\n    web: {etcd-member-restart: auto}\n", []*repair.Playbook{member},
			`f.yml:17:32: playbook etcd-member-restart has the ceiling approve: auto has no effect (warning)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("f.yml", []byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(Check(c, tc.playbooks)); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
	if got := Check(Default(), []*repair.Playbook{restart, member}); len(got) != 0 {
		t.Errorf("the defaults: %s", lines(got))
	}
}

func TestCheckExporter(t *testing.T) {
	c, err := Parse("f.yml", []byte(inventoryYAML))
	if err != nil {
		t.Fatal(err)
	}
	same := Exporter{Clusters: c.Clusters}
	if got := CheckExporter(c, same); len(got) != 0 {
		t.Errorf("the same inventory: %s", lines(got))
	}
	other := cluster.Cluster{Name: "demo", Kind: cluster.KindEtcd, Members: []cluster.Member{
		{Name: "m1", Endpoint: "http://127.0.0.1:2379"}, {Name: "m2", Endpoint: "http://10.0.0.9:2379"}, {Name: "m4"},
	}}
	want := `f.yml:6:7: the exporter's inventory has a member m4 of cluster demo that is not here: its alerts end blocked(target) (warning)
f.yml:7:30: member m2 of cluster demo has the endpoint http://10.0.0.2:2379 here and http://10.0.0.9:2379 in the exporter's inventory (warning)
f.yml:8:9: member m3 of cluster demo is not in the exporter's inventory: no alert will tell of it from there (warning)
f.yml:9:5: cluster web is not in the exporter's inventory: no alert will tell of it from there (warning)`
	if got := lines(CheckExporter(c, Exporter{Clusters: []cluster.Cluster{other}})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = `f.yml:3:5: cluster demo is not in the exporter's inventory: no alert will tell of it from there (warning)
f.yml:9:5: cluster web is not in the exporter's inventory: no alert will tell of it from there (warning)`
	if got := lines(CheckExporter(c, Exporter{})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	other.Kind = cluster.KindService
	want = `f.yml:4:11: cluster demo is of kind etcd here and of kind service in the exporter's inventory
f.yml:9:5: cluster web is not in the exporter's inventory: no alert will tell of it from there (warning)`
	if got := lines(CheckExporter(c, Exporter{Clusters: []cluster.Cluster{other}})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A service elsewhere is looked at by the exporter there.
	web := slices.Clone(c.Clusters[1].Members)
	for i := range web {
		web[i].Host = "elsewhere.example"
	}
	c.Clusters[1].Members = web
	if got := CheckExporter(c, Exporter{Clusters: c.Clusters[:1]}); len(got) != 0 {
		t.Errorf("a service elsewhere: %s", lines(got))
	}
}
