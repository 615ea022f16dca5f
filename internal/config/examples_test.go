package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/inventory"
)

const examples = "../../docs/examples"

// example reads a configuration from docs/examples, with the changes that its own
// comments speak of.
func example(t *testing.T, changes ...string) Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, "fettle.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(text), changes[i]) {
			t.Fatalf("fettle.yml has no %q", changes[i])
		}
	}
	path := filepath.Join(t.TempDir(), "fettle.yml")
	if err := os.WriteFile(path, []byte(strings.NewReplacer(changes...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// There is not even a warning about the examples, as they stand and with the one
// line that lets fettle act.
func TestExamplesLoad(t *testing.T) {
	exporter, err := inventory.LoadExporter(filepath.Join(examples, "exporter.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, changes := range map[string][]string{"observe": nil, "auto": {"# clusters: {main: auto}", "clusters: {main: auto}"}} {
		t.Run(name, func(t *testing.T) {
			c := example(t, changes...)
			found := append(Check(c, loaded(t, c)), CheckExporter(c, exporter)...)
			if len(found) > 0 {
				t.Error(lines(found))
			}
			if got := string(c.Autonomy.For("etcd-member-restart", "main", "P0")); got != name {
				t.Errorf("autonomy %s", got)
			}
		})
	}
}

// What one file says of another is so.
func TestExamplesFit(t *testing.T) {
	c := example(t)
	var prometheus struct {
		Global struct {
			Scrape string `yaml:"scrape_interval"`
		} `yaml:"global"`
		Scrapes []struct {
			Job     string `yaml:"job_name"`
			Statics []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
		Alerting struct {
			Managers []struct {
				Statics []struct {
					Targets []string `yaml:"targets"`
				} `yaml:"static_configs"`
			} `yaml:"alertmanagers"`
		} `yaml:"alerting"`
	}
	readExample(t, "prometheus.yml", &prometheus)
	if got := c.Prometheus.ScrapeInterval.String(); got != prometheus.Global.Scrape {
		t.Errorf("fettle.yml says that Prometheus scrapes every %s, prometheus.yml %s", got, prometheus.Global.Scrape)
	}
	targets := map[string][]string{}
	for _, s := range prometheus.Scrapes {
		targets[s.Job] = s.Statics[0].Targets
	}
	if got := targets["fettle"]; !slices.Equal(got, []string{c.Web.Listen}) {
		t.Errorf("job fettle scrapes %v, fettle listens on %s", got, c.Web.Listen)
	}
	if len(targets["fettle_exporter"]) == 0 {
		t.Error("there is no job fettle_exporter, which the rules ask for")
	}
	if got := "http://" + prometheus.Alerting.Managers[0].Statics[0].Targets[0]; !slices.Equal(c.Alertmanager.URLs, []string{got}) {
		t.Errorf("prometheus.yml sends to %s, fettle.yml asks %v", got, c.Alertmanager.URLs)
	}

	var alertmanager struct {
		Receivers []struct {
			Name     string `yaml:"name"`
			Webhooks []struct {
				URL string `yaml:"url"`
			} `yaml:"webhook_configs"`
		} `yaml:"receivers"`
	}
	readExample(t, "alertmanager.yml", &alertmanager)
	sends := false
	for _, r := range alertmanager.Receivers {
		sends = sends || r.Name == "fettle" && r.Webhooks[0].URL == "http://"+c.Web.Listen+"/api/v1/alertmanager"
	}
	if !sends {
		t.Errorf("no receiver fettle of alertmanager.yml sends to %s", c.Web.Listen)
	}
}

func readExample(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
