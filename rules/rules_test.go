package rules_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules"
	"github.com/fettle-io/fettle/rules/lint"
)

// located is an alert with the file that it stands in.
type located struct {
	rulefmt.Rule
	file string
}

// alerts returns the alerts of every rule file in order.
func alerts(t *testing.T) (all []located) {
	t.Helper()
	for _, file := range read(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Alert != "" {
					all = append(all, located{rule, file.name})
				}
			}
		}
	}
	return all
}

// ruleFile is a rule file as Prometheus reads it.
type ruleFile struct {
	*rulefmt.RuleGroups
	name string
}

func read(t *testing.T) (all []ruleFile) {
	t.Helper()
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		groups, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		for _, err := range errs {
			t.Errorf("%s: %v", name, err)
		}
		if len(errs) == 0 {
			all = append(all, ruleFile{groups, name})
		}
	}
	return all
}

// catalogue is every metric that rules can name: those of the programs, those of Prometheus and
// Alertmanager, and what rules record.
func catalogue(t *testing.T) lint.Catalogue {
	t.Helper()
	c := published(t)
	maps.Copy(c, listed(t, "testdata/monitors.txt"))
	for _, file := range read(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Record != "" {
					c[rule.Record] = lint.Metric{Name: rule.Record, Type: lint.Recorded}
				}
			}
		}
	}
	for range 3 { // a recording may read others
		for _, file := range read(t) {
			recorded(t, file, c)
		}
	}
	return c
}

// recorded puts the labels of a file's recordings into the catalogue; where two make one series,
// those of both.
func recorded(t *testing.T, file ruleFile, c lint.Catalogue) {
	t.Helper()
	made := map[string][]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Record == "" {
				continue
			}
			names, err := lint.Labels(rule.Expr, c)
			if err != nil {
				t.Fatal(err)
			}
			if names = append(append(names, slices.Collect(maps.Keys(rule.Labels))...), made[rule.Record]...); len(names) > 0 {
				slices.Sort(names)
				made[rule.Record] = slices.Compact(names)
			}
		}
	}
	for name, labels := range made {
		c[name] = lint.Metric{Name: name, Type: lint.Recorded, Labels: labels}
	}
}

func published(t *testing.T) lint.Catalogue { return listed(t, "testdata/metrics.txt") }

