//go:build servers

package exporter

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/fettle-io/fettle/internal/programs"
)

// Prometheus' own tool finds nothing in all that is told.
func TestPromtoolFindsNothing(t *testing.T) {
	promtool, err := programs.Find(t.Context(), "promtool", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), promtool.Path, "check", "metrics")
	check.Stdin = bytes.NewReader(answered(t, everything(t), ""))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s %s: %v\n%s", promtool.Path, promtool.Version, err, out)
	}
}
