package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/nodegraph"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// panel is what a panel says: Grafana's JSON follows from it. Its methods return a
// changed copy.
type panel struct {
	kind               string
	title, about, unit string
	width, height      uint32
	queries            []query
	levels             []level
	words              map[string]word
	alerts             []string // whose pages it links to before those that links finds
	page               string   // of fettle's own pages, that it links to; empty: its dashboard's
	top                float64  // of the scale; 0: by the data
	bars               bool
	columns            []string          // of a table, in order
	names              map[string]string // of columns, in place of the labels'
}

// query asks Prometheus. A legend names what comes back.
type query struct {
	legend, expr string
	ref          string // A, B … where it is empty
}

// level is a colour from a value on; the first one has no value. Where limit names a
// threshold of the rules, the value is that one.
type level struct {
	colour string
	value  float64
	limit  string
}

// word is what a value is shown as.
type word struct{ text, colour string }

const (
	green  = "green"
	yellow = "yellow"
	orange = "orange"
	red    = "red"
	grey   = "#808080"
	blue   = "blue"
)

func ask(legend, expr string) query { return query{legend: legend, expr: expr} }

// one is a number, now.
func one(title, about string, width uint32, queries ...query) panel {
	return panel{kind: "stat", title: title, about: about, unit: "none", width: width, height: 5, queries: queries}
}

// lines are numbers over time.
func lines(title, about, unit string, width uint32, queries ...query) panel {
	return panel{kind: "timeseries", title: title, about: about, unit: unit, width: width, height: 8, queries: queries}
}

// states are what something was over time: bands of colour.
func states(title, about string, width uint32, queries ...query) panel {
	return panel{kind: "state-timeline", title: title, about: about, unit: "none", width: width, height: 8, queries: queries}
}

// shares are bars, now.
func shares(title, about, unit string, queries ...query) panel {
	return panel{kind: "bargauge", title: title, about: about, unit: unit, width: 8, height: 8, queries: queries}
}

// list is a table, now.
func list(title, about string, width uint32, expr string, columns ...string) panel {
	return panel{kind: "table", title: title, about: about, unit: "none", width: width, height: 8, queries: []query{{expr: expr}}, columns: columns}
}

// graph is nodes and edges: the labels of the one are id, title and color, of the other
// id, source and target.
func graph(title, about string, width uint32, nodes, edges string) panel {
	return panel{kind: "nodeGraph", title: title, about: about, unit: "none", width: width, height: 10, queries: []query{{ref: "nodes", expr: nodes}, {ref: "edges", expr: edges}}}
}

func (p panel) tall(h uint32) panel                { p.height = h; return p }
func (p panel) in(unit string) panel               { p.unit = unit; return p }
func (p panel) whole() panel                       { p.top = 1; return p }
func (p panel) asBars() panel                      { p.bars = true; return p }
func (p panel) opens(page string) panel            { p.page = page; return p }
func (p panel) see(alerts ...string) panel         { p.alerts = alerts; return p }
func (p panel) call(names map[string]string) panel { p.names = names; return p }
func (p panel) level(base string, l ...level) panel {
	p.levels = append([]level{{colour: base}}, l...)
	return p
}
func (p panel) say(words map[string]word) panel { p.words = words; return p }
func at(value float64, colour string) level     { return level{colour: colour, value: value} }
func limit(name, colour string) level           { return level{colour: colour, limit: name} }
func (p panel) good() panel                     { return p.level(red, at(1, green)).say(yes("yes", "no")) }
func (p panel) bad() panel {
	return p.level(green, at(1, red)).say(map[string]word{"0": {"no", green}, "1": {"yes", red}})
}

// yes are the words of a state that should be 1.
func yes(is, not string) map[string]word {
	return map[string]word{"1": {is, green}, "0": {not, red}}
}

// render is the panel in Grafana's words.
func (p panel) render(id uint32, at dashboard.GridPos, from origin) (dashboard.Panel, error) {
	defaults, err := p.defaults(from.limits)
	if err != nil {
		return dashboard.Panel{}, fmt.Errorf("%s: %w", p.title, err)
	}
	out := dashboard.Panel{
		Id: &id, Type: p.kind, Title: &p.title, Description: &p.about, Datasource: source(), GridPos: &at,
		FieldConfig: &dashboard.FieldConfigSource{Defaults: defaults, Overrides: []dashboard.DashboardFieldConfigSourceOverrides{}},
		Options:     p.options(),
	}
	for i, q := range p.queries {
		out.Targets = append(out.Targets, p.target(i, q))
	}
	for _, alert := range p.links(from.alerts) {
		out.Links = append(out.Links, link(alert, pages+alert+".md", "What the alert means and what to do", true))
	}
	out.Links = append(out.Links, link("In fettle", "${fettle_url}"+p.page, "fettle's own page about it: what it does, what it did not dare, and why", true))
	if p.kind == "table" {
		out.Transformations, out.FieldConfig.Overrides = p.table()
	}
	if p.kind == "nodeGraph" {
		out.Transformations = []dashboard.DataTransformerConfig{{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true, "Value #nodes": true, "Value #edges": true},
		}}}
	}
	return out, nil
}

// target is a query. What is shown as of now is asked for now only.
func (p panel) target(i int, q query) variants.Dataquery {
	now := p.kind != "timeseries" && p.kind != "state-timeline"
	over, format, mode := !now, prometheus.PromQueryFormatTimeSeries, prometheus.QueryEditorModeCode
	if p.kind == "table" || p.kind == "nodeGraph" {
		format = prometheus.PromQueryFormatTable
	}
	if q.ref == "" {
		q.ref = "ABCDEFGH"[i : i+1]
	}
	return &prometheus.Dataquery{
		RefId: &q.ref, Expr: q.expr, LegendFormat: &q.legend, Datasource: source(), EditorMode: &mode,
		Instant: &now, Range: &over, Format: &format,
	}
}

