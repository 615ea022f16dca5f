package looptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// options is what a test sets in fettle.yml. The zero value is autonomy auto on
// the cluster, a settle time of 2 s, a look each second, and all other defaults.
type options struct {
	autonomy string            // "": auto; unsaid: the file does not say
	settings string            // further entries of overrides.all, as "a: 1, b: 2"
	settle   string            // "": 2s
	look     string            // "": 1s
	more     string            // further sections
	clusters []cluster.Cluster // nil: the ward's cluster, as demo
}

// unsaid leaves autonomy out.
const unsaid = "unsaid"

// server is one fettle serve, and where it keeps everything.
type server struct {
	t      testing.TB
	home   string // fettle.yml, tokens, journal, key, brake
	socket string
	config string
	proc   *servertest.Process
	url    string
	api    *api.Client
	log    string // file
	begun  int64  // where in log this process' output begins

	journalDir string              // "": in home
	as         *syscall.Credential // nil: this user

	// Where it runs in namespaces of its own:
	root    string   // what its files' paths begin with, seen from here
	program string   // "": fettle, as it was built
	wrap    []string // what its command lines begin with
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

func (s *server) journal() string {
	if s.journalDir != "" {
		return s.journalDir
	}
	return filepath.Join(s.home, "journal")
}

func (s *server) brake() string     { return filepath.Join(s.home, "pause") }
func (s *server) playbooks() string { return filepath.Join(s.home, "playbooks") }

// configure is a fettle with its files in a folder of the test's.
func configure(t testing.TB, o options) *server {
	t.Helper()
	s := &server{t: t, home: t.TempDir()}
	short, err := os.MkdirTemp("", "loop")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	s.socket = filepath.Join(short, "s")
	s.furnish(o)
	t.Cleanup(s.shutdown)
	return s
}

// furnish writes fettle.yml and the tokens, and creates the journal as a person
// does, with the command.
func (s *server) furnish(o options) {
	s.t.Helper()
	s.config, s.log = filepath.Join(s.home, "fettle.yml"), filepath.Join(s.home, "fettle.log")
	must(s.t, os.Mkdir(s.playbooks(), 0o700))
	s.write(o)
	for _, credential := range []string{"first", "second", "viewer", "operator", "metrics"} {
		must(s.t, os.WriteFile(filepath.Join(s.home, credential+".token"), []byte(token(credential)+"\n"), 0o600))
	}
	s.cli("journal", "init", s.inside(s.journal()), "--key-file", s.inside(filepath.Join(s.home, "journal.key")))
}

func (s *server) fettle() string {
	if s.program != "" {
		return s.program
	}
	return fettle
}

// inside is a path as fettle itself sees it.
func (s *server) inside(path string) string { return strings.TrimPrefix(path, s.root) }

// write writes fettle.yml.
func (s *server) write(o options) {
	s.t.Helper()
	if o.autonomy == "" {
		o.autonomy = "auto"
	}
	autonomy := "autonomy: {default: " + o.autonomy + "}"
	if o.autonomy == unsaid {
		autonomy = ""
	}
	if o.settle == "" {
		o.settle = "2s"
	}
	if o.look == "" {
		o.look = "1s"
	}
	clusters, err := json.Marshal(o.clusters) // JSON is YAML
	must(s.t, err)
	executor := ""
	if s.root == "" { // whatever runs the machine that the tests are run on
		executor = ", executor: process-group"
	}
	text := fmt.Sprintf(`clusters: %s
%s
playbooks: {dir: %[11]q%[13]s}
tiers: {P0: {look: %[12]s}, P1: {look: %[12]s}}
overrides: {all: {settle: %[3]s, %[4]s}}
journal: {dir: %[5]q, key_file: %[6]q}
brake: %[7]q
web:
  listen: 127.0.0.1:0
  socket: %[8]q
  max_body: 64KiB
  roles:
    - {role: webhook, name: first, token_file: "%[9]s/first.token"}
    - {role: webhook, name: second, token_file: "%[9]s/second.token"}
    - {role: metrics, token_file: "%[9]s/metrics.token"}
    - {role: viewer, token_file: "%[9]s/viewer.token"}
    - {role: operator, name: alice, token_file: "%[9]s/operator.token"}
%[10]s
`, clusters, autonomy, o.settle, o.settings, s.inside(s.journal()), s.inside(filepath.Join(s.home, "journal.key")),
		s.inside(s.brake()), s.inside(s.socket), s.inside(s.home), o.more, s.inside(s.playbooks()), o.look, executor)
	must(s.t, os.WriteFile(s.config, []byte(text), 0o600))
}

// start starts fettle serve, and waits until it takes messages.
func (s *server) start(env ...string) *server {
	s.t.Helper()
	s.launch(env, "--config.file="+s.inside(s.config))
	return s
}

// launch starts fettle serve with these flags.
func (s *server) launch(env []string, flags ...string) {
	s.t.Helper()
	if info, err := os.Stat(s.log); err == nil {
		s.begun = info.Size()
	}
	s.proc = &servertest.Process{
		Name: "fettle", Argv: append(slices.Concat(s.wrap, []string{s.fettle(), "serve"}), flags...), Env: append(os.Environ(), env...), As: s.as, Log: s.log,
	}
	must(s.t, s.proc.Start())
	s.ready()
}

// ready waits until fettle says where it listens.
func (s *server) ready() {
	s.t.Helper()
	until(s.t, "fettle serves", func() error {
		m := serves.FindStringSubmatch(s.said())
		if m == nil {
			if s.gone() {
				s.t.Fatalf("fettle serve ended (%s):\n%s", s.proc.State(), s.said())
			}
			return errors.New("it does not say where")
		}
		s.url = "http://" + m[1]
		return nil
	})
	var err error
	s.api, err = api.NewClient(api.ClientOptions{Address: s.url, Token: token("operator"), Transport: s.transport()})
	must(s.t, err)
}

// gone tells that fettle, started here, has ended.
func (s *server) gone() bool { return s.proc != nil && !s.proc.Running() }

// transport reaches fettle where it runs.
func (s *server) transport() *http.Transport {
	return &http.Transport{DialContext: s.dial, DisableKeepAlives: true}
}

var serves = regexp.MustCompile(`msg="fettle serves" listen=(\S+)`)

// said is what the running fettle logged.
func (s *server) said() string {
	b, _ := os.ReadFile(s.log)
	return string(b[min(s.begun, int64(len(b))):])
}

// died waits until fettle has been killed by its failpoint.
func (s *server) died() {
	s.t.Helper()
	select {
	case <-s.proc.Ended():
	case <-time.After(patience):
		s.t.Fatalf("fettle was not killed by its failpoint:\n%s", s.said())
	}
	if w, ok := s.proc.State().Sys().(syscall.WaitStatus); !ok || w.Signal() != syscall.SIGKILL {
		s.t.Fatalf("fettle ended by itself (%s):\n%s", s.proc.State(), s.said())
	}
}

// kill kills fettle with SIGKILL.
func (s *server) kill() { s.proc.Kill() }

// shutdown stops it as systemd does; a race that it found, or another exit than 0, fails.
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
	out, err := runCLI(append(slices.Concat(s.wrap, []string{s.fettle()}), args...)...)
	if err != nil {
		s.t.Fatalf("fettle %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func runCLI(argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}

// explain is what `fettle explain` says of a run, an episode or an alert.
func (s *server) explain(id string) string {
	s.t.Helper()
	return s.cli("explain", id, "--server", "unix://"+s.inside(s.socket))
}

// verify is what `fettle journal verify` says; it must be content.
func (s *server) verify() string {
	s.t.Helper()
	return s.cli("journal", "verify", s.inside(s.journal()))
}

// metric is the value of a series, written as it stands in /metrics; 0 where it is not.
func (s *server) metric(series string) float64 {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url+"/metrics", http.NoBody)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+token("metrics"))
	client := http.Client{Timeout: 30 * time.Second, Transport: s.transport()}
	resp, err := client.Do(req)
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
