package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What Grafana's schema does not have, or does not allow, is refused, however deep it is.
func TestConforms(t *testing.T) {
	content, err := os.ReadFile("../overview.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := conforms(content); err != nil {
		t.Error(err)
	}
	panel := func(doc map[string]any, kind string) map[string]any {
		for _, one := range doc["panels"].([]any) {
			if p := one.(map[string]any); p["type"] == kind {
				return p
			}
		}
		t.Fatalf("there is no %s", kind)
		return nil
	}
	in := func(of map[string]any, keys ...string) map[string]any {
		for _, key := range keys {
			of = of[key].(map[string]any)
		}
		return of
	}
	for _, tc := range []struct {
		name, want string
		spoil      func(doc map[string]any)
	}{
		{"a field of the dashboard", "titel", func(doc map[string]any) { doc["titel"] = "x" }},
		{"a field of a panel", "unit", func(doc map[string]any) { panel(doc, "stat")["unit"] = "s" }},
		{"a field of a query", "legend", func(doc map[string]any) {
			panel(doc, "stat")["targets"].([]any)[0].(map[string]any)["legend"] = "x"
		}},
		{"an option of a stat", "colour", func(doc map[string]any) { in(panel(doc, "stat"), "options")["colour"] = "red" }},
		{"an option of a table", "footer", func(doc map[string]any) {
			in(panel(doc, "table"), "options")["footer"] = map[string]any{"show": false, "reducer": nil}
		}},
		{"a drawing of lines", "width", func(doc map[string]any) {
			in(panel(doc, "timeseries"), "fieldConfig", "defaults", "custom")["width"] = 1
		}},
		{"a field of an annotation", "color", func(doc map[string]any) {
			in(doc, "annotations")["list"].([]any)[1].(map[string]any)["color"] = "red"
		}},
		{"a place beside the grid", "x", func(doc map[string]any) { in(panel(doc, "stat"), "gridPos")["x"] = 24 }},
		{"a text for a number", "schemaVersion", func(doc map[string]any) { doc["schemaVersion"] = "38" }},
	} {
		var doc map[string]any
		if err := json.Unmarshal(content, &doc); err != nil {
			t.Fatal(err)
		}
		tc.spoil(doc)
		spoiled, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := conforms(spoiled); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error about %s", tc.name, err, tc.want)
		}
	}
}