func listed(t *testing.T, path string) lint.Catalogue {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := lint.ReadCatalogue(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A file per group of alerts: these are there, and no others.
func TestListNamesEveryFile(t *testing.T) {
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 10 || !slices.IsSorted(names) {
		t.Errorf("got %v", names)
	}
	known := []string{
		"node", "unit", "time", "raft", "sync", "probe", "config", "dependency", "lb", "backup", "tree",
		"prediction", "health", "stages", "fettle", "exporter", "monitors",
	}
	for _, name := range names {
		if !slices.Contains(known, strings.TrimSuffix(name, ".rules.yml")) {
			t.Errorf("%s is none of %v", name, known)
		}
	}
}

// How soon a P0 alert fires is not left to the global interval, and what looks at hours or days
// is not asked each few seconds. Everything else follows evaluation_interval, which is the
// operator's to set.
func TestIntervalsOfGroups(t *testing.T) {
	for _, file := range read(t) {
		for _, group := range file.Groups {
			urgent, recorded := 0, 0
			for _, rule := range group.Rules {
				if rule.Alert != "" && rule.Labels["tier"] == "P0" {
					urgent++
				}
				if rule.Record != "" {
					recorded++
				}
			}
			switch interval := time.Duration(group.Interval); {
			case urgent > 0 && (interval == 0 || interval > 5*time.Second):
				t.Errorf("%s: group %s has P0 alerts: want interval: 5s", file.name, group.Name)
			case urgent > 0 && urgent < len(group.Rules):
				t.Errorf("%s: group %s has P0 alerts and others, which cost a twelfth each minute", file.name, group.Name)
			case urgent == 0 && interval != 0 && (interval < 30*time.Second || interval > 5*time.Minute):
				t.Errorf("%s: group %s has the interval %s: want none, or 30s to 5m for what looks far back", file.name, group.Name, interval)
			}
		}
	}
}

// A recorded name says what is left of the labels, of what, and how it was made:
// level:metric:operations.
func TestNamesOfRecordings(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*:[a-z][a-z0-9_]*:[a-z0-9_]+$`)
	known, seen := catalogue(t), map[string]bool{}
	for _, file := range read(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Record == "" {
					continue
				}
				if !form.MatchString(rule.Record) {
					t.Errorf("%s: %s is not level:metric:operations", file.name, rule.Record)
				}
				if strings.Contains(rule.Record, "_total:rate") {
					t.Errorf("%s: a rate has no _total", rule.Record)
				}
				key := rule.Record + fmt.Sprint(rule.Labels)
				if seen[key] {
					t.Errorf("%s: %s is recorded twice with the same labels", file.name, key)
				}
				seen[key] = true
				if err := lint.Expr(rule.Expr, known); err != nil {
					t.Errorf("%s: %v", rule.Record, err)
				}
			}
		}
	}
}

// The alerts that the other parts of fettle and its documents speak of.
func TestTheAlertsThatAreThere(t *testing.T) {
	var names []string
	for _, a := range alerts(t) {
		if slices.Contains(names, a.Alert) {
			t.Errorf("%s is there twice", a.Alert)
		}
		names = append(names, a.Alert)
	}
	for _, want := range []string{
		"FettleRaftMemberDown", "FettleRaftNoFailureTolerance", "FettleRaftQuorumLost", "FettleRaftNoLeader",
		"FettleRaftDatabaseNearQuota", "FettleRaftNoSpace", "FettleRaftCorrupt",
		"FettleFilesystemFilling", "FettleMemoryHigh", "FettleExporterDown", "FettleCollectorFailing",
		"FettleRunFailed", "FettleRunEscalated", "FettleJournalNotWritable", "FettleJournalTakenBack", "FettleJournalNotAnchored", "FettlePausedTooLong",
		"FettleServiceDown", "FettleClockNotSynchronised", "FettleClockWrong", "FettleRaidDegraded", "FettleMemoryPressure", "FettleProcessKilledForMemory", "FettleConntrackAlmostFull", "FettleDown", "FettleTwoOwners", "FettleConfigReloadFailed",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestExpressions(t *testing.T) {
	known := catalogue(t)
	for _, a := range alerts(t) {
		if err := lint.Expr(a.Expr, known); err != nil {
			t.Errorf("%s: %v", a.Alert, err)
		}
		if err := lint.Alert(a.Expr, time.Duration(a.For), a.Labels); err != nil {
			t.Errorf("%s: %v", a.Alert, err)
		}
		for name, text := range a.Annotations {
			if err := lint.Template(a.Expr, text, known); err != nil {
				t.Errorf("%s: %s: %v", a.Alert, name, err)
			}
		}
	}
}

// A fault of a cluster has one fingerprint, however many exporters see it: each of its series is
// aggregated by labels among which is cluster, and not who looked.
func TestClusterAlertsAggregate(t *testing.T) {
	known, p := published(t), parser.NewParser(parser.Options{})
	for _, a := range alerts(t) {
		if !slices.Contains([]string{"raft.rules.yml", "sync.rules.yml", "time.rules.yml", "unit.rules.yml"}, a.file) {
			continue
		}
		expr, err := p.ParseExpr(a.Expr)
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(expr, func(node parser.Node, above []parser.Node) error {
			s, ok := node.(*parser.VectorSelector)
			if ok && slices.Contains(known[s.Name].Labels, "cluster") && !slices.ContainsFunc(above, func(n parser.Node) bool {
				agg, ok := n.(*parser.AggregateExpr)
				return ok && !agg.Without && slices.Contains(agg.Grouping, "cluster") &&
					!slices.Contains(agg.Grouping, "instance") && !slices.Contains(agg.Grouping, "job")
			}) {
				t.Errorf("%s: %s is not aggregated by cluster: %s", a.Alert, s.Name, a.Expr)
			}
			return nil
		})
	}
}

func TestLabelsAndAnnotations(t *testing.T) {
	const docs = "https://github.com/fettle-io/fettle/blob/main/docs/alerts/"
	sentence := regexp.MustCompile(`^[A-Zf][^.{}]*\.$`) // "fettle" begins small
	playbook := regexp.MustCompile(`^([a-z][a-z0-9-]*|none: \S.*)$`)
	for _, a := range alerts(t) {
		if !regexp.MustCompile(`^Fettle([A-Z][a-z]+)+$`).MatchString(a.Alert) {
			t.Errorf("%s is not Fettle with words in CamelCase", a.Alert)
		}
		if !sameKeys(a.Labels, "severity", "tier") {
			t.Errorf("%s: labels %v: want severity and tier", a.Alert, a.Labels)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s: severity %q", a.Alert, a.Labels["severity"])
		}
		if !slices.Contains([]string{"P0", "P1", "P2", "P3"}, a.Labels["tier"]) {
			t.Errorf("%s: tier %q", a.Alert, a.Labels["tier"])
		}
		// What also fires on healthy machines is for people who look, and no route to fettle takes it.
		if info := a.Labels["severity"] == "info"; info != (a.Labels["tier"] == "P3") || info && !strings.HasPrefix(a.Annotations["playbook"], "none: ") {
			t.Errorf("%s: severity %s, tier %s, playbook %s: info is P3, and nothing else is, and has no playbook", a.Alert, a.Labels["severity"], a.Labels["tier"], a.Annotations["playbook"])
		}
		if !sameKeys(a.Annotations, "summary", "description", "runbook_url", "playbook") {
			t.Errorf("%s: annotations %v: want summary, description, runbook_url and playbook", a.Alert, a.Annotations)
		}
		if !sentence.MatchString(a.Annotations["summary"]) {
			t.Errorf("%s: the summary is not one sentence without variables: %q", a.Alert, a.Annotations["summary"])
		}
		if !strings.Contains(a.Annotations["description"], "{{") {
			t.Errorf("%s: the description names nothing: %q", a.Alert, a.Annotations["description"])
		}
		if want := docs + a.Alert + ".md"; a.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url %q, want %q", a.Alert, a.Annotations["runbook_url"], want)
		}
		if !playbook.MatchString(a.Annotations["playbook"]) {
			t.Errorf(`%s: playbook %q: want a name, or "none: " and the reason`, a.Alert, a.Annotations["playbook"])
		}
	}
}

// An alert counts as active while it fires, and one that is still active five
// minutes after a repair escalates.
func TestRepairedAlertsEndSoon(t *testing.T) {
	for _, a := range alerts(t) {
		if !strings.HasPrefix(a.Annotations["playbook"], "none: ") && time.Duration(a.KeepFiringFor) > 15*time.Second {
			t.Errorf("%s keeps firing for %s after it was repaired", a.Alert, a.KeepFiringFor)
		}
	}
}

func sameKeys(m map[string]string, keys ...string) bool {
	for _, key := range keys {
		if m[key] == "" {
			return false
		}
	}
	return len(m) == len(keys)
}
