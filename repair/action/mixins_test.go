package action_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

var updateMixins = flag.Bool("update-mixins", false, "write the table of docs/mixins.md")

type mixin struct {
	Mixin, Source, Licence string
	Alerts                 []struct {
		Name, Playbook, Reason string
		Labels                 map[string]string
	}
}

func mixins(t *testing.T) (all []mixin) {
	t.Helper()
	data, err := os.ReadFile("testdata/mixins.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func shipped(t *testing.T) (all []*repair.Playbook) {
	t.Helper()
	files, err := filepath.Glob("../../playbooks/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := repair.LoadPlaybook(file, data, action.Table(action.Deps{}), func(text string) (repair.Expression, error) {
			x, err := promql.ParseExpression(text)
			return repair.Expression{Labels: x.Labels(), Fill: x.Fill}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// mixinInventory is one that all the alerts of testdata/mixins.yml are about.
var mixinInventory = cluster.Inventory{Clusters: []cluster.Cluster{
	{Name: "main", Kind: cluster.KindEtcd, Members: []cluster.Member{
		{Name: "n1", Host: "10.0.0.1", Endpoint: "http://10.0.0.1:2379"}, {Name: "n2", Host: "10.0.0.2", Endpoint: "http://10.0.0.2:2379"},
	}},
	{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "10.0.0.1", Unit: "nginx.service"}}},
	{Name: "db", Kind: cluster.KindService, Members: []cluster.Member{
		{Name: "maria", Host: "10.0.0.1", Unit: "mariadb.service", Metrics: "http://10.0.0.1:9104/metrics"},
		{Name: "postgres", Host: "10.0.0.2", Unit: "postgresql.service", Metrics: "http://10.0.0.2:9187/metrics"},
		{Name: "redis", Host: "10.0.0.3", Unit: "redis-server.service", Metrics: "http://10.0.0.3:6379"},
	}},
}}

// Every alert that a mixin publishes is taken by the playbook that can repair it, and
// resolves to one target, or has the reason why nothing takes it.
func TestMixinsAlerts(t *testing.T) {
	targets := map[string]string{"NodeSystemdServiceFailed": "web/w1", "MySQLDown": "db/maria", "PostgreSQLDown": "db/postgres", "RedisDown": "db/redis"}
	books := shipped(t)
	var table strings.Builder
	for _, m := range mixins(t) {
		if m.Source == "" || m.Licence == "" || len(m.Alerts) < 3 {
			t.Errorf("mixin %s: source %q, licence %q, %d alerts", m.Mixin, m.Source, m.Licence, len(m.Alerts))
		}
		fmt.Fprintf(&table, "\n## %s\n\n%s (%s)\n\n| alert | |\n|---|---|\n", m.Mixin, m.Source, m.Licence)
		for _, a := range m.Alerts {
			labels := map[string]string{"alertname": a.Name, "severity": "critical"}
			for name, v := range a.Labels {
				labels[name] = v
			}
			var takes *repair.Playbook
			for _, p := range books {
				if p.On.Matches(labels) {
					if takes != nil {
						t.Errorf("%s is taken by %s and by %s", a.Name, takes.Name, p.Name)
					}
					takes = p
				}
			}
			switch {
			case (a.Playbook == "") == (a.Reason == ""):
				t.Errorf("%s: playbook %q, reason %q: want one of them", a.Name, a.Playbook, a.Reason)
			case a.Reason != "" && takes != nil:
				t.Errorf("%s is taken by %s, and ought not to be: %s", a.Name, takes.Name, a.Reason)
			case a.Playbook != "" && (takes == nil || takes.Name != a.Playbook):
				t.Errorf("%s is not taken by %s", a.Name, a.Playbook)
			case a.Playbook != "":
				target, _, err := takes.Resolve(mixinInventory, labels)
				var unnamed *repair.UnnamedError
				if want := targets[a.Name]; want == "" && (!errors.As(err, &unnamed) || unnamed.Cluster.Name != "main") || want != "" && (err != nil || target.String() != want) {
					t.Errorf("%s resolves to %s, %v; want %q", a.Name, target, err, want)
				}
			}
			if a.Playbook != "" {
				fmt.Fprintf(&table, "| %s | `%s` |\n", a.Name, a.Playbook)
			} else {
				fmt.Fprintf(&table, "| %s | none: %s |\n", a.Name, a.Reason)
			}
		}
	}
	const page, begin, end = "../../docs/mixins.md", "<!-- generated: go test ./repair/action -run TestMixins -update-mixins -->\n", "\n<!-- end of generated -->"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	got, after, ended := strings.Cut(rest, end)
	switch {
	case !ok || !ended:
		t.Errorf("%s has no place for the table", page)
	case *updateMixins:
		if err := os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case got != table.String():
		t.Errorf("%s is not current: go test ./repair/action -run TestMixins -update-mixins", page)
	}
}

// The labels of the mixins' alerts are as untrusted as any.
func TestMixinsAlertsWithHostileLabels(t *testing.T) {
	for _, p := range shipped(t) {
		for _, m := range mixins(t) {
			for _, a := range m.Alerts {
				for _, hostile := range []string{"-rf", "$(reboot)", "10.0.0.1:9104\n", "../../etc", "10.0.0.9:1", strings.Repeat("9", 4096)} {
					labels := map[string]string{"alertname": a.Name}
					for name := range a.Labels {
						labels[name] = hostile
					}
					labels["instance"] = hostile
					if target, _, err := p.Resolve(mixinInventory, labels); err == nil {
						t.Errorf("%s with %.20q resolves to %s", a.Name, hostile, target)
					}
				}
			}
		}
	}
}
