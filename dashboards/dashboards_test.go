package dashboards_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules/lint"
)

func TestFrame(t *testing.T) {
	uids := map[string]string{}
	all := load(t)
	for name, d := range all {
		if other, twice := uids[d.UID]; twice || d.UID == "" {
			t.Errorf("%s: uid %q, also of %q", name, d.UID, other)
		}
		uids[d.UID] = name
		if d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "fettle") {
			t.Errorf("%s: want a title, a description and the tag fettle", name)
		}
		if d.SchemaVersion != 38 {
			t.Errorf("%s: schemaVersion %d: 38 is Grafana 10.0's, and newer ones migrate it", name, d.SchemaVersion)
		}
		if d.Editable == nil || *d.Editable {
			t.Errorf("%s can be edited: what is changed there is lost with the next release", name)
		}
	}
	for name, d := range all {
		for uid, other := range uids {
			if other != name && !slices.Contains(d.Links, link{URL: "/d/" + uid, KeepTime: true, IncludeVars: true}) {
				t.Errorf("%s has no link to %s that keeps time and variables", name, other)
			}
		}
		if !slices.Contains(d.Links, link{URL: "${fettle_url}/"}) {
			t.Errorf("%s has no link to fettle's own pages", name)
		}
	}
}

// All dashboards have the same variables: links between them keep all.
func TestVariables(t *testing.T) {
	for name, d := range load(t) {
		var names []string
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
			if v.Type == "query" && (v.Datasource != prometheus || v.Refresh != 2 || !v.Multi || !v.IncludeAll || v.AllValue != ".+") {
				t.Errorf("%s: variable %s: want the chosen data source, one for several values and all of them, asked again with the time range: %+v", name, v.Name, v)
			}
			if v.Name == "fettle_url" && (v.Type != "constant" || !v.SkipURLSync) {
				t.Errorf("%s: fettle_url is a %s: a link to the dashboard must not say where fettle is", name, v.Type)
			}
		}
		if want := []string{"datasource", "cluster", "instance", "fettle_url"}; !slices.Equal(names, want) {
			t.Errorf("%s: variables %v, want %v", name, names, want)
		}
	}
}

var prometheus = datasource{Type: "prometheus", UID: "${datasource}"} //nolint:gochecknoglobals // a constant

func TestPanels(t *testing.T) {
	kinds := []string{"row", "stat", "timeseries", "state-timeline", "bargauge", "table", "nodeGraph"}
	units := []string{"none", "short", "percentunit", "s", "bytes", "Bps", "pps", "cps", "reqps"} // as Grafana calls them
	for name, d := range load(t) {
		ids, titles := map[int]bool{}, map[string]bool{}
		for i, p := range d.Panels {
			at := name + ": " + p.Title
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: id %d is taken", at, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.W <= 0 || p.GridPos.H <= 0 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: does not fit into the grid: %+v", at, p.GridPos)
			}
			for _, q := range d.Panels[:i] {
				if p.GridPos.overlaps(q.GridPos) {
					t.Errorf("%s overlaps %s", at, q.Title)
				}
			}
			if !slices.Contains(kinds, p.Type) {
				t.Errorf("%s: %s is no kind of panel that Grafana 10 brings along", at, p.Type)
			}
			if p.Type == "row" {
				continue
			}
			if titles[p.Title] {
				t.Errorf("%s is there twice", at)
			}
			titles[p.Title] = true
			if p.Title == "" || len(p.Description) < 15 || !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
				t.Errorf("%s: want a title, a description and a unit of %v, not %q", at, units, p.FieldConfig.Defaults.Unit)
			}
			checkTargets(t, at, p)
		}
	}
}

