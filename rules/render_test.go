package rules_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/rules"
)

// The rule files are those of source with the shipped thresholds in their places.
func TestRendered(t *testing.T) {
	want, err := rules.Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	if sources := slices.Sorted(maps.Keys(want)); !slices.Equal(names, sources) {
		t.Errorf("the rule files are %v, their sources %v", names, sources)
	}
	for name, content := range want {
		got, err := os.ReadFile(name)
		if err == nil && bytes.Equal(got, content) {
			continue
		}
		if !*update {
			t.Errorf("%s is not current: change source/%s, then go test ./rules -run TestRendered -update", name, name)
			continue
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// Every threshold is of series that an exporter tells, says why, and is used.
func TestThresholds(t *testing.T) {
	all, err := rules.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	known := catalogue(t)
	var text strings.Builder
	names, err := fs.Glob(os.DirFS("source"), "*.rules.yml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		content, err := os.ReadFile("source/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
	}
	for _, threshold := range all {
		if len(threshold.Series) == 0 || len(threshold.Why) < 20 || threshold.Unit == "" {
			t.Errorf("%s: want its series, its unit and why", threshold.Name)
		}
		for _, name := range threshold.Series {
			if _, ok := known[name]; !ok && !strings.Contains(text.String(), "record: "+name+"\n") && name != "up" {
				t.Errorf("%s is compared with %s, which nobody tells", threshold.Name, name)
			}
		}
		if !strings.Contains(text.String(), "${"+threshold.Name+"}") {
			t.Errorf("%s is used in no rule", threshold.Name)
		}
	}
}

func TestOverride(t *testing.T) {
	own, err := rules.Override("own.yml", []byte("memory_used_ratio: 0.95\npause_seconds: 60\n"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := rules.Render(own)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(files["node.rules.yml"]); !strings.Contains(text, "fettle_node_memory_total_bytes > 0.95") || strings.Contains(text, "${") {
		t.Error("the override is not in the rule")
	}
	for in, want := range map[string]string{
		"":                          "",
		"memory_used: 0.85\n":       `own.yml:1:1: there is no threshold "memory_used": ` + "`fettle rules` lists them",
		"memory_used_ratio: much\n": "own.yml:1:1: memory_used_ratio: want a number, as the shipped 0.85 is",
		"\nmemory_used_ratio: 5m\n": "own.yml:2:1: memory_used_ratio: want a number, as the shipped 0.85 is",
		"memory_used_ratio: .nan\n": "own.yml:1:1: memory_used_ratio: want a number, as the shipped 0.85 is",
		"memory_used_ratio: [1]\n":  "own.yml:1:1: memory_used_ratio: want a number, as the shipped 0.85 is",
		"- 1\n":                     "own.yml:1:1: want a line NAME: VALUE for each threshold",
		"memory_used_ratio: 1\nmemory_used_ratio: 2\n": "own.yml:2:1: memory_used_ratio stands there twice",
	} {
		_, err := rules.Override("own.yml", []byte(in))
		if got := fmt.Sprint(err); (want == "") != (err == nil) || err != nil && got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestThresholdInSeconds(t *testing.T) {
	for value, want := range map[string]float64{"5m": 300, "1h30m": 5400, "0.85": 0.85, "200ms": 0.2} {
		if got, err := (rules.Threshold{Value: value}).Seconds(); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", value, got, err, want)
		}
	}
}
