package dashboards_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/dashboards"
)

func TestDashboards(t *testing.T) {
	for _, found := range findings(load(t), catalogue(t)) {
		t.Error(found)
	}
}

// Each thing that TestDashboards looks for is found where it is wrong.
func TestFindings(t *testing.T) {
	known, all := catalogue(t), load(t)
	for name, d := range all { // of the others only the frame counts
		d.Panels = nil
		all[name] = d
	}
	content, err := fs.ReadFile(dashboards.FS(), "overview.json")
	if err != nil {
		t.Fatal(err)
	}
	panelOf := func(d *dashboard, kind string) *panel {
		i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Type == kind })
		if i < 0 {
			t.Fatalf("%s has no %s", d.Title, kind)
		}
		return &d.Panels[i]
	}
	stat := func(d *dashboard) *panel { return panelOf(d, "stat") }
	for _, tc := range []struct {
		name, want string
		spoil      func(d *dashboard)
	}{
		{"another's uid", "also of", func(d *dashboard) { d.UID = "fettle-raft" }},
		{"no title", "want a title", func(d *dashboard) { d.Title = "" }},
		{"no description", "want a title", func(d *dashboard) { d.Description = "" }},
		{"no tag", "the tag fettle", func(d *dashboard) { d.Tags = nil }},
		{"a newer schema", "schemaVersion 39", func(d *dashboard) { d.SchemaVersion = 39 }},
		{"editable", "can be edited", func(d *dashboard) { *d.Editable = true }},
		{"a link that forgets the time", "no link to raft.json", func(d *dashboard) {
			d.Links[slices.IndexFunc(d.Links, func(l link) bool { return l.URL == "/d/fettle-raft" })].KeepTime = false
		}},
		{"no way to fettle", "no link to fettle's own pages", func(d *dashboard) { d.Links = d.Links[:len(d.Links)-1] }},
		{"a variable less", "variables [", func(d *dashboard) { d.Templating.List = d.Templating.List[1:] }},
		{"a variable of one value", "one for several values", func(d *dashboard) { d.Templating.List[1].Multi = false }},
		{"a variable of no metric", "variable cluster", func(d *dashboard) { d.Templating.List[1].Definition = "label_values(nothing, cluster)" }},
		{"where fettle is, in the URL", "must not say where fettle is", func(d *dashboard) { d.Templating.List[3].SkipURLSync = false }},
		{"no marks", "marks no outcomes", func(d *dashboard) { d.Annotations.List = d.Annotations.List[:1] }},
		{"marks in seconds", "in milliseconds", func(d *dashboard) {
			d.Annotations.List[1].Expr = strings.TrimSuffix(d.Annotations.List[1].Expr, " * 1000")
		}},
		{"marks that are hidden", "is not shown", func(d *dashboard) { d.Annotations.List[1].Hide = true }},
		{"marks of one data source", "annotation", func(d *dashboard) { d.Annotations.List[1].Datasource.UID = "abc" }},
		{"an id twice", "is taken", func(d *dashboard) { d.Panels[2].ID = d.Panels[1].ID }},
		{"a title twice", "is there twice", func(d *dashboard) { d.Panels[2].Title = d.Panels[1].Title }},
		{"panels that overlap", "overlaps", func(d *dashboard) { d.Panels[2].GridPos = d.Panels[1].GridPos }},
		{"panels that overlap in a folded row", "overlaps", func(d *dashboard) {
			d.Panels = append(d.Panels, panel{Type: "row", Panels: []panel{*stat(d), *stat(d)}})
		}},
		{"a panel beside the grid", "does not fit", func(d *dashboard) { d.Panels[1].GridPos.X = 23 }},
		{"an old kind", "no kind of panel", func(d *dashboard) { d.Panels[1].Type = "graph" }},
		{"an open row with panels", "a row has a title", func(d *dashboard) { panelOf(d, "row").Panels = []panel{*stat(d)} }},
		{"no unit", "a unit of", func(d *dashboard) { stat(d).FieldConfig.Defaults.Unit = "" }},
		{"no panel's description", "a description", func(d *dashboard) { stat(d).Description = "" }},
		{"a panel's own data source", ": datasource", func(d *dashboard) { stat(d).Datasource.UID = "abc" }},
		{"a query's own data source", "the query's datasource", func(d *dashboard) { stat(d).Targets[0].Datasource.UID = "" }},
		{"no query", "asks nothing", func(d *dashboard) { stat(d).Targets = nil }},
		{"no refId", "refId", func(d *dashboard) { stat(d).Targets[0].RefID = "" }},
		{"no legend", "without a legend", func(d *dashboard) { stat(d).Targets[0].LegendFormat = "" }},
		{"a number over time", "a stat that asks", func(d *dashboard) { stat(d).Targets[0].Range = true }},
		{"a graph without edges", "nodes and edges", func(d *dashboard) { panelOf(d, "nodeGraph").Targets[1].RefID = "B" }},
		{"a fixed range", "a fixed range", func(d *dashboard) { stat(d).Targets[0].Expr = "rate(fettle_run_outcomes_total[5m])" }},
		{"no such variable", "no variable job", func(d *dashboard) { stat(d).Targets[0].Expr = `up{job="$job"}` }},
		{"a legend of no label", "the legend names member", func(d *dashboard) { stat(d).Targets[0].LegendFormat = "{{member}}" }},
		{"a column of no label", "the column peer", func(d *dashboard) {
			panelOf(d, "table").Transformations[0].Options.IndexByName["peer"] = 7
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var d dashboard
			if err := json.Unmarshal(content, &d); err != nil {
				t.Fatal(err)
			}
			tc.spoil(&d)
			all["overview.json"] = d
			found := findings(all, known)
			if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, tc.want) }) {
				t.Errorf("%q: want one with %q", found, tc.want)
			}
		})
	}
}