func checkTargets(t *testing.T, at string, p panel) {
	t.Helper()
	if p.Datasource != prometheus {
		t.Errorf("%s: datasource %v", at, p.Datasource)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%s asks nothing", at)
	}
	tabular, over := p.Type == "table" || p.Type == "nodeGraph", p.Type == "timeseries" || p.Type == "state-timeline"
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != prometheus {
			t.Errorf("%s: the query's datasource is %v", at, q.Datasource)
		}
		if q.RefID == "" || refs[q.RefID] {
			t.Errorf("%s: refId %q is missing or taken", at, q.RefID)
		}
		refs[q.RefID] = true
		if q.LegendFormat == "" && !tabular {
			t.Errorf("%s: a query without a legend", at)
		}
		if q.Instant == over || q.Range != over || (q.Format == "table") != tabular {
			t.Errorf("%s: a %s that asks instant %v, range %v, as %s", at, p.Type, q.Instant, q.Range, q.Format)
		}
	}
	if p.Type == "nodeGraph" && (!refs["nodes"] || !refs["edges"]) {
		t.Errorf("%s: Grafana knows the two by their refIds nodes and edges, not by %v", at, refs)
	}
}

// ofPrometheus are series that nobody documents here: every process has them, or
// Prometheus makes them.
func ofPrometheus() lint.Catalogue {
	return lint.Catalogue{
		"ALERTS_FOR_STATE":              {Name: "ALERTS_FOR_STATE", Type: lint.Recorded},
		"process_cpu_seconds_total":     {Name: "process_cpu_seconds_total", Type: lint.Counter},
		"process_resident_memory_bytes": {Name: "process_resident_memory_bytes", Type: lint.Gauge},
		"process_open_fds":              {Name: "process_open_fds", Type: lint.Gauge},
		"process_max_fds":               {Name: "process_max_fds", Type: lint.Gauge},
	}
}

func TestExpressions(t *testing.T) {
	f, err := os.Open("../rules/testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known, err := lint.ReadCatalogue(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range ofPrometheus() {
		known[name] = m
	}
	query := regexp.MustCompile(`^label_values\((.*), \w+\)$`)
	for name, d := range load(t) {
		variables := map[string]bool{"__rate_interval": true, "__range": true}
		for _, v := range d.Templating.List {
			variables[v.Name] = true
			if m := query.FindStringSubmatch(v.Definition); m != nil {
				if err := lint.Expr(m[1], known); err != nil {
					t.Errorf("%s: variable %s: %v", name, v.Name, err)
				}
			} else if v.Type == "query" {
				t.Errorf("%s: variable %s: %q is no label_values", name, v.Name, v.Definition)
			}
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, m := range regexp.MustCompile(`\$\{?([A-Za-z_]\w+)`).FindAllStringSubmatch(q.Expr, -1) {
					if !variables[m[1]] {
						t.Errorf("%s: %s: there is no variable %s", name, p.Title, m[1])
					}
				}
				for _, wrong := range mistakes(q.Expr, p.Type, known) {
					t.Errorf("%s: %s: %s: %s", name, p.Title, wrong, q.Expr)
				}
			}
		}
		checkMarks(t, name, d, known)
	}
}

func checkMarks(t *testing.T, name string, d dashboard, known lint.Catalogue) {
	t.Helper()
	marks := 0
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 1 {
			continue
		}
		marks++
		if err := lint.Expr(withoutVariables(a.Expr), known); err != nil {
			t.Errorf("%s: annotation %s: %v", name, a.Name, err)
		}
		if a.UseValueForTime != "on" || !strings.Contains(a.Expr, "fettle_run_last_outcome_timestamp_seconds") || !strings.HasSuffix(a.Expr, " * 1000") {
			t.Errorf("%s: annotation %s: want the outcome's own time, in milliseconds", name, a.Name)
		}
		if a.Datasource.UID != "${datasource}" {
			t.Errorf("%s: annotation %s: datasource %v", name, a.Name, a.Datasource)
		}
	}
	if marks == 0 {
		t.Errorf("%s marks no outcomes", name)
	}
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
