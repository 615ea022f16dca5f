package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// promtoolFile is what is asked of a file of promtool tests here.
type promtoolFile struct {
	RuleFiles []string `yaml:"rule_files"`
	Tests     []struct {
		Name   string `yaml:"name"`
		Alerts []struct {
			EvalTime string           `yaml:"eval_time"`
			Name     string           `yaml:"alertname"`
			Expected []map[string]any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	} `yaml:"tests"`
}

// Every alert has a case in which it fires, one in which it does not, and one in
// which its target disappears. What the cases say is checked by promtool itself,
// in the test behind the build tag "servers".
func TestEveryAlertHasItsPromtoolTests(t *testing.T) {
	expected := map[string][]int{} // "alert case" → how many alerts are expected, check by check
	paths, err := filepath.Glob("tests/*_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f promtoolFile
		if err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, rules := range f.RuleFiles {
			if _, err := os.Stat(filepath.Join("tests", rules)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, c := range f.Tests {
			alert, _, _ := strings.Cut(c.Name, " ")
			for _, check := range c.Alerts {
				if check.Name != alert {
					t.Errorf("%s: %q asks for %s", path, c.Name, check.Name)
				}
				expected[c.Name] = append(expected[c.Name], len(check.Expected))
			}
		}
	}
	for _, a := range alerts(t) {
		if got := expected[a.Alert+" fires"]; len(got) < 2 || got[0] != 0 || most(got) == 0 {
			t.Errorf("%s fires: want a check just before it does and one when it does, got %v", a.Alert, got)
		}
		if got := expected[a.Alert+" does not fire"]; len(got) == 0 || most(got) != 0 {
			t.Errorf("%s does not fire: want checks that expect nothing, got %v", a.Alert, got)
		}
		if got := expected[a.Alert+" target disappears"]; len(got) < 2 {
			t.Errorf("%s target disappears: want a check before and one after, got %v", a.Alert, got)
		}
	}
}

func most(counts []int) (m int) {
	for _, n := range counts {
		m = max(m, n)
	}
	return m
}
