//go:build servers

package rules_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/programs"
)

// Three exporters with one inventory see what one of them sees: every case of firing or not that is
// about a cluster is played again with its series told by three, and has to end the same, in the
// number of alerts, their labels and what they say.
func TestThreeExportersAreOne(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 15*time.Minute) // it may have to be built
	t.Cleanup(cancel)
	promtool, err := programs.Find(ctx, "promtool", programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	dir, played := t.TempDir(), 0
	for _, path := range glob(t, "tests/*_test.yml") {
		// A machine has one exporter, and the score counts machines; the others have several already.
		if slices.Contains([]string{"health_test.yml", "views_test.yml", "repair_test.yml"}, filepath.Base(path)) {
			continue
		}
		content, n := threefold(t, path)
		if n == 0 {
			continue
		}
		played += n
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			run(ctx, t, dir, promtool.Path, "test", "rules", filepath.Base(path))
		})
	}
	t.Logf("%d cases", played)
	if played < 150 {
		t.Errorf("only %d cases are about clusters", played)
	}
}

// threefold is a file of promtool tests with its cases about clusters alone, each series of them
// told by three exporters, and how many there are.
func threefold(t *testing.T, path string) (content []byte, cases int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	here, err := filepath.Abs("tests")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range file["rule_files"].([]any) {
		file["rule_files"].([]any)[i] = filepath.Join(here, name.(string))
	}
	instance := regexp.MustCompile(`,instance="[^"]*`)
	var kept []any
	for _, each := range file["tests"].([]any) {
		c := each.(map[string]any)
		if name := c["name"].(string); !strings.Contains(name, " fires") && !strings.Contains(name, " does not fire") {
			continue
		}
		series, grown := c["input_series"].([]any), false
		for _, s := range series {
			told := s.(map[string]any)
			text := told["series"].(string)
			if !strings.Contains(text, `cluster="`) || strings.Contains(text, `cluster=""`) || !strings.Contains(text, `job="fettle_exporter"`) || !instance.MatchString(text) {
				continue
			}
			grown = true
			for _, who := range []string{"second", "third"} {
				series = append(series, map[string]any{"series": instance.ReplaceAllString(text, "$0-"+who), "values": told["values"]})
			}
		}
		if c["input_series"] = series; grown {
			kept = append(kept, c)
		}
	}
	file["tests"] = kept
	content, err = yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return content, len(kept)
}
