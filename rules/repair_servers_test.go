//go:build servers

package rules_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/programs"
)

// untouched are the files of alerts that read nothing which a repair changes: the machine, its
// clock, what is kept elsewhere, and trends of days.
func untouched() []string {
	return []string{"node.rules.yml", "time.rules.yml", "backup.rules.yml", "tree.rules.yml", "prediction.rules.yml"}
}

// While a member is repaired, and after it, no alert fires but those that the case expects: every
// alert that reads any of its series is asked at each of its times.
func TestARepairSetsOffNoOther(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // it may have to be built
	defer cancel()
	promtool, err := programs.Find(ctx, "promtool", programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("tests/repair_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []any
	for _, name := range glob(t, "*.rules.yml") {
		names = append(names, filepath.Join(here, name))
	}
	file["rule_files"] = names
	asked, read := map[string]bool{}, reading(t)
	for i, c := range readCases(t, "tests/repair_test.yml") {
		said, times := map[string]bool{}, []string{}
		for _, check := range c.Alerts {
			said[check.Name], asked[check.Name] = true, true
			if !slices.Contains(times, check.EvalTime) {
				times = append(times, check.EvalTime)
			}
		}
		written := file["tests"].([]any)[i].(map[string]any)
		checks := written["alert_rule_test"].([]any)
		for _, a := range alerts(t) {
			if said[a.Alert] || !slices.ContainsFunc(c.Series, func(s promtoolSeries) bool { return read[a.Alert][s.name(t)] }) {
				continue
			}
			asked[a.Alert] = true
			for _, at := range times {
				checks = append(checks, map[string]any{"eval_time": at, "alertname": a.Alert, "exp_alerts": []any{}})
			}
		}
		written["alert_rule_test"] = checks
	}
	for _, a := range alerts(t) {
		// The watchdog reads nothing, a pause is no repair, and no timer waits for a member.
		exempt := slices.Contains([]string{"FettleWatchdog", "FettlePausedTooLong", "FettleTimerMissed"}, a.Alert)
		if !asked[a.Alert] && !exempt && !slices.Contains(untouched(), a.file) {
			t.Errorf("%s (%s) reads none of the series of tests/repair_test.yml: add what it reads", a.Alert, a.file)
		}
	}
	t.Logf("%d alerts are asked while a repair is in progress", len(asked))
	if content, err = yaml.Marshal(file); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "repair_test.yml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	run(ctx, t, filepath.Dir(path), promtool.Path, "test", "rules", filepath.Base(path))
}
