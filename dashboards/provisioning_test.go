package dashboards_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What Grafana is told to read is where the packages put the dashboards, in the file that
// is shipped and in the one that the documentation shows.
func TestProvisioning(t *testing.T) {
	const at = "/usr/share/fettle/dashboards"
	shipped, err := os.ReadFile("../deploy/grafana/dashboards.yml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "provisioning/dashboards/fettle.yml\n")
	shown, _, _ = strings.Cut(shown, "\n\n")
	for name, text := range map[string]string{"deploy/grafana/dashboards.yml": string(shipped), "docs/dashboards.md": shown} {
		var doc struct {
			APIVersion int `yaml:"apiVersion"`
			Providers  []struct {
				Name    string            `yaml:"name"`
				Type    string            `yaml:"type"`
				Updates bool              `yaml:"allowUiUpdates"`
				Options map[string]string `yaml:"options"`
			} `yaml:"providers"`
		}
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if doc.APIVersion != 1 || len(doc.Providers) != 1 || doc.Providers[0].Name == "" || doc.Providers[0].Type != "file" || doc.Providers[0].Updates || doc.Providers[0].Options["path"] != at {
			t.Errorf("%s: %+v", name, doc)
		}
	}
	packages, err := os.ReadFile("../tools/dist/packages.go")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(packages)) {
		found = found || strings.Join(strings.Fields(line), " ") == `"dashboards/": "`+at+`/",`
	}
	if !found {
		t.Errorf("the packages do not put dashboards/ into %s", at)
	}
}
