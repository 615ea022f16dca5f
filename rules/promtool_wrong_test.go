package rules_test

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

// A case that shows nothing is found out.
func TestCasesThatShowNothing(t *testing.T) {
	a := located{rulefmt.Rule{Alert: "A", Expr: "fettle_paused > 0"}, "fettle.rules.yml"}
	reads := map[string]bool{"fettle_paused": true}
	const series = "input_series: [{series: 'fettle_paused{cluster=\"a\"}', values: '0 1x9'}]\n"
	const fires = "alert_rule_test: [{eval_time: 0s, alertname: A, exp_alerts: []}, {eval_time: 1m, alertname: A, exp_alerts: [{exp_labels: {}}]}]\n"
	const never = "alert_rule_test: [{eval_time: 0s, alertname: A, exp_alerts: []}, {eval_time: 1m, alertname: A, exp_alerts: []}]\n"
	for _, tc := range []struct{ what, kind, text, file, want string }{
		{"a right one", "fires", series + fires, "../fettle.rules.yml", ""},
		{"it never fires", "fires", series + never, "../fettle.rules.yml", "one when it does"},
		{"its rule is not loaded", "does not fire", series + never, "../node.rules.yml", "nothing is asked"},
		{"it is asked of another metric", "does not fire", strings.ReplaceAll(series, "fettle_paused", "fettle_run_owed") + never, "../fettle.rules.yml", "nothing that it reads"},
		{"it is asked too early", "does not fire", strings.ReplaceAll(series, "0 1x9", "_x5 1x9") + never, "../fettle.rules.yml", "nothing that it reads"},
		{"it fires where it is not to", "does not fire", series + fires, "../fettle.rules.yml", "expect nothing"},
		{"nothing disappears", "target disappears", series + fires, "../fettle.rules.yml", "a series ends"},
		{"it fires until the end", "repair in progress", series + fires, "../fettle.rules.yml", "ended at the last"},
		{"there is no check", "fires", series, "../fettle.rules.yml", "want checks"},
	} {
		var c promtoolCase
		if err := yaml.Unmarshal([]byte("interval: 15s\n"+tc.text), &c); err != nil {
			t.Fatal(err)
		}
		c.ruleFiles = []string{tc.file}
		got := strings.Join(c.wrong(t, a, tc.kind, reads), "; ")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.what, got, tc.want)
		}
	}
}
