package dashboards_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules/lint"
)

// catalogue are all series that a panel can name: those that are documented, those that
// every process has or Prometheus makes, and what rules record.
func catalogue(t *testing.T) lint.Catalogue {
	t.Helper()
	known := lint.Catalogue{
		"ALERTS_FOR_STATE":              {Name: "ALERTS_FOR_STATE", Type: lint.Recorded},
		"process_cpu_seconds_total":     {Name: "process_cpu_seconds_total", Type: lint.Counter},
		"process_resident_memory_bytes": {Name: "process_resident_memory_bytes", Type: lint.Gauge},
		"process_open_fds":              {Name: "process_open_fds", Type: lint.Gauge},
		"process_max_fds":               {Name: "process_max_fds", Type: lint.Gauge},
	}
	for _, path := range []string{"../rules/testdata/metrics.txt", "../rules/testdata/monitors.txt"} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		listed, err := lint.ReadCatalogue(f)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(known, listed)
	}
	all := allRules(t)
	for _, r := range all {
		if r.Record != "" {
			known[r.Record] = lint.Metric{Name: r.Record, Type: lint.Recorded}
		}
	}
	for range 3 { // a recording may read others
		made := map[string][]string{}
		for _, r := range all {
			if r.Record == "" {
				continue
			}
			labels, err := lint.Labels(r.Expr, known)
			if err != nil {
				t.Fatal(err)
			}
			labels = slices.Concat(labels, slices.Collect(maps.Keys(r.Labels)), made[r.Record])
			slices.Sort(labels)
			made[r.Record] = slices.Compact(labels)
		}
		for name, labels := range made {
			known[name] = lint.Metric{Name: name, Type: lint.Recorded, Labels: labels}
		}
	}
	return known
}

// mistakes are what dashboard-linter and pint would find in a panel's query.
func mistakes(expr, kind string, known lint.Catalogue) (found []string) {
	if regexp.MustCompile(`\[\d`).MatchString(expr) {
		found = append(found, "a fixed range: want $__rate_interval or $__range")
	}
	if strings.Contains(expr, "$__range") && (kind == "timeseries" || kind == "state-timeline") {
		found = append(found, "$__range over time: each point would tell of another time than it stands at")
	}
	if regexp.MustCompile(`="\$(cluster|instance)`).MatchString(expr) {
		found = append(found, "a variable of several values wants =~")
	}
	text := withoutVariables(expr)
	if err := lint.Expr(text, known); err != nil {
		return append(found, err.Error())
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return append(found, err.Error())
	}
	parser.Inspect(parsed, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok || known[s.Name].Type != lint.Counter {
			return nil
		}
		if !slices.ContainsFunc(path, func(above parser.Node) bool {
			c, ok := above.(*parser.Call)
			return ok && slices.Contains([]string{"rate", "irate", "increase"}, c.Func.Name)
		}) {
			found = append(found, s.Name+" is a counter: want its rate or increase")
		}
		return nil
	})
	return found
}

// withoutVariables puts values where Grafana would.
func withoutVariables(expr string) string {
	return strings.NewReplacer(
		"$__rate_interval", "5m", "$__range", "1h", "$cluster", "demo|shop", "$instance", "a:9773|b:9773",
	).Replace(expr)
}

func TestMistakesAreFound(t *testing.T) {
	known := lint.Catalogue{
		"runs_total": {Name: "runs_total", Type: lint.Counter, Labels: []string{"cluster"}},
		"margin":     {Name: "margin", Type: lint.Gauge, Labels: []string{"cluster"}},
	}
	for _, tc := range []struct{ expr, kind, want string }{
		{`sum(rate(runs_total{cluster=~"$cluster"}[$__rate_interval]))`, "timeseries", ""},
		{`max by (cluster) (margin)`, "stat", ""},
		{`rate(runs_total[5m])`, "timeseries", "a fixed range"},
		{`increase(runs_total[$__range])`, "timeseries", "$__range over time"},
		{`increase(runs_total[$__range])`, "table", ""},
		{`margin{cluster="$cluster"}`, "stat", "wants =~"},
		{`sum(runs_total)`, "timeseries", "is a counter"},
		{`rate(margin[$__rate_interval])`, "timeseries", "margin"},
		{`nothing`, "stat", "nothing"},
		{`margin{member="a"}`, "stat", "member"},
	} {
		found := strings.Join(mistakes(tc.expr, tc.kind, known), "; ")
		if tc.want == "" && found != "" || !strings.Contains(found, tc.want) {
			t.Errorf("%s in a %s: %q, want %q", tc.expr, tc.kind, found, tc.want)
		}
	}
}
