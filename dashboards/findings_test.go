package dashboards_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/rules/lint"
)

var prometheus = datasource{Type: "prometheus", UID: "${datasource}"} //nolint:gochecknoglobals // a constant

// report gathers what is wrong.
type report struct{ found []string }

func (r *report) say(format string, a ...any) { r.found = append(r.found, fmt.Sprintf(format, a...)) }

// findings are what is wrong with the dashboards.
func findings(all map[string]dashboard, known lint.Catalogue) []string {
	r := &report{}
	r.frame(all)
	for name, d := range all {
		r.variables(name, d, known)
		r.marks(name, d, known)
		r.panels(name, d)
		for _, p := range d.all() {
			r.targets(name+": "+p.Title, p)
			r.expressions(name+": "+p.Title, p, known)
		}
	}
	return r.found
}

func (r *report) frame(all map[string]dashboard) {
	uids := map[string]string{}
	for name, d := range all {
		if other, twice := uids[d.UID]; twice || d.UID == "" {
			r.say("%s: uid %q, also of %q", name, d.UID, other)
		}
		uids[d.UID] = name
		if d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "fettle") {
			r.say("%s: want a title, a description and the tag fettle", name)
		}
		if d.SchemaVersion != 38 {
			r.say("%s: schemaVersion %d: 38 is Grafana 10.0's, and newer ones migrate it", name, d.SchemaVersion)
		}
		if d.Editable == nil || *d.Editable {
			r.say("%s can be edited: what is changed there is lost with the next release", name)
		}
	}
	for name, d := range all {
		for uid, other := range uids {
			if other != name && !slices.Contains(d.Links, link{URL: "/d/" + uid, KeepTime: true, IncludeVars: true}) {
				r.say("%s has no link to %s that keeps time and variables", name, other)
			}
		}
		if !slices.Contains(d.Links, link{URL: "${fettle_url}/"}) {
			r.say("%s has no link to fettle's own pages", name)
		}
	}
}

// variables are the same in all dashboards: links between them keep all.
func (r *report) variables(name string, d dashboard, known lint.Catalogue) {
	query := regexp.MustCompile(`^label_values\((.*), \w+\)$`)
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Name == "fettle_url" && (v.Type != "constant" || !v.SkipURLSync) {
			r.say("%s: fettle_url is a %s: a link to the dashboard must not say where fettle is", name, v.Type)
		}
		if v.Type != "query" {
			continue
		}
		if v.Datasource != prometheus || v.Refresh != 2 || !v.Multi || !v.IncludeAll || v.AllValue != ".+" {
			r.say("%s: variable %s: want the chosen data source, one for several values and all of them, asked again with the time range: %+v", name, v.Name, v)
		}
		m := query.FindStringSubmatch(v.Definition)
		if m == nil {
			r.say("%s: variable %s: %q is no label_values", name, v.Name, v.Definition)
		} else if err := lint.Expr(m[1], known); err != nil {
			r.say("%s: variable %s: %v", name, v.Name, err)
		}
	}
	if want := []string{"datasource", "cluster", "instance", "fettle_url"}; !slices.Equal(names, want) {
		r.say("%s: variables %v, want %v", name, names, want)
	}
}

// marks are the annotations.
func (r *report) marks(name string, d dashboard, known lint.Catalogue) {
	marks := 0
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 1 {
			continue
		}
		marks++
		if err := lint.Expr(withoutVariables(a.Expr), known); err != nil {
			r.say("%s: annotation %s: %v", name, a.Name, err)
		}
		if a.UseValueForTime != "on" || !strings.Contains(a.Expr, "fettle_run_last_outcome_timestamp_seconds") || !strings.HasSuffix(a.Expr, " * 1000") {
			r.say("%s: annotation %s: want the outcome's own time, in milliseconds", name, a.Name)
		}
		if a.Datasource.UID != "${datasource}" {
			r.say("%s: annotation %s: datasource %v", name, a.Name, a.Datasource)
		}
		if !a.Enable || a.Hide {
			r.say("%s: annotation %s is not shown", name, a.Name)
		}
	}
	if marks == 0 {
		r.say("%s marks no outcomes", name)
	}
}

