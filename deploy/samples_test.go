//go:build servers || release

package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

func program(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // it may have to be built
	defer cancel()
	p, err := programs.Find(ctx, name, programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	return p.Path
}

// installed is a sample where the package puts it, below a directory of the test's own.
func installed(t *testing.T, name string) (path, root string) {
	t.Helper()
	root = t.TempDir()
	text := strings.NewReplacer(" /etc/", " "+root+"/etc/", " /usr/", " "+root+"/usr/").Replace(read(t, name))
	path = filepath.Join(root, filepath.Base(name))
	put(t, path, text, 0o600)
	for _, token := range []string{"prometheus", "alertmanager"} {
		put(t, filepath.Join(root, "etc", token, "fettle.token"), "0123456789abcdef0123\n", 0o600)
	}
	rules, err := filepath.Glob("../rules/*.rules.yml")
	if err != nil || len(rules) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, from := range rules {
		put(t, filepath.Join(root, "usr/share/fettle/rules", filepath.Base(from)), read(t, from), 0o600)
	}
	return path, root
}

// The real promtool takes the sample with all rules and nothing else than what the
// package and `fettle init` put there.
func TestSampleForPrometheus(t *testing.T) {
	path, root := installed(t, "prometheus/prometheus.yml")
	out, err := exec.CommandContext(t.Context(), program(t, "promtool"), "check", "config", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rules, err := os.ReadDir(filepath.Join(root, "usr/share/fettle/rules"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "rules found"); n != len(rules) {
		t.Errorf("promtool found %d of %d rule files:\n%s", n, len(rules), out)
	}
}

// The real amtool takes the samples, and people keep their pages: whoever gets an alert
// of fettle's is not the only one.
func TestSamplesForAlertmanager(t *testing.T) {
	amtool, err := exec.LookPath("amtool") // of Debian's package prometheus-alertmanager
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alertmanager/alertmanager.yml", "../docs/examples/alertmanager.yml"} {
		path, _ := installed(t, name)
		if out, err := exec.CommandContext(t.Context(), amtool, "check-config", path).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for labels, want := range map[string]string{
			"alertname=FettleRaftMemberDown tier=P0 cluster=main": "fettle,people",
			"alertname=FettleRunEscalated tier=P0 origin=fettle":  "people",
			"alertname=DiskOfYours severity=page":                 "people",
		} {
			args := append([]string{"config", "routes", "test", "--config.file=" + path}, strings.Fields(labels)...)
			out, err := exec.CommandContext(t.Context(), amtool, args...).Output()
			if err != nil || strings.TrimSpace(string(out)) != want {
				t.Errorf("%s: {%s} goes to %q, want %q (%v)", name, labels, strings.TrimSpace(string(out)), want, err)
			}
		}
	}
	path, _ := installed(t, "alertmanager/alertmanager.yml")
	for _, a := range shippedAlerts(t) {
		want := "fettle,people"
		switch {
		case a.Alert == watchdog:
			want = "fettle"
		case a.Labels["tier"] == "P3":
			want = "nobody"
		}
		args := []string{"config", "routes", "test", "--config.file=" + path}
		for name, value := range a.Labels {
			args = append(args, name+"="+value)
		}
		if out, err := exec.CommandContext(t.Context(), amtool, args...).Output(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s goes to %q, want %q (%v)", a.Alert, strings.TrimSpace(string(out)), want, err)
		}
	}
}

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
