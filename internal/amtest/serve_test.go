//go:build servers

package amtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

const webhookRole, metricsRole = "webhook", "metrics"

// token is a role's bearer token.
func token(role string) string { return strings.Repeat(role+"-0123456789", 3) }

// server is one fettle serve, and where it keeps everything.
type server struct {
	t      testing.TB
	home   string
	socket string
	proc   *servertest.Process
	begun  int64 // where in its log this process' output begins
	url    string
}

// configure writes fettle.yml over these clusters, which polls these Alertmanagers
// every second; overrides are further entries of overrides.all, as "a: 1, b: 2".
func configure(t testing.TB, clusters []cluster.Cluster, alertmanagers []string, overrides string) *server {
	t.Helper()
	s := &server{t: t, home: t.TempDir()}
	short, err := os.MkdirTemp("", "am")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	s.socket = filepath.Join(short, "s")
	must(t, os.Mkdir(s.path("playbooks"), 0o700))
	for _, role := range []string{webhookRole, metricsRole} {
		must(t, os.WriteFile(s.path(role+".token"), []byte(token(role)+"\n"), 0o600))
	}
	inventory, err := json.Marshal(clusters) // JSON is YAML
	must(t, err)
	urls, err := json.Marshal(alertmanagers)
	must(t, err)
	text := fmt.Sprintf(`clusters: %s
autonomy: {default: auto}
tiers: {P1: {look: 2s, sample: 100ms}}
overrides: {all: {settle: 1s, cooldown: 0, live_runs: 100, poll_every: 1s, %s}}
alertmanager: {urls: %s}
playbooks: {dir: %q}
journal: {dir: %q, key_file: %q}
brake: %q
web:
  listen: 127.0.0.1:0
  socket: %q
  roles:
    - {role: webhook, name: alertmanager, token_file: %q}
    - {role: metrics, token_file: %q}
`, inventory, overrides, urls, s.path("playbooks"), s.journal(), s.path("journal.key"), s.path("pause"), s.socket,
		s.path(webhookRole+".token"), s.path(metricsRole+".token"))
	must(t, os.WriteFile(s.path("fettle.yml"), []byte(text), 0o600))
	s.cli("journal", "init", s.journal(), "--key-file", s.path("journal.key"))
	t.Cleanup(s.shutdown)
	return s
}

func (s *server) path(name string) string { return filepath.Join(s.home, name) }
func (s *server) journal() string         { return s.path("journal") }

var serves = regexp.MustCompile(`msg="fettle serves" listen=(\S+)`)

// start starts fettle serve, and waits until it takes messages.
func (s *server) start() {
	s.t.Helper()
	if info, err := os.Stat(s.path("log")); err == nil {
		s.begun = info.Size()
	}
	s.proc = &servertest.Process{Name: "fettle", Argv: []string{fettle, "serve", "--config.file=" + s.path("fettle.yml")}, Log: s.path("log")}
	must(s.t, s.proc.Start())
	until(s.t, "fettle serves", func() error {
		m := serves.FindStringSubmatch(s.said())
		if m == nil {
			if !s.proc.Running() {
				s.t.Fatalf("fettle serve ended (%s):\n%s", s.proc.State(), s.said())
			}
			return errors.New("it does not say where")
		}
		s.url = "http://" + m[1]
		return nil
	})
}

// said is what the running fettle logged.
func (s *server) said() string {
	b, _ := os.ReadFile(s.path("log"))
	return string(b[min(s.begun, int64(len(b))):])
}

// shutdown stops it as systemd does; another exit than 0 fails.
func (s *server) shutdown() {
	if !s.proc.Running() {
		return
	}
	_ = s.proc.Signal(syscall.SIGTERM)
	select {
	case <-s.proc.Ended():
		if !s.proc.State().Success() {
			s.t.Errorf("fettle serve: %s:\n%s", s.proc.State(), s.said())
		}
	case <-time.After(20 * time.Second):
		s.proc.Kill()
		s.t.Errorf("fettle serve did not stop within 20 s:\n%s", s.said())
	}
}

// cli runs the command line, which must succeed, and returns what it printed.
func (s *server) cli(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, fettle, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("fettle %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// metric is the value of a series, written as it stands in /metrics; 0 where it is not.
func (s *server) metric(series string) float64 {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/metrics", http.NoBody)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+token(metricsRole))
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(s.t, err)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("/metrics: %s: %s", resp.Status, b)
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(series+" ")); ok {
			var v float64
			_, err := fmt.Sscan(string(rest), &v)
			must(s.t, err)
			return v
		}
	}
	return 0
}