func (r *report) panels(name string, d dashboard) {
	kinds := []string{"row", "stat", "timeseries", "state-timeline", "bargauge", "table", "nodeGraph"}
	units := []string{"none", "short", "percentunit", "s", "bytes", "Bps", "pps", "cps", "reqps", "celsius"} // as Grafana calls them
	for _, among := range append([]dashboard{d}, d.folded()...) {
		for i, p := range among.Panels {
			for _, q := range among.Panels[:i] {
				if p.GridPos.overlaps(q.GridPos) {
					r.say("%s: %s overlaps %s", name, p.Title, q.Title)
				}
			}
		}
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range d.all() {
		at := name + ": " + p.Title
		if ids[p.ID] || p.ID == 0 {
			r.say("%s: id %d is taken", at, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.W <= 0 || p.GridPos.H <= 0 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
			r.say("%s: does not fit into the grid: %+v", at, p.GridPos)
		}
		if !slices.Contains(kinds, p.Type) {
			r.say("%s: %s is no kind of panel that Grafana 10 brings along", at, p.Type)
		}
		if p.Type == "row" {
			if p.Title == "" || p.Collapsed != (len(p.Panels) > 0) {
				r.say("%s: a row has a title, and panels inside if it is folded", at)
			}
			continue
		}
		if titles[p.Title] {
			r.say("%s is there twice", at)
		}
		titles[p.Title] = true
		if p.Title == "" || len(p.Description) < 15 || !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
			r.say("%s: want a title, a description and a unit of %v, not %q", at, units, p.FieldConfig.Defaults.Unit)
		}
	}
}

func (r *report) targets(at string, p panel) {
	if p.Type == "row" {
		return
	}
	if p.Datasource != prometheus {
		r.say("%s: datasource %v", at, p.Datasource)
	}
	if len(p.Targets) == 0 {
		r.say("%s asks nothing", at)
	}
	tabular, over := p.Type == "table" || p.Type == "nodeGraph", p.overTime()
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != prometheus {
			r.say("%s: the query's datasource is %v", at, q.Datasource)
		}
		if q.RefID == "" || refs[q.RefID] {
			r.say("%s: refId %q is missing or taken", at, q.RefID)
		}
		refs[q.RefID] = true
		if q.LegendFormat == "" && !tabular {
			r.say("%s: a query without a legend", at)
		}
		if q.Instant == over || q.Range != over || (q.Format == "table") != tabular {
			r.say("%s: a %s that asks instant %v, range %v, as %s", at, p.Type, q.Instant, q.Range, q.Format)
		}
	}
	if p.Type == "nodeGraph" && (!refs["nodes"] || !refs["edges"]) {
		r.say("%s: Grafana knows the two by their refIds nodes and edges, not by %v", at, refs)
	}
}

// expressions are the queries, and what a panel makes of their labels.
func (r *report) expressions(at string, p panel, known lint.Catalogue) {
	for _, q := range p.Targets {
		for _, m := range regexp.MustCompile(`\$\{?([A-Za-z_]\w+)`).FindAllStringSubmatch(q.Expr, -1) {
			if !slices.Contains([]string{"__rate_interval", "__range", "cluster", "instance"}, m[1]) {
				r.say("%s: there is no variable %s", at, m[1])
			}
		}
		wrong := mistakes(q.Expr, p.Type, known)
		for _, w := range wrong {
			r.say("%s: %s: %s", at, w, q.Expr)
		}
		if len(wrong) > 0 {
			continue
		}
		labels, err := lint.Labels(withoutVariables(q.Expr), known)
		if err != nil {
			r.say("%s: %v", at, err)
		}
		if strings.Contains(q.Expr, "label_") { // it makes labels: which ones, nobody works out here
			continue
		}
		for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.LegendFormat, -1) {
			if !slices.Contains(labels, m[1]) {
				r.say("%s: the legend names %s, but what comes back has the labels %v", at, m[1], labels)
			}
		}
		for _, change := range p.Transformations {
			for column := range change.Options.IndexByName {
				if column != "Value" && !slices.Contains(labels, column) {
					r.say("%s: the column %s, but what comes back has the labels %v", at, column, labels)
				}
			}
		}
	}
}
