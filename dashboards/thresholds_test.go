package dashboards_test

import (
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules"
)

// A panel changes its colour where the alert begins to fire. Should the rule
// change, comparison is no longer in its expression, and the panel has to follow.
func TestThresholdsAreThoseOfTheAlerts(t *testing.T) {
	exprs := expressions(t)
	panels := map[string]panel{}
	for name, d := range load(t) {
		for _, p := range d.Panels {
			panels[name+": "+p.Title] = p
		}
	}
	for _, tc := range []struct {
		panel, alert, comparison string
		step                     float64
	}{
		{"overview.json: Failures tolerated", "FettleRaftNoFailureTolerance", "fettle_raft_margin) == 0", 0},
		{"overview.json: Failures tolerated", "FettleRaftQuorumLost", "fettle_raft_margin) < 0", 0},
		{"overview.json: Leader", "FettleRaftNoLeader", "fettle_raft_has_leader) == 0", 1},
		{"overview.json: Members reachable", "FettleRaftMemberDown", "fettle_raft_member_reachable) == 0", 1},
		{"overview.json: Behind the leader", "FettleSyncLagging", "> 5000", 5000},
		{"overview.json: Database as a share of its quota", "FettleRaftDatabaseNearQuota", "> 0.8", 0.8},
		{"overview.json: Raft alarms", "FettleRaftNoSpace", `{alarm="NOSPACE"}) == 1`, 1},
		{"overview.json: Raft alarms", "FettleRaftCorrupt", `{alarm="CORRUPT"}) == 1`, 1},
		{"overview.json: Memory used", "FettleMemoryHigh", "> 0.9", 0.9},
		{"overview.json: File systems: space left", "FettleFilesystemFilling", "< 0.20", 0.2},
		{"overview.json: File systems: space left", "FettleFilesystemAlmostFull", "< 0.05", 0.05},
		{"overview.json: Exporters", "FettleExporterDown", `up{job="fettle_exporter"} == 0`, 1},
		{"overview.json: Collectors", "FettleCollectorFailing", "fettle_collector_success == 0", 1},
		{"repairs.json: fettle", "FettleDown", `up{job="fettle"} == 0`, 1},
		{"repairs.json: Journal", "FettleJournalNotWritable", "fettle_journal_writable == 0", 1},
		{"repairs.json: Paused for", "FettlePausedTooLong", "> 4 * 3600", 14400},
		{"repairs.json: Since the last failure", "FettleRunFailed", "< 900", 900},
		{"repairs.json: Configuration", "FettleConfigReloadFailed", "fettle_config_last_reload_successful == 0", 1},
	} {
		p, ok := panels[tc.panel]
		if !ok {
			t.Errorf("there is no panel %s", tc.panel)
			continue
		}
		if !strings.Contains(exprs[tc.alert], tc.comparison) {
			t.Errorf("%s no longer has %q: bring %s in line", tc.alert, tc.comparison, tc.panel)
		}
		if !slices.Contains(p.steps(), tc.step) {
			t.Errorf("%s: thresholds %v, but %s compares with %v", tc.panel, p.steps(), tc.alert, tc.step)
		}
	}
}

// expressions returns each alert's expression.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		groups, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				all[rule.Alert] = rule.Expr
			}
		}
	}
	return all
}
