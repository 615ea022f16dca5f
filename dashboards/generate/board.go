package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// pages is where the alerts' pages are.
const pages = "https://github.com/fettle-io/fettle/blob/main/docs/alerts/"

// board is a dashboard: rows of panels, which are placed from left to right.
type board struct {
	file, uid, title, about string
	page                    string // of fettle's own pages, that its panels link to
	rows                    []row
	folded                  []row // below the others: to be opened by who has the system
}

// origin is what panels are made of beside their own words: the rules.
type origin struct {
	limits limits
	alerts []alert
}

type row struct {
	title  string
	panels []panel
}

func (b board) panels() (all []panel) {
	for _, r := range slices.Concat(b.rows, b.folded) {
		all = append(all, r.panels...)
	}
	return all
}

// json is the dashboard's file.
func (b board) json(from origin, all []board) ([]byte, error) {
	d := dashboard.NewDashboard()
	d.Uid, d.Title, d.Description, d.Tags = &b.uid, pointer("fettle / "+b.title), &b.about, []string{"fettle"}
	// 38 is Grafana 10.0's, and newer ones migrate it.
	d.SchemaVersion = 38
	d.Editable, d.GraphTooltip, d.Refresh = pointer(false), pointer(dashboard.DashboardCursorSyncCrosshair), pointer("30s")
	d.Time = &dashboard.DashboardDashboardTime{From: "now-1h", To: "now"}
	d.Timezone = pointer("browser")
	d.Templating.List = variables()
	for _, other := range all {
		if other.uid != b.uid {
			d.Links = append(d.Links, between(other))
		}
	}
	d.Links = append(d.Links, link("fettle", "${fettle_url}/", "fettle's own pages", true))
	var errs []error
	id, y := uint32(0), uint32(0)
	for i, r := range slices.Concat(b.rows, b.folded) {
		id++
		head := &dashboard.RowPanel{Type: "row", Title: &r.title, Id: id, Panels: []dashboard.Panel{}, GridPos: &dashboard.GridPos{X: 0, Y: y, W: 24, H: 1}}
		panels, below, err := r.place(&id, y+1, b.page, from)
		errs = append(errs, err)
		d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{RowPanel: head})
		if i >= len(b.rows) { // Grafana has the panels of a folded row inside it, and no height for them
			head.Collapsed, head.Panels, y = true, panels, y+1
			continue
		}
		for _, p := range panels {
			d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{Panel: &p})
		}
		y = below
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return finish(d)
}

// place puts the row's panels from left to right, below y, and says where the next row is.
func (r row) place(id *uint32, y uint32, page string, from origin) (panels []dashboard.Panel, below uint32, err error) {
	x, height := uint32(0), uint32(0)
	var errs []error
	for _, p := range r.panels {
		if x+p.width > 24 {
			x, y, height = 0, y+height, 0
		}
		*id++
		p.page = cmp.Or(p.page, page)
		rendered, err := p.render(*id, dashboard.GridPos{X: x, Y: y, W: p.width, H: p.height}, from)
		errs = append(errs, err)
		panels = append(panels, rendered)
		x, height = x+p.width, max(height, p.height)
	}
	return panels, y + height, errors.Join(errs...)
}

// finish adds the annotations, of which the SDK does not know all that Grafana reads.
func finish(d *dashboard.Dashboard) ([]byte, error) {
	content, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		return nil, err
	}
	doc["annotations"] = map[string]any{"list": annotations()}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// annotations mark the end of runs on every panel, at the time when they ended.
func annotations() []map[string]any {
	list := []map[string]any{{
		"builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard", "enable": true, "hide": true,
		"datasource": map[string]any{"type": "grafana", "uid": "-- Grafana --"}, "iconColor": "rgba(0, 211, 255, 1)",
	}}
	for _, a := range []struct{ name, outcomes, colour string }{
		{"Repaired", `="repaired"`, green}, {"Failed or unknown", `=~"failed|unknown"`, red}, {"Blocked", `="blocked"`, orange},
	} {
		list = append(list, map[string]any{
			"name": a.name, "datasource": source(), "enable": true, "hide": false, "iconColor": a.colour,
			"expr":        fmt.Sprintf("max by (playbook, outcome) (fettle_run_last_outcome_timestamp_seconds{outcome%s}) * 1000", a.outcomes),
			"step":        "",
			"titleFormat": "{{playbook}}: {{outcome}}", "textFormat": "", "tagKeys": "playbook,outcome", "useValueForTime": "on",
		})
	}
	return list
}

// variables are the same in all dashboards, so that links between them keep all.
func variables() []dashboard.VariableModel {
	everything := &dashboard.VariableOption{
		Selected: pointer(true), Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	}
	several := func(name, label, about, query string) dashboard.VariableModel {
		return dashboard.VariableModel{
			Type: dashboard.VariableTypeQuery, Name: name, Label: &label, Description: &about, Datasource: source(), Definition: &query,
			Query:   &dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": name}},
			Refresh: pointer(dashboard.VariableRefreshOnTimeRangeChanged), Sort: pointer(dashboard.VariableSortAlphabeticalAsc),
			Multi: pointer(true), IncludeAll: pointer(true), AllValue: pointer(".+"), Current: everything,
		}
	}
	const console = "http://127.0.0.1:9774"
	here := dashboard.StringOrArrayOfString{String: pointer(console)}
	return []dashboard.VariableModel{
		{
			Type: dashboard.VariableTypeDatasource, Name: "datasource", Label: pointer("Data source"), Description: pointer("The Prometheus that scrapes fettle"),
			Query: &dashboard.StringOrMap{String: pointer("prometheus")}, Refresh: pointer(dashboard.VariableRefreshOnDashboardLoad), Current: &dashboard.VariableOption{
				Text: dashboard.StringOrArrayOfString{String: pointer("")}, Value: dashboard.StringOrArrayOfString{String: pointer("")},
			},
		},
		several("cluster", "Cluster", "Clusters of the inventory", "label_values(fettle_member_reachable, cluster)"),
		several("instance", "Machine", "Exporters, one on each machine", `label_values(up{job="fettle_exporter"}, instance)`),
		{
			// Not to be set in a URL: a link to a dashboard could lead people elsewhere.
			Type: dashboard.VariableTypeConstant, Name: "fettle_url", Label: pointer("fettle"), Description: pointer("Where browsers find fettle's own pages"),
			Query: &dashboard.StringOrMap{String: pointer(console)}, Hide: pointer(dashboard.VariableHideHideVariable), SkipUrlSync: pointer(true),
			Current: &dashboard.VariableOption{Text: here, Value: here},
		},
	}
}

func source() *common.DataSourceRef {
	return &common.DataSourceRef{Type: pointer("prometheus"), Uid: pointer("${datasource}")}
}

// between leads to another of the dashboards.
func between(b board) dashboard.DashboardLink {
	l := link(b.title, "/d/"+b.uid, b.about, false)
	l.Icon, l.KeepTime, l.IncludeVars = "dashboard", true, true
	return l
}

func link(title, url, tooltip string, blank bool) dashboard.DashboardLink {
	return dashboard.DashboardLink{Title: title, Type: dashboard.DashboardLinkTypeLink, Icon: "external link", Tooltip: tooltip, Url: &url, Tags: []string{}, TargetBlank: blank}
}