// defaults are unit, colours and words.
func (p panel) defaults(l limits) (dashboard.FieldConfig, error) {
	d := dashboard.FieldConfig{Unit: &p.unit}
	if p.top > 0 {
		zero := 0.0
		d.Min, d.Max = &zero, &p.top
	}
	steps := []dashboard.Threshold{}
	for i, s := range p.levels {
		if s.limit != "" {
			var known bool
			if s.value, known = l[s.limit]; !known {
				return d, fmt.Errorf("rules/thresholds.yml has no %s", s.limit)
			}
		}
		step := dashboard.Threshold{Color: s.colour}
		if i > 0 {
			step.Value = &s.value
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		steps = append(steps, dashboard.Threshold{Color: map[bool]string{true: green, false: blue}[p.kind == "timeseries"]})
	}
	d.Thresholds = &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: steps}
	mode := dashboard.FieldColorModeIdThresholds
	if p.kind == "timeseries" {
		mode = dashboard.FieldColorModeIdPaletteClassic
		d.Custom = p.drawing()
	}
	if p.kind == "state-timeline" {
		d.Custom = statetimeline.FieldConfig{FillOpacity: pointer(uint32(80)), LineWidth: pointer(uint32(0))}
	}
	d.Color = &dashboard.FieldColor{Mode: mode}
	if len(p.words) > 0 {
		results := map[string]dashboard.ValueMappingResult{}
		for value, w := range p.words {
			results[value] = dashboard.ValueMappingResult{Text: &w.text, Color: &w.colour}
		}
		d.Mappings = []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: results}}}
	}
	return d, nil
}

// drawing is how lines and bars look. A gap stays a gap: what is not known is not drawn.
func (p panel) drawing() timeseries.FieldConfig {
	c := timeseries.FieldConfig{
		DrawStyle: pointer(common.GraphDrawStyleLine), LineWidth: pointer(1.0), FillOpacity: pointer(0.0),
		ShowPoints: pointer(common.VisibilityModeAuto), SpanNulls: &common.BoolOrFloat64{Bool: pointer(false)},
	}
	if p.bars {
		c.DrawStyle, c.FillOpacity = pointer(common.GraphDrawStyleBars), pointer(60.0)
		c.Stacking = &common.StackingConfig{Mode: pointer(common.StackingModeNormal), Group: pointer("A")}
	}
	if len(p.levels) > 1 {
		c.ThresholdsStyle = &common.GraphThresholdsStyleConfig{Mode: common.GraphThresholdsStyleModeDashed}
	}
	return c
}

func (p panel) options() any {
	switch p.kind {
	case "timeseries":
		o := timeseries.NewOptions()
		o.Legend = common.VizLegendOptions{DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, ShowLegend: true, Calcs: []string{}}
		o.Tooltip = common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
		return o
	case "state-timeline":
		o := statetimeline.NewOptions()
		o.ShowValue, o.RowHeight, o.MergeValues = common.VisibilityModeNever, 0.9, pointer(true)
		o.Legend = common.VizLegendOptions{DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, ShowLegend: true, Calcs: []string{}}
		o.Tooltip = common.VizTooltipOptions{Mode: common.TooltipDisplayModeSingle, Sort: common.SortOrderNone}
		return o
	case "bargauge":
		o := bargauge.NewOptions()
		o.DisplayMode, o.Orientation, o.ReduceOptions = common.BarGaugeDisplayModeBasic, common.VizOrientationHorizontal, last()
		return o
	case "stat":
		o := stat.NewOptions()
		o.GraphMode, o.ColorMode, o.ReduceOptions = common.BigValueGraphModeNone, common.BigValueColorModeBackground, last()
		o.TextMode, o.Orientation = common.BigValueTextModeValueAndName, common.VizOrientationAuto
		return o
	case "table":
		o := table.NewOptions()
		o.Footer = nil
		return o
	default:
		return nodegraph.NewOptions()
	}
}

func last() common.ReduceDataOptions {
	return common.ReduceDataOptions{Calcs: []string{"lastNotNull"}, Fields: pointer("")}
}

// table orders and names the columns; an alert's name leads to its page.
func (p panel) table() ([]dashboard.DataTransformerConfig, []dashboard.DashboardFieldConfigSourceOverrides) {
	index := map[string]int{}
	hidden := map[string]bool{"Time": true, "Value": true}
	for i, c := range p.columns {
		index[c] = i
		delete(hidden, c)
	}
	names := p.names
	if names == nil {
		names = map[string]string{}
	}
	overrides := []dashboard.DashboardFieldConfigSourceOverrides{}
	if _, ok := index["alertname"]; ok {
		to := link("What it means and what to do", pages+"${__value.raw}.md", "", true)
		name := "alertname"
		if other := names[name]; other != "" {
			name = other
		}
		overrides = append(overrides, dashboard.DashboardFieldConfigSourceOverrides{
			Matcher:    dashboard.MatcherConfig{Id: "byName", Options: name},
			Properties: []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{"title": to.Title, "url": *to.Url, "targetBlank": true}}}},
		})
	}
	return []dashboard.DataTransformerConfig{{Id: "organize", Options: map[string]any{
		"excludeByName": hidden, "indexByName": index, "renameByName": names,
	}}}, overrides
}

func pointer[T any](v T) *T { return &v }
