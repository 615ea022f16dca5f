//go:build servers

package rules_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

// The real promtool reads every rule file and runs every test file.
func TestPromtool(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 15*time.Minute) // it may have to be built
	t.Cleanup(cancel)                                                                      // the files are read beside each other
	promtool, err := programs.Find(ctx, "promtool", programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("promtool %s (%s)", promtool.Version, promtool.Origin)

	files := glob(t, "*.rules.yml")
	run(ctx, t, ".", promtool.Path, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, files...)...)
	for _, path := range glob(t, "tests/*_test.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			run(ctx, t, "tests", promtool.Path, "test", "rules", filepath.Base(path))
		})
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	return paths
}

func run(ctx context.Context, t *testing.T, dir, program string, args ...string) {
	t.Helper()
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out)
	}
}
