package rules_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// promtoolFile is what is asked of a file of promtool tests here.
type promtoolFile struct {
	RuleFiles []string       `yaml:"rule_files"`
	Tests     []promtoolCase `yaml:"tests"`
}

type promtoolCase struct {
	Name     string           `yaml:"name"`
	Interval model.Duration   `yaml:"interval"`
	Series   []promtoolSeries `yaml:"input_series"`
	Alerts   []struct {
		EvalTime string           `yaml:"eval_time"`
		Name     string           `yaml:"alertname"`
		Expected []map[string]any `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`

	ruleFiles []string
}

type promtoolSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// parse reads a series as promtool does.
func (s promtoolSeries) parse(t *testing.T) (map[string]string, []parser.SequenceValue) {
	t.Helper()
	labels, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(s.Series + " " + s.Values)
	if err != nil {
		t.Fatalf("%s: %v", s.Series, err)
	}
	return labels.Map(), values
}

func (s promtoolSeries) name(t *testing.T) string {
	t.Helper()
	labels, _ := s.parse(t)
	return labels[model.MetricNameLabel]
}

// readCases are those of a file.
func readCases(t *testing.T, path string) []promtoolCase {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f promtoolFile
	if err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&f); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i := range f.Tests {
		f.Tests[i].ruleFiles = f.RuleFiles
	}
	for _, rules := range f.RuleFiles {
		if _, err := os.Stat(filepath.Join("tests", rules)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	return f.Tests
}

// allCases are those of every file, by name.
func allCases(t *testing.T) map[string]promtoolCase {
	t.Helper()
	all := map[string]promtoolCase{}
	paths, err := filepath.Glob("tests/*_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for _, c := range readCases(t, path) {
			if _, twice := all[c.Name]; twice && c.Name != "recordings" {
				t.Errorf("%s: there is another case %q", path, c.Name)
			}
			all[c.Name] = c
		}
	}
	return all
}

// reading is which metrics each alert reads, through what is recorded as well.
func reading(t *testing.T) map[string]map[string]bool {
	t.Helper()
	recorded := map[string][]string{} // the expressions of a recording
	for _, file := range read(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Record != "" {
					recorded[rule.Record] = append(recorded[rule.Record], rule.Expr)
				}
			}
		}
	}
	var add func(into map[string]bool, expr string)
	add = func(into map[string]bool, expr string) {
		parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			if s, ok := node.(*parser.VectorSelector); ok && !into[s.Name] {
				into[s.Name] = true
				for _, below := range recorded[s.Name] {
					add(into, below)
				}
			}
			return nil
		})
	}
	all := map[string]map[string]bool{}
	for _, a := range alerts(t) {
		all[a.Alert] = map[string]bool{}
		add(all[a.Alert], a.Expr)
	}
	return all
}

// Every alert has a case in which it fires, one in which it does not, one in which its target
// disappears, and, where a playbook is for it, one in which its repair is in progress. What the
// cases say is checked by promtool itself, in the tests behind the build tag "servers"; that of
// the other alerts none fires because of a repair by TestARepairSetsOffNoOther.
func TestEveryAlertHasItsPromtoolTests(t *testing.T) {
	cases, read := allCases(t), reading(t)
	for _, c := range cases {
		for _, check := range c.Alerts {
			if alert, _, _ := strings.Cut(c.Name, " "); check.Name != alert && alert != "repair" {
				t.Errorf("%q asks for %s", c.Name, check.Name)
			}
		}
	}
	for _, a := range alerts(t) {
		kinds := []string{"fires", "does not fire", "target disappears"}
		if !strings.HasPrefix(a.Annotations["playbook"], "none: ") {
			kinds = append(kinds, "repair in progress")
		}
		for _, kind := range kinds {
			c := cases[a.Alert+" "+kind]
			for _, problem := range c.wrong(t, a, kind, read[a.Alert]) {
				t.Errorf("%s %s: %s", a.Alert, kind, problem)
			}
		}
	}
}

