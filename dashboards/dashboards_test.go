package dashboards_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

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
		variables := map[string]string{}
		for _, v := range d.Templating.List {
			variables[v.Name] = v.Definition
		}
		if _, ok := variables["datasource"]; !ok {
			t.Errorf("%s has no variable datasource", name)
		}
		if want := "label_values(fettle_raft_voters, cluster)"; variables["cluster"] != want {
			t.Errorf("%s: cluster is %q, want %q", name, variables["cluster"], want)
		}
	}
	for name, d := range all {
		for other, uid := range map[string]string{"overview.json": "fettle-overview", "repairs.json": "fettle-repairs"} {
			linked := false
			for _, l := range d.Links {
				linked = linked || l.URL == "/d/"+uid && l.KeepTime && l.IncludeVars
			}
			if other != name && !linked {
				t.Errorf("%s has no link to %s that keeps time and variables", name, other)
			}
		}
	}
}

func TestPanels(t *testing.T) {
	for name, d := range load(t) {
		ids := map[int]bool{}
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
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || len(p.Description) < 20 || p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: want a title, a description and a unit", at)
			}
			checkTargets(t, at, p)
		}
	}
}

func checkTargets(t *testing.T, at string, p panel) {
	t.Helper()
	prometheus := datasource{Type: "prometheus", UID: "${datasource}"}
	if p.Datasource != prometheus {
		t.Errorf("%s: datasource %v", at, p.Datasource)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%s asks nothing", at)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != prometheus {
			t.Errorf("%s: the query's datasource is %v", at, q.Datasource)
		}
		if q.RefID == "" || refs[q.RefID] {
			t.Errorf("%s: refId %q is missing or taken", at, q.RefID)
		}
		refs[q.RefID] = true
		if q.LegendFormat == "" && p.Type != "table" {
			t.Errorf("%s: a query without a legend", at)
		}
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
	fixedRange := regexp.MustCompile(`\[\d`)
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
		check := func(what, expr string) {
			for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(expr, -1) {
				if !variables[m[1]] {
					t.Errorf("%s: %s: there is no variable %s", name, what, m[1])
				}
			}
			if fixedRange.MatchString(expr) {
				t.Errorf("%s: %s: a fixed range: want $__rate_interval or $__range: %s", name, what, expr)
			}
			if err := lint.Expr(withoutVariables(expr), known); err != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				check(p.Title, q.Expr)
			}
		}
		marks := 0
		for _, a := range d.Annotations.List {
			if a.BuiltIn == 1 {
				continue
			}
			marks++
			check("annotation "+a.Name, a.Expr)
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
}

// withoutVariables puts values where Grafana would.
func withoutVariables(expr string) string {
	return strings.NewReplacer(
		"$__rate_interval", "5m", "$__range", "1h", "$cluster", "demo", "$instance", "a:9773",
	).Replace(expr)
}
