package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// quick are the engine's numbers for tests that kill fettle more often than its own
// would let a run end. An order may reach the fake supervisor a while after fettle and
// its command were killed, on a machine that is busy; a real service manager shows
// what it has still to do.
const quick = "settle: 50ms, not_after: 1s, cooldown: 0, attempts: 0, live_runs: 100"

// options is what a test sets in fettle.yml. The zero value is quick.
type options struct {
	settings string            // of overrides.all
	clusters []cluster.Cluster // nil: the fleet
	journal  string            // the journal's directory; "": beside fettle.yml
	more     string            // of the section journal
}

// server is one fettle serve after another on the same files.
type server struct {
	t       testing.TB
	home    string // fettle.yml, tokens, key, log, playbooks
	journal string
	log     string
	begun   int64 // where in log this process' output begins
	wrap    []string
	proc    *servertest.Process
	url     atomic.Pointer[string] // for senders beside the test's goroutine
}

// configure makes the files of a fettle that repairs the fleet, and its journal.
func configure(t testing.TB, f *fleet, o options) *server {
	t.Helper()
	home := t.TempDir()
	s := &server{t: t, home: home, journal: o.journal, log: filepath.Join(home, "fettle.log")}
	if s.journal == "" {
		s.journal = filepath.Join(home, "journal")
	}
	s.write(f, o)
	s.cli("journal", "init", s.journal, "--key-file", filepath.Join(home, "journal.key"))
	t.Cleanup(s.shutdown)
	t.Cleanup(func() {
		if t.Failed() {
			said := s.said()
			t.Logf("fettle:\n%s\nthe end of its journal:\n%s", said[max(0, len(said)-6000):], s.tail(60))
		}
	})
	return s
}

// write writes fettle.yml and the tokens.
func (s *server) write(f *fleet, o options) {
	s.t.Helper()
	if o.settings == "" {
		o.settings = quick
	}
	if o.clusters == nil {
		o.clusters = []cluster.Cluster{f.inventory()}
	}
	clusters, err := json.Marshal(o.clusters) // JSON is YAML
	must(s.t, err)
	text := fmt.Sprintf(`clusters: %s
autonomy: {default: auto}
playbooks: {dir: %[2]q}
tiers: {P0: {look: 100ms, sample: 10ms}, P1: {look: 100ms, sample: 10ms}}
overrides: {all: {%[3]s}}
journal: {dir: %[4]q, key_file: "%[5]s/journal.key"%[6]s}
brake: "%[5]s/pause"
web:
  listen: 127.0.0.1:0
  socket: ""
  roles:
    - {role: webhook, name: first, token_file: "%[5]s/webhook.token"}
    - {role: metrics, token_file: "%[5]s/metrics.token"}
    - {role: operator, name: alice, token_file: "%[5]s/operator.token"}
`, clusters, filepath.Join(s.home, "playbooks"), o.settings, s.journal, s.home, o.more)
	must(s.t, os.MkdirAll(filepath.Join(s.home, "playbooks"), 0o700))
	must(s.t, os.WriteFile(s.config(), []byte(text), 0o600))
	for _, role := range []string{"webhook", "metrics", "operator"} {
		must(s.t, os.WriteFile(filepath.Join(s.home, role+".token"), []byte(token(role)+"\n"), 0o600))
	}
}

func (s *server) config() string { return filepath.Join(s.home, "fettle.yml") }

// launch starts fettle serve and does not wait.
func (s *server) launch(env ...string) {
	s.t.Helper()
	s.url.Store(nil)
	if info, err := os.Stat(s.log); err == nil {
		s.begun = info.Size()
	}
	s.proc = &servertest.Process{
		Name: "fettle", Argv: append(append([]string{}, s.wrap...), fettle, "serve", "--config.file="+s.config()), Env: append(os.Environ(), env...), Log: s.log,
	}
	must(s.t, s.proc.Start())
}

// start starts fettle serve and waits until it takes messages. It returns how long
// that took since the process was made. Where a command that a killed fettle had just
// forked still holds the journal's lock, it is started again, as systemd does.
func (s *server) start(env ...string) time.Duration {
	s.t.Helper()
	begin := time.Now()
	for s.launch(env...); !s.ready(); s.launch(env...) {
		if !strings.Contains(s.said(), "journal is in use") || time.Since(begin) > patience {
			s.t.Fatalf("fettle serve ended (%s):\n%s", s.proc.State(), s.said())
		}
	}
	return time.Since(begin)
}