// wrong is why a case does not show what its name says.
func (c promtoolCase) wrong(t *testing.T, a located, kind string, reads map[string]bool) (problems []string) {
	t.Helper()
	if !slices.Contains(c.ruleFiles, "../"+a.file) {
		problems = append(problems, fmt.Sprintf("want its file %s among the rule_files, or nothing is asked", a.file))
	}
	var counts []int
	var times []time.Duration
	for _, check := range c.Alerts {
		at, err := model.ParseDuration(check.EvalTime)
		if err != nil {
			t.Fatal(err)
		}
		times, counts = append(times, time.Duration(at)), append(counts, len(check.Expected))
	}
	if len(counts) == 0 || !slices.IsSorted(times) {
		return append(problems, fmt.Sprintf("want checks in order, got %v at %v", counts, times))
	}
	there, ends := c.there(t, reads, times[len(times)-1])
	if !there && len(reads) > 0 {
		problems = append(problems, "nothing that it reads is there when it is asked")
	}
	switch {
	case kind == "does not fire" && slices.Max(counts) > 0:
		problems = append(problems, fmt.Sprintf("want checks that expect nothing, got %v", counts))
	case kind == "fires" && (len(counts) < 2 || counts[0] != 0 || slices.Max(counts) == 0):
		problems = append(problems, fmt.Sprintf("want a check just before it does and one when it does, got %v", counts))
	case kind == "target disappears" && (len(counts) < 2 || !ends && len(reads) > 0):
		problems = append(problems, fmt.Sprintf("want a check before and one after a series ends (_ or stale), got %v", counts))
	case kind == "repair in progress" && (len(counts) < 3 || slices.Max(counts) == 0 || counts[len(counts)-1] != 0):
		problems = append(problems, fmt.Sprintf("want it to fire, and to have ended at the last of three checks, got %v", counts))
	}
	return problems
}

// there tells whether any series that is read has a sample that counts at a time or was there for it,
// and whether one of them ends.
func (c promtoolCase) there(t *testing.T, reads map[string]bool, at time.Duration) (there, ends bool) {
	t.Helper()
	for _, s := range c.Series {
		labels, values := s.parse(t)
		if !reads[labels[model.MetricNameLabel]] {
			continue
		}
		first := slices.IndexFunc(values, func(v parser.SequenceValue) bool { return !v.Omitted })
		there = there || first >= 0 && time.Duration(first)*time.Duration(c.Interval) <= at
		ends = ends || strings.Contains(s.Values, "stale") || strings.Contains(s.Values, "_") || time.Duration(len(values))*time.Duration(c.Interval) < at
	}
	return there, ends
}

// What is put in is what the programs tell: names and labels that there are, and no series twice, of
// which the second would be dropped without a word.
func TestSeriesOfPromtoolTests(t *testing.T) {
	known := catalogue(t)
	for _, c := range allCases(t) {
		seen := map[string]bool{}
		for _, s := range c.Series {
			labels, _ := s.parse(t)
			key := fmt.Sprint(labels)
			if seen[key] {
				t.Errorf("%q: %s is there twice", c.Name, s.Series)
			}
			seen[key] = true
			name := labels[model.MetricNameLabel]
			have, ok := known[name]
			if !ok {
				for _, part := range []string{"_bucket", "_sum", "_count"} {
					if base, cut := strings.CutSuffix(name, part); cut && !ok {
						have, ok = known[base]
					}
				}
			}
			if name == "up" || name == "ALERTS" {
				continue
			}
			if !ok {
				t.Errorf("%q: no program tells %s", c.Name, name)
				continue
			}
			for label := range labels {
				if !slices.Contains([]string{model.MetricNameLabel, "job", "instance", "le"}, label) && len(have.Labels) > 0 && !slices.Contains(have.Labels, label) {
					t.Errorf("%q: %s has no label %s", c.Name, name, label)
				}
			}
		}
	}
}
