package deploy

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/rules"
)

type sampleRoutes struct {
	Route struct {
		Receiver string `yaml:"receiver"`
		Routes   []struct {
			Receiver string   `yaml:"receiver"`
			Matchers []string `yaml:"matchers"`
			Wait     string   `yaml:"group_wait"`
			Continue bool     `yaml:"continue"`
		} `yaml:"routes"`
	} `yaml:"route"`
	Inhibit []struct {
		Source []string `yaml:"source_matchers"`
		Target []string `yaml:"target_matchers"`
		Equal  []string `yaml:"equal"`
	} `yaml:"inhibit_rules"`
}

func matches(t *testing.T, conditions []string, labels map[string]string) bool {
	t.Helper()
	return !slices.ContainsFunc(conditions, func(c string) bool {
		m, err := alert.ParseMatcher(c)
		if err != nil {
			t.Fatal(err)
		}
		return !m.Matches(labels)
	})
}

// to is who gets an alert, and how soon: as Alertmanager walks its routes.
func (s sampleRoutes) to(t *testing.T, labels map[string]string) string {
	t.Helper()
	var all []string
	for _, r := range s.Route.Routes {
		if !matches(t, r.Matchers, labels) {
			continue
		}
		all = append(all, strings.TrimSpace(r.Receiver+" "+r.Wait))
		if !r.Continue {
			break
		}
	}
	if len(all) == 0 {
		all = append(all, s.Route.Receiver)
	}
	return strings.Join(all, ", ")
}

type shippedAlert struct {
	Alert       string            `yaml:"alert"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func shippedAlerts(t *testing.T) (all []shippedAlert) {
	t.Helper()
	files, err := rules.Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		var doc struct {
			Groups []struct {
				Rules []shippedAlert `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(content, &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range doc.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					r.Labels["alertname"] = r.Alert
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// watchdog always fires, and that it arrives is watched.
const watchdog = "FettleWatchdog"

// Every alert that is shipped goes to fettle and to people by its tier; info goes to neither.
func TestRoutesOfEveryAlert(t *testing.T) {
	var s sampleRoutes
	parse(t, "alertmanager/alertmanager.yml", &s)
	want := map[string]string{"P0": "fettle 0s, people 0s", "P1": "fettle 0s, people 30s", "P2": "fettle 0s, people 5m", "P3": "nobody"}
	all := shippedAlerts(t)
	if len(all) < 60 {
		t.Fatalf("%d alerts", len(all))
	}
	for _, a := range all {
		to := want[a.Labels["tier"]]
		if a.Alert == watchdog {
			to = "fettle 0s"
		}
		if got := s.to(t, a.Labels); got != to {
			t.Errorf("%s (%s) goes to %s, want %s", a.Alert, a.Labels["tier"], got, to)
		}
	}
	for _, tc := range []struct {
		labels map[string]string
		want   string
	}{
		{map[string]string{"alertname": "FettleTest"}, "fettle 0s"},
		{map[string]string{"alertname": "FettleRunEscalated", "tier": "P0", "origin": "fettle"}, "people 0s"},
		{map[string]string{"alertname": "FettleRunEscalated", "tier": "P2", "origin": "fettle"}, "people 5m"},
		{map[string]string{"alertname": "etcdMembersDown", "severity": "critical", "job": "etcd"}, "fettle 0s, people"},
		{map[string]string{"alertname": "MySQLDown", "severity": "critical"}, "fettle 0s, people"},
		{map[string]string{"alertname": "etcdNoLeader", "severity": "critical"}, "people"},
		{map[string]string{"alertname": "DiskOfYours", "severity": "page"}, "people"},
	} {
		if got := s.to(t, tc.labels); got != tc.want {
			t.Errorf("%v goes to %s, want %s", tc.labels, got, tc.want)
		}
	}
}

// What is muted reaches nobody, fettle included: no alert is muted that a playbook is for, and no
// critical one. A rule mutes nothing by labels that both sides lack.
func TestNothingThatIsRepairedIsMuted(t *testing.T) {
	var s sampleRoutes
	parse(t, "alertmanager/alertmanager.yml", &s)
	all := shippedAlerts(t)
	for i, rule := range s.Inhibit {
		sources, targets := 0, 0
		for _, a := range all {
			if matches(t, rule.Source, a.Labels) {
				sources++
			}
			if !matches(t, rule.Target, a.Labels) {
				continue
			}
			targets++
			if playbook := a.Annotations["playbook"]; !strings.HasPrefix(playbook, "none: ") {
				t.Errorf("inhibit rule %d mutes %s, which %s repairs", i, a.Alert, playbook)
			}
			if a.Labels["severity"] == "critical" {
				t.Errorf("inhibit rule %d mutes %s, which is critical", i, a.Alert)
			}
		}
		if sources == 0 || targets == 0 || len(rule.Equal) == 0 {
			t.Errorf("inhibit rule %d: %d sources, %d targets, equal %v", i, sources, targets, rule.Equal)
		}
	}
}
