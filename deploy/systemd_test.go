//go:build release && linux

package deploy

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// exposed is the most that systemd may say of a unit: 0 is nothing, 10 is everything.
const exposed = 3.0

// systemd takes the units without a word, and finds little that they leave open.
func TestSystemdTakesTheUnits(t *testing.T) {
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) != 3 {
		t.Fatalf("units %v: %v", units, err)
	}
	// A root with what the units name, so that nothing else is complained of.
	root := t.TempDir()
	for _, program := range []string{"usr/bin/fettle", "usr/bin/fettle_exporter", "bin/kill"} {
		put(t, filepath.Join(root, program), "#!/bin/sh\n", 0o755)
	}
	for _, unit := range units {
		put(t, filepath.Join(root, "lib", unit[:len("systemd")], "system", filepath.Base(unit)), read(t, unit), 0o644)
	}
	for _, target := range []string{"sysinit", "basic", "network", "shutdown", "multi-user"} {
		put(t, filepath.Join(root, "lib/systemd/system", target+".target"), "[Unit]\nDescription=a target\nDefaultDependencies=no\n", 0o644)
	}
	put(t, filepath.Join(root, "lib/systemd/system/dbus.service"), "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/kill\n", 0o644)
	level := regexp.MustCompile(`Overall exposure level for \S+ (\d+\.\d)`)
	for _, unit := range units {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "--root="+root, filepath.Base(unit))
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("systemd-analyze verify %s: %v\n%s", unit, err, &stderr)
		}
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput()
		m := level.FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("systemd-analyze security %s: %v\n%s", unit, err, out)
		}
		got, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil || got > exposed {
			t.Errorf("%s is exposed %s, %.1f is the most:\n%s", unit, m[1], exposed, out)
		}
		t.Logf("%s: exposure %s", unit, m[1])
	}
}
