package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fettle_exporter")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "fettle_exporter")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// limit bounds everything that is waited for.
const limit = 30 * time.Second

// process is a running exporter.
type process struct {
	*exec.Cmd
	url    string
	mu     sync.Mutex
	output strings.Builder
	ended  chan error
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// start runs the binary on a free port and waits until it listens.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(binary, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...), ended: make(chan error, 1)}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.output, lines.Text())
			p.mu.Unlock()
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() { _ = p.Process.Kill() })
	select {
	case a := <-address:
		p.url = "http://" + a
	case err := <-p.ended:
		t.Fatalf("ended: %v\n%s", err, p.log())
	case <-time.After(limit):
		t.Fatalf("does not listen\n%s", p.log())
	}
	return p
}

// stop ends it by SIGTERM, which is a success.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log())
		}
	case <-time.After(limit):
		t.Errorf("SIGTERM does not end it\n%s", p.log())
	}
}

func (p *process) request(t *testing.T, method, path string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// scrape is the answer at path, which must be 200.
func (p *process) scrape(t *testing.T, path string) string {
	t.Helper()
	code, body := p.request(t, http.MethodGet, path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, body)
	}
	return body
}

// collectors are the names of the collectors that a scrape tells of.
func collectors(body string) string {
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^fettle_collector_success\{collector="(\w+)"\}`).FindAllStringSubmatch(body, -1) {
		names = append(names, found[1])
	}
	return strings.Join(names, " ")
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestServes(t *testing.T) {
	p := start(t, "--config.file="+configFile(t, "{}\n"))
	metrics := p.scrape(t, "/metrics")
	if got, want := collectors(metrics), "boot cpu disk filesystem load memory network raft sync"; got != want {
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

func TestFlags(t *testing.T) {
	config := configFile(t, "collectors:\n  load: true\n  disk: true\n  boot: false\n")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"the file over the defaults":         {nil, "cpu disk filesystem load memory network raft sync"},
		"a flag over the file":               {[]string{"--no-collector.disk", "--collector.boot"}, "boot cpu filesystem load memory network raft sync"},
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

// A cluster that does not answer is told, and is no failure of the collector.
func TestClusterDown(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
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

// Without the default file the exporter starts, with a named one it must be there.
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

// The exporter is unprivileged: nothing that repairs is linked.
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