// serving waits until fettle answers; false: it ended instead.
func (s *server) serving() bool {
	s.t.Helper()
	until(s.t, "fettle serves", func() error {
		if m := serves.FindStringSubmatch(s.said()); m != nil {
			url := "http://" + m[1]
			s.url.Store(&url)
		} else if s.proc.Running() {
			return errors.New("it does not say where it serves")
		}
		return nil
	})
	return s.url.Load() != nil
}

// ready waits until fettle takes messages; false: it ended instead.
func (s *server) ready() bool {
	s.t.Helper()
	if !s.serving() {
		return false
	}
	until(s.t, "fettle is ready", func() error {
		if status := s.readiness(); status != http.StatusOK && s.proc.Running() {
			return fmt.Errorf("%d", status)
		}
		return nil
	})
	return s.proc.Running()
}

var serves = regexp.MustCompile(`msg="fettle serves" listen=(\S+)`)

// said is what the running fettle logged.
func (s *server) said() string {
	b, _ := os.ReadFile(s.log)
	return string(b[min(s.begun, int64(len(b))):])
}

// post posts a body; status 0 is no answer.
func (s *server) post(b []byte, change func(*http.Request)) (int, string) {
	url := s.url.Load()
	if url == nil {
		return 0, "it is not running"
	}
	return request(*url+"/api/v1/alertmanager", http.MethodPost, "webhook", b, change)
}

// send posts alerts and wants 200.
func (s *server) send(alerts ...notice) {
	s.t.Helper()
	if status, said := s.post(body(s.t, alerts...), nil); status != http.StatusOK {
		s.t.Fatalf("the message got %d: %s", status, said)
	}
}

// readiness is the status of /-/ready.
func (s *server) readiness() int {
	status, _ := request(*s.url.Load()+"/-/ready", http.MethodGet, "operator", nil, nil)
	return status
}

// metric is the value of a series, written as it stands in /metrics.
func (s *server) metric(series string) float64 {
	s.t.Helper()
	status, text := request(*s.url.Load()+"/metrics", http.MethodGet, "metrics", nil, nil)
	if status != http.StatusOK {
		s.t.Fatalf("/metrics: %d: %s", status, text)
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			var v float64
			_, err := fmt.Sscan(rest, &v)
			must(s.t, err)
			return v
		}
	}
	s.t.Fatalf("/metrics has no %s", series)
	return 0
}

// kill kills fettle with SIGKILL.
func (s *server) kill() {
	s.url.Store(nil)
	s.proc.Kill()
}

// died waits until fettle was killed by something else than the test.
func (s *server) died() {
	s.t.Helper()
	select {
	case <-s.proc.Ended():
	case <-time.After(patience):
		s.t.Fatalf("fettle was not killed:\n%s", s.said())
	}
	s.url.Store(nil)
	if !killed(s.proc) {
		s.t.Fatalf("fettle ended by itself (%s):\n%s", s.proc.State(), s.said())
	}
}

// killed tells that SIGKILL ended it.
func killed(p *servertest.Process) bool {
	w, ok := p.State().Sys().(syscall.WaitStatus)
	return ok && w.Signal() == syscall.SIGKILL
}

// shutdown stops it as systemd does, and wants it to end well.
func (s *server) shutdown() {
	if !s.proc.Running() {
		return
	}
	_ = s.proc.Signal(syscall.SIGTERM)
	s.stopped()
}

// stopped waits until fettle, which was told to, has ended well.
func (s *server) stopped() {
	s.t.Helper()
	select {
	case <-s.proc.Ended():
		if !s.proc.State().Success() {
			s.t.Errorf("fettle serve: %s:\n%s", s.proc.State(), s.said())
		}
	case <-time.After(20 * time.Second):
		s.proc.Kill()
		s.t.Errorf("fettle serve did not stop within 20 s:\n%s", s.said())
	}
	s.url.Store(nil)
}

// cli runs the command line, which must succeed, and returns what it printed.
func (s *server) cli(args ...string) string {
	s.t.Helper()
	out, err := runCLI(append([]string{fettle}, args...)...)
	if err != nil {
		s.t.Fatalf("fettle %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func runCLI(argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}
