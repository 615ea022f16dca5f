// Package demo shows one whole repair: a real etcd cluster under a real Prometheus
// and a real Alertmanager, fettle_exporter and fettle serve beside them, a fault,
// and a timeline of what follows.
//
// Run is `fettle demo`. A Stage is what it plays on, which tests can use alone;
// Hidden are the commands that it starts itself: the supervisor of the members, and
// the declared commands that ask it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/repair"
)

// Options say what a Stage is made of. The programs are paths, and all are needed.
type Options struct {
	Dir          string // the stage's files, below a folder of its own; it must exist, and its path be short
	Fettle       string
	Exporter     string
	Etcd         string
	Prometheus   string
	Alertmanager string

	Cluster  string          // the cluster's name; default demo
	Members  []string        // default m1, m2, m3
	Autonomy repair.Autonomy // default auto
	Interval time.Duration   // Prometheus' scrape and evaluation; default 1 s
	Settle   time.Duration   // default 5 s
	Cooldown time.Duration   // default off
	Attempts int             // default off
}

func (o Options) orDefault() Options {
	if o.Cluster == "" {
		o.Cluster = "demo"
	}
	if len(o.Members) == 0 {
		o.Members = []string{"m1", "m2", "m3"}
	}
	if o.Autonomy == "" {
		o.Autonomy = repair.Auto
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Settle == 0 {
		o.Settle = 5 * time.Second
	}
	return o
}

// Stage is a running cluster with everything that watches over it.
type Stage struct {
	layout
	VerifierKey string // the journal's

	spawner    *spawner
	supervisor *child
	serve      *child
	others     []*child
}

// Start starts everything and waits until all of it is seen to work: each member
// serves, every target is scraped, fettle is ready. Nothing is left running if it
// fails; the files are left, for their output.
func Start(ctx context.Context, o Options) (*Stage, error) {
	const tries = 3
	for try := 1; ; try++ {
		s, err := startOnce(ctx, o.orDefault(), try)
		if err == nil || try == tries || !errors.Is(err, errPortTaken) {
			return s, err
		}
	}
}

func startOnce(ctx context.Context, o Options, try int) (*Stage, error) {
	l := layout{Options: o, Dir: filepath.Join(o.Dir, fmt.Sprintf("stage%d", try))}
	if err := os.Mkdir(l.Dir, 0o700); err != nil {
		return nil, err
	}
	l.Socket = l.path("supervisor.sock")
	if len(l.Socket) > maxSocketPath {
		return nil, fmt.Errorf("%s is longer than the %d bytes that a socket's path may have: set TMPDIR to a shorter folder", l.Socket, maxSocketPath)
	}
	var err error
	// Slower beats than in tests: on a busy machine an election would disturb the picture.
	if l.Specs, err = etcdproc.Plan(l.path("etcd"), o.Members, etcdproc.Options{Heartbeat: 100 * time.Millisecond}); err != nil {
		return nil, err
	}
	if l.Addresses, err = freeAddresses("fettle", "fettle_exporter", "prometheus", "alertmanager"); err != nil {
		return nil, err
	}
	if err := l.write(); err != nil {
		return nil, err
	}
	s := &Stage{layout: l, spawner: newSpawner()}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// maxSocketPath is what fits into the kernel's address of a unix socket.
const maxSocketPath = 103

func (s *Stage) start(ctx context.Context) (err error) {
	if s.supervisor, err = s.spawn("supervisor", s.Fettle, "demo", "supervisor", s.path("supervisor.json")); err != nil {
		return err
	}
	if err := s.awaitMembers(ctx); err != nil {
		return err
	}
	if s.VerifierKey, err = s.initJournal(ctx); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{"alertmanager", s.Alertmanager, "--config.file=" + s.path("alertmanager.yml"), "--storage.path=" + s.path("alertmanager"), "--web.listen-address=" + s.Addresses["alertmanager"], "--cluster.listen-address="},
		{"fettle_exporter", s.Exporter, "--config.file=" + s.path("exporter.yml"), "--web.listen-address=" + s.Addresses["fettle_exporter"]},
		{"prometheus", s.Prometheus, "--config.file=" + s.path("prometheus.yml"), "--storage.tsdb.path=" + s.path("prometheus"), "--web.listen-address=" + s.Addresses["prometheus"]},
	} {
		c, err := s.spawn(argv[0], argv[1:]...)
		if err != nil {
			return err
		}
		s.others = append(s.others, c)
	}
	if err := s.StartServe(ctx); err != nil {
		return err
	}
	return s.awaitScrapes(ctx)
}

func (s *Stage) spawn(name string, argv ...string) (*child, error) {
	return s.spawner.start(name, s.Output(name), argv...)
}

// Output is the file with what a program printed: fettle, fettle_exporter,
// prometheus, alertmanager or supervisor.
func (s *Stage) Output(program string) string { return s.path("output", program+".log") }

// URL is where a program answers: fettle, fettle_exporter, prometheus, alertmanager.
func (s *Stage) URL(program string) string { return "http://" + s.Addresses[program] }

// TokenFile has the token of a role: webhook, metrics, viewer or operator.
func (s *Stage) TokenFile(role string) string { return s.tokenFile(role) }

// ServerSocket is the unix socket of fettle serve.
func (s *Stage) ServerSocket() string { return s.path("fettle.sock") }

// Journal is the directory of fettle's journal.
func (s *Stage) Journal() string { return s.path("journal") }

// Inventory is the cluster as fettle's configuration names it, without commands.
func (s *Stage) Inventory() cluster.Cluster {
	return etcdproc.Inventory(s.Cluster, s.Specs, cluster.TLS{})
}

// StartServe starts fettle serve, which must not be running, and waits until it is
// ready.
func (s *Stage) StartServe(ctx context.Context) (err error) {
	if s.serve, err = s.spawn("fettle", s.Fettle, "serve", "--config.file="+s.path("fettle.yml")); err != nil {
		return err
	}
	return await(ctx, "fettle serve to be ready", []*child{s.serve}, func(ctx context.Context) error {
		_, err := get(ctx, s.URL("fettle")+"/-/ready", s.TokenFile("viewer"))
		return err
	})
}

// StopServe ends fettle serve in its own way; it can be started again.
func (s *Stage) StopServe() { s.serve.stop(10 * time.Second) }

// Close ends every program. The files are left.
func (s *Stage) Close() error {
	if s == nil {
		return nil
	}
	// The order matters to the output only: what watches goes before what is watched.
	if s.serve != nil {
		s.serve.stop(10 * time.Second)
	}
	for _, c := range s.others {
		c.stop(3 * time.Second)
	}
	s.supervisor.stop(5 * time.Second) // and the members with it
	s.spawner.close()
	return nil
}

// Command runs fettle with args and returns what it printed.
func (s *Stage) Command(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, s.Fettle, args...).CombinedOutput() //nolint:gosec // our own program
	if err != nil {
		err = fmt.Errorf("fettle %s: %w", strings.Join(args, " "), err)
	}
	return string(out), err
}

// verifierKey is the text form of golang.org/x/mod/sumdb/note.
var verifierKey = regexp.MustCompile(`\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*`) //nolint:gochecknoglobals // a constant

// initJournal creates the journal and returns its verifier key, which a person
// would keep elsewhere.
func (s *Stage) initJournal(ctx context.Context) (string, error) {
	out, err := s.Command(ctx, "journal", "init", s.Journal(), "--key-file="+s.path("journal.key"))
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	key := verifierKey.FindString(out)
	if key == "" {
		return "", fmt.Errorf("fettle journal init printed no verifier key: %s", out)
	}
	return key, os.WriteFile(s.path("journal.pub"), []byte(key+"\n"), 0o600)
}
