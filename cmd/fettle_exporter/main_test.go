package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/servertest"
)

func TestServes(t *testing.T) {
	p := start(t, "--config.file="+configFile(t, "{}\n"))
	metrics := p.scrape(t, "/metrics")
	if got, want := collectors(metrics), enabled(nil); got != want {
		t.Errorf("collectors %s, want %s", got, want)
	}
	for _, name := range []string{"fettle_node_cpu_seconds_total{", "fettle_exporter_build_info{", "fettle_config_last_reload_successful 1", "go_goroutines ", "process_open_fds ", "promhttp_metric_handler_requests_total{"} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
	landing := p.scrape(t, "/")
	for _, want := range []string{"<h1>fettle_exporter</h1>", `href="/metrics"`, `href="/-/healthy"`} {
		if !strings.Contains(landing, want) {
			t.Errorf("landing page: no %s in\n%s", want, landing)
		}
	}
	if got := p.scrape(t, "/-/healthy"); got != "fettle_exporter is healthy.\n" {
		t.Errorf("healthy: %q", got)
	}
	for path, want := range map[string]int{"/nothing": http.StatusNotFound, "/-/reload": http.StatusMethodNotAllowed, "/metrics?collect[]=cpu&exclude[]=load": http.StatusBadRequest} {
		if code, body := p.request(t, http.MethodGet, path); code != want {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
	p.stop(t)
}

// enabled are the collectors that are enabled by default, with some that are not, or are
// not by default.
func enabled(but map[string]bool) string {
	var names []string
	for _, e := range exporter.Collectors() {
		on, told := but[e.Name]
		if told && on || !told && e.Default {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestFlags(t *testing.T) {
	config := configFile(t, "collectors:\n  load: true\n  disk: true\n  boot: false\n")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"the file over the defaults":         {nil, enabled(map[string]bool{"boot": false})},
		"a flag over the file":               {[]string{"--no-collector.disk", "--collector.boot"}, enabled(map[string]bool{"disk": false})},
		"no defaults":                        {[]string{"--collector.disable-defaults"}, "disk load"},
		"no defaults, and flags on the file": {[]string{"--collector.disable-defaults", "--collector.cpu", "--no-collector.disk"}, "cpu load"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append([]string{"--config.file=" + config, "--web.telemetry-path=/own/{path}", "--web.disable-exporter-metrics"}, tc.args...)...)
			metrics := p.scrape(t, "/own/%7Bpath%7D")
			if got := collectors(metrics); got != tc.want {
				t.Errorf("collectors %s, want %s", got, tc.want)
			}
			for _, prefix := range []string{"go_", "process_", "promhttp_"} {
				if strings.Contains(metrics, "\n"+prefix) {
					t.Errorf("there are %s*", prefix)
				}
			}
			p.stop(t)
		})
	}
}

func TestReload(t *testing.T) {
	config := configFile(t, "collectors: {cpu: false}\n")
	p := start(t, "--config.file="+config, "--collector.disable-defaults", "--collector.load")
	state := func() string {
		metrics := p.scrape(t, "/metrics")
		found := regexp.MustCompile(`(?m)^fettle_config_last_reload_successful (\d)$`).FindStringSubmatch(metrics)
		if found == nil {
			t.Fatalf("no state of the reload in\n%s", metrics)
		}
		return collectors(metrics) + ", reload " + found[1]
	}
	await := func(want string) {
		t.Helper()
		for end := time.Now().Add(limit); state() != want; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s, want %s\n%s", state(), want, p.log())
			}
		}
	}
	hangup := func() {
		t.Helper()
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	await("load, reload 1")

	write(t, config, "collectors: {cpu: true}\n")
	hangup()
	await("cpu load, reload 1")

	write(t, config, "collectors: {cpus: true}\n")
	hangup()
	await("cpu load, reload 0")
	code, body := p.request(t, http.MethodPost, "/-/reload")
	if code != http.StatusInternalServerError || !strings.Contains(body, "cpus") || !strings.Contains(body, config) {
		t.Errorf("reload of a bad file: %d %s", code, body)
	}

	write(t, config, "collectors: {memory: true}\n")
	if code, body := p.request(t, http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Errorf("reload: %d %s", code, body)
	}
	if got, want := state(), "load memory, reload 1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	p.stop(t)
}

func TestClusterDown(t *testing.T) {
	address := servertest.FreeAddress(t)
	p := start(t, "--config.file="+configFile(t, fmt.Sprintf(`clusters:
  - name: c
    kind: etcd
    members:
      - {name: m1, endpoint: "http://%s"}
  - name: web
    kind: service
    members:
      - {name: w1, host: h1, unit: nginx.service}
`, address)))
	metrics := p.scrape(t, "/metrics?collect[]=raft&collect[]=sync")
	for _, want := range []string{
		`fettle_collector_success{collector="raft"} 1`,
		`fettle_raft_member_reachable{cluster="c",member="m1"} 0`,
		`fettle_raft_margin{cluster="c"} -1`,
		`fettle_sync_up{cluster="c",member="m1"} 0`,
	} {
		if !strings.Contains(metrics, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	for _, not := range []string{"fettle_raft_term", "fettle_sync_lag_entries", `cluster="web"`} {
		if strings.Contains(metrics, not) {
			t.Errorf("there is %s in\n%s", not, metrics)
		}
	}
	p.stop(t)
}

func TestDoesNotStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yml")
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"named file that is not there": {[]string{"--config.file=" + missing}, 1, missing},
		"unknown key":                  {[]string{"--config.file=" + configFile(t, "clusterz: []\n")}, 1, "clusterz"},
		"unknown collector":            {[]string{"--config.file=" + configFile(t, "collectors: {cpus: true}\n")}, 1, "cpus"},
		"unknown flag":                 {[]string{"--collector.cpus"}, 2, "unknown long flag '--collector.cpus', try --help"},
		"no path":                      {[]string{"--web.telemetry-path=metrics"}, 2, `--web.telemetry-path="metrics": want a path that begins with /`},
		"address in use, or none":      {[]string{"--config.file=" + configFile(t, "{}\n"), "--web.listen-address=127.0.0.1:99999"}, 1, "99999"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			out, err := exec.CommandContext(ctx, binary, tc.args...).CombinedOutput()
			ended, ok := errors.AsType[*exec.ExitError](err)
			if !ok || ended.ExitCode() != tc.code || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v, want exit %d and %q in\n%s", err, tc.code, tc.want, out)
			}
		})
	}
}

func TestVersionAndHelp(t *testing.T) {
	for flag, want := range map[string]string{"--version": "fettle_exporter, version", "--help": "--[no-]collector.filesystem"} {
		out, err := exec.CommandContext(t.Context(), binary, flag).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %q in\n%s", flag, err, want, out)
		}
	}
}

func TestDefaultFileMayBeMissing(t *testing.T) {
	f := flags{config: filepath.Join(t.TempDir(), "missing.yml")}
	s, err := newServer(f, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	f.configSet = true
	if _, err := newServer(f, promslog.NewNopLogger()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestLinksNoEngine(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/fettle-io/fettle/"
	for dep := range strings.Lines(string(out)) {
		name, ours := strings.CutPrefix(strings.TrimSpace(dep), module)
		first, _, _ := strings.Cut(name, "/")
		switch {
		case !ours:
		case first == "repair", first == "webhook", first == "journal", first == "api", name == "internal/app", name == "internal/service":
			t.Errorf("links %s", name)
		}
	}
}
