package dashboards_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/rules"
)

// The JSON files are those that the generator makes. It is a module of its own, which is
// not built here: generated.txt says of which sources, and with which thresholds.
func TestGenerated(t *testing.T) {
	content, err := os.ReadFile("generate/generated.txt")
	if err != nil {
		t.Fatal(err)
	}
	limits := map[string]float64{}
	all, err := rules.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if limits[l.Name], err = l.Seconds(); err != nil {
			t.Fatal(err)
		}
	}
	panels := byTitle(t)
	thresholds := 0
	for line := range strings.Lines(string(content)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "#":
		case "sources":
			if want := digestOfSources(t); rest != want {
				t.Errorf("dashboards/generate was changed after the dashboards were made: run `make dashboards`")
			}
		case "threshold":
			thresholds++
			fields := strings.SplitN(rest, " ", 3)
			value, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			if is, ok := limits[fields[0]]; !ok || is != value {
				t.Errorf("%s is no longer %v: run `make dashboards`", fields[0], value)
			}
			if p, ok := panels[fields[2]]; !ok || !slices.Contains(p.steps(), value) {
				t.Errorf("%s does not change at %v: run `make dashboards`", fields[2], value)
			}
		default:
			t.Errorf("generated.txt: what is %q?", line)
		}
	}
	if thresholds == 0 {
		t.Error("no panel has a threshold of the rules")
	}
}

// digestOfSources is what the generator itself computes.
func digestOfSources(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("generate/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, "generate/go.mod", "generate/go.sum")
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(name), len(content), content)
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil))
}

// byTitle are all panels, "FILE: TITLE".
func byTitle(t *testing.T) map[string]panel {
	t.Helper()
	panels := map[string]panel{}
	for name, d := range load(t) {
		for _, p := range d.all() {
			if p.Type != "row" {
				panels[name+": "+p.Title] = p
			}
		}
	}
	return panels
}
