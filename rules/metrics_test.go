package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The list that expressions are checked against says what docs/metrics.md says,
// which is generated from the programs.
func TestTheListOfMetricsIsTheDocumentedOne(t *testing.T) {
	content, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ kind, labels string }
	documented := map[string]row{}
	rows := regexp.MustCompile("(?m)^\\| `(fettle_\\w+)` \\| (\\w+) \\| ([^|]*) \\|")
	for _, m := range rows.FindAllStringSubmatch(string(content), -1) {
		documented[m[1]] = row{m[2], sorted(strings.ReplaceAll(m[3], " ", ""))}
	}
	if *update {
		var list strings.Builder
		list.WriteString("# Every metric family of fettle_exporter and fettle serve: name, type, labels.\n# Written by go test ./rules -run TestTheListOfMetrics -update\n\n")
		twice := map[string]bool{} // both programs tell some
		for _, m := range rows.FindAllStringSubmatch(string(content), -1) {
			if twice[m[1]] {
				continue
			}
			twice[m[1]] = true
			list.WriteString(strings.TrimSpace(m[1]+" "+m[2]+" "+strings.ReplaceAll(strings.TrimSpace(m[3]), ", ", ",")) + "\n")
		}
		if err := os.WriteFile("testdata/metrics.txt", []byte(list.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed := published(t)
	for name, m := range listed {
		got := row{string(m.Type), sorted(strings.Join(m.Labels, ","))}
		want, ok := documented[name]
		switch {
		case !ok:
			t.Errorf("%s is in testdata/metrics.txt, but not in docs/metrics.md", name)
		case got != want:
			t.Errorf("%s: testdata/metrics.txt has %v, docs/metrics.md %v", name, got, want)
		}
	}
	for name := range documented {
		if _, ok := listed[name]; !ok {
			t.Errorf("%s is in docs/metrics.md, but not in testdata/metrics.txt", name)
		}
	}
}

func sorted(labels string) string {
	names := strings.Split(labels, ",")
	slices.Sort(names)
	return strings.Join(names, ",")
}

// The annotation only tells people; what selects a playbook is its own "on". The
// two have to agree.
func TestPlaybooksSelectTheirAlerts(t *testing.T) {
	paths, err := filepath.Glob("../playbooks/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no playbooks: %v", err)
	}
	playbooks := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		playbooks[strings.TrimSuffix(filepath.Base(path), ".yml")] = string(content)
	}
	for _, a := range alerts(t) {
		selector := regexp.MustCompile(`alertname=(~"([A-Za-z]+\|)*|")` + a.Alert + `["|]`)
		for name, content := range playbooks {
			if selects, says := selector.MatchString(content), a.Annotations["playbook"] == name; selects != says {
				t.Errorf("%s names the playbook %q; playbook %s selects it: %v", a.Alert, a.Annotations["playbook"], name, selects)
			}
		}
		if named := a.Annotations["playbook"]; !strings.HasPrefix(named, "none: ") && playbooks[named] == "" {
			t.Errorf("%s: there is no playbook %s", a.Alert, named)
		}
	}
}
