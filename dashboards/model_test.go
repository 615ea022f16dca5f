package dashboards_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"slices"
	"testing"

	"github.com/fettle-io/fettle/dashboards"
)

// dashboard is what is asked here of Grafana's dashboard JSON.
type dashboard struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	SchemaVersion int      `json:"schemaVersion"`
	Tags          []string `json:"tags"`
	Editable      *bool    `json:"editable"`
	Links         []link   `json:"links"`
	Annotations   struct {
		List []struct {
			Name            string     `json:"name"`
			BuiltIn         int        `json:"builtIn"`
			Enable          bool       `json:"enable"`
			Hide            bool       `json:"hide"`
			Datasource      datasource `json:"datasource"`
			Expr            string     `json:"expr"`
			UseValueForTime string     `json:"useValueForTime"`
		} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []struct {
			Name        string     `json:"name"`
			Type        string     `json:"type"`
			Definition  string     `json:"definition"`
			Datasource  datasource `json:"datasource"`
			Refresh     int        `json:"refresh"`
			Multi       bool       `json:"multi"`
			IncludeAll  bool       `json:"includeAll"`
			AllValue    string     `json:"allValue"`
			SkipURLSync bool       `json:"skipUrlSync"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

// all are the panels and the rows, with those inside folded rows.
func (d dashboard) all() (all []panel) {
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

// folded are the panels of each folded row.
func (d dashboard) folded() (rows []dashboard) {
	for _, p := range d.Panels {
		if p.Collapsed || len(p.Panels) > 0 {
			rows = append(rows, dashboard{Panels: p.Panels})
		}
	}
	return rows
}

type link struct {
	URL         string `json:"url"`
	KeepTime    bool   `json:"keepTime"`
	IncludeVars bool   `json:"includeVars"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     place      `json:"gridPos"`
	Links       []link     `json:"links"`
	Collapsed   bool       `json:"collapsed"` // a row
	Panels      []panel    `json:"panels"`    // of a collapsed row
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			Thresholds struct {
				Steps []struct {
					Value *float64 `json:"value"`
				} `json:"steps"`
			} `json:"thresholds"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		RefID        string     `json:"refId"`
		Datasource   datasource `json:"datasource"`
		Expr         string     `json:"expr"`
		LegendFormat string     `json:"legendFormat"`
		Instant      bool       `json:"instant"`
		Range        bool       `json:"range"`
		Format       string     `json:"format"`
	} `json:"targets"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			IndexByName map[string]int `json:"indexByName"`
		} `json:"options"`
	} `json:"transformations"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// place is a panel's rectangle, in Grafana's grid of 24 columns.
type place struct{ X, Y, W, H int }

func (p place) overlaps(q place) bool {
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}

// steps are the panel's thresholds, without the base.
func (p panel) steps() (values []float64) {
	for _, s := range p.FieldConfig.Defaults.Thresholds.Steps {
		if s.Value != nil {
			values = append(values, *s.Value)
		}
	}
	return values
}

// overTime tells whether it shows what was, and not what is now.
func (p panel) overTime() bool { return p.Type == "timeseries" || p.Type == "state-timeline" }

// load reads every dashboard as it is embedded.
func load(t *testing.T) map[string]dashboard {
	t.Helper()
	names, err := dashboards.List()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"balancers.json", "node.json", "overview.json", "probes.json", "raft.json", "repairs.json", "replication.json", "self.json"}; !slices.Equal(names, want) {
		t.Fatalf("embedded: %v, want %v", names, want)
	}
	all := map[string]dashboard{}
	for _, name := range names {
		content, err := fs.ReadFile(dashboards.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d

		var tidy bytes.Buffer
		if err := json.Indent(&tidy, bytes.TrimSpace(content), "", "  "); err != nil {
			t.Fatal(err)
		}
		if tidy.String()+"\n" != string(content) {
			t.Errorf("%s is not indented by two spaces", name)
		}
	}
	return all
}
