//go:build release && linux

package installtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rpm takes the packages, puts the files where they belong, and knows which of them
// are configuration. Its scripts are read and not run: there is no root of that kind.
func testRPM(t *testing.T, files map[string]string) {
	root := t.TempDir()
	for name, want := range map[string][]string{
		"fettle.rpm": {
			"/usr/bin/fettle", "/usr/lib/systemd/system/fettle.service", "/usr/lib/systemd/system/fettle-journal.service",
			"/usr/lib/sysusers.d/fettle.conf", "/usr/lib/tmpfiles.d/fettle.conf", "/etc/default/fettle",
			"/usr/share/fettle/rules/raft.rules.yml", "/usr/share/fettle/dashboards/overview.json",
			"/usr/share/fettle/prometheus/prometheus.yml", "/usr/share/doc/fettle/docs/install.md",
		},
		"fettle-exporter.rpm": {
			"/usr/bin/fettle_exporter", "/usr/lib/systemd/system/fettle_exporter.service",
			"/usr/lib/sysusers.d/fettle_exporter.conf", "/usr/lib/tmpfiles.d/fettle_exporter.conf", "/etc/default/fettle_exporter",
		},
	} {
		path := files[name]
		rpm(t, "--root", root, "--install", "--nodeps", "--noscripts", path)
		listed := strings.Fields(rpm(t, "-qpl", path))
		for _, file := range listed {
			if _, err := os.Lstat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s lists %s, and did not install it: %v", name, file, err)
			}
			if strings.HasPrefix(file, "/lib/") {
				t.Errorf("%s puts %s into /lib, which is a link to /usr/lib on such systems", name, file)
			}
		}
		for _, file := range want {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		unit := "fettle.service"
		if name == "fettle-exporter.rpm" {
			unit = "fettle_exporter.service"
		}
		scripts := rpm(t, "-qp", "--scripts", path)
		for _, line := range []string{
			"systemctl --no-reload preset " + unit, "systemctl try-restart " + unit, "disable --now " + unit, "systemd-sysusers ", "systemd-tmpfiles --create ",
		} {
			if !strings.Contains(scripts, line) {
				t.Errorf("%s: no %q in its scripts:\n%s", name, line, scripts)
			}
		}
		if strings.Contains(scripts, "@") {
			t.Errorf("%s: a place holder is left in its scripts:\n%s", name, scripts)
		}
		if got := strings.TrimSpace(rpm(t, "-qp", "--configfiles", path)); got != want[len(want)-1] && got != "/etc/default/fettle" {
			t.Errorf("%s: configuration files %q", name, got)
		}
		if got := rpm(t, "-qp", "--queryformat", "%{VERSION} %{LICENSE} %{BUILDHOST} %{BUILDTIME} %{ARCH}", path); !strings.HasPrefix(got, "0.1.0 Apache-2.0 reproducible 1700000000 ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func rpm(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rpm", args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("rpm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
