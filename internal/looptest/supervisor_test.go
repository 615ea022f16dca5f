package looptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/servertest"
)

// supervisor holds etcd members as its children, restarts nothing by itself, and
// answers the declared commands on a unix socket. It counts what it was told.
type supervisor struct {
	t        testing.TB
	commands string // their socket

	mu      sync.Mutex
	members map[string]*patient
	log     []string      // what it was told to change, and did
	hold    chan struct{} // start commands wait until it is closed
	held    int           // so many did
	program string

	// Where members run on hosts of their own: what a member's command line begins
	// with, and whether it serves, asked from its host.
	wrap   func(member string) []string
	serves func(spec etcdproc.Spec) error
	// tells has status tell the local proof, which fettle cannot have by itself.
	tells bool
}

// patient is one member of the supervised cluster.
type patient struct {
	spec    etcdproc.Spec
	proc    *servertest.Process
	born    time.Time
	serial  int // of its processes
	asked   int // start and restart commands that came
	started int // processes that those started
	kills   int // processes that a kill command ended
	purpose bool
	refuse  int  // so many start commands fail and start nothing
	broken  bool // its program is not there: whatever is started ends at once
	frozen  bool // what is started is stopped before it serves
}

// supervise starts a cluster of the members named, and waits until each serves.
func supervise(t testing.TB, names ...string) *supervisor {
	t.Helper()
	specs, err := etcdproc.Plan(t.TempDir(), names, etcdproc.Options{})
	must(t, err)
	s := &supervisor{t: t, wrap: func(string) []string { return nil }}
	s.serves = s.servesHere
	s.raise(specs)
	return s
}

// raise starts the members of a plan.
func (s *supervisor) raise(specs []etcdproc.Spec) {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "loop") // short: a socket's path is
	must(s.t, err)
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.commands, s.members, s.program = filepath.Join(dir, "s"), map[string]*patient{}, programOf(s.t, "etcd")
	l, err := net.Listen("unix", s.commands)
	must(s.t, err)
	s.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	s.t.Cleanup(s.end)
	for _, spec := range specs {
		s.members[spec.Name] = &patient{spec: spec}
		s.bring(spec.Name)
	}
	s.healthy()
}

// inventory is the cluster as fettle.yml has it, with the declared commands.
func (s *supervisor) inventory(name string) cluster.Cluster {
	s.mu.Lock()
	var specs []etcdproc.Spec
	for _, p := range s.members {
		specs = append(specs, p.spec)
	}
	s.mu.Unlock()
	slices.SortFunc(specs, func(a, b etcdproc.Spec) int { return strings.Compare(a.Name, b.Name) })
	c := etcdproc.Inventory(name, specs, cluster.TLS{})
	for i, m := range c.Members {
		argv := func(verb string, more ...string) []string {
			return append([]string{memberCommand, s.commands, verb, m.Name}, more...)
		}
		c.Members[i].Commands = cluster.Commands{
			Status: argv("status"), Start: argv("start"), Stop: argv("stop"), Restart: argv("restart"), Kill: argv("kill", "{identity}"),
		}
	}
	return c
}

func (p *patient) identity() string { return fmt.Sprintf("%d@%d", p.proc.PID(), p.serial) }

func (s *supervisor) startLocked(p *patient) error {
	if err := os.MkdirAll(p.spec.Dir, 0o700); err != nil {
		return err
	}
	argv := append(append(s.wrap(p.spec.Name), s.program), p.spec.Args...)
	if p.broken {
		argv = []string{"/bin/false"}
	}
	proc := &servertest.Process{Name: p.spec.Name, Argv: argv, Log: p.spec.Output}
	if err := proc.Start(); err != nil {
		return err
	}
	p.serial++
	p.proc, p.born, p.purpose = proc, time.Now(), false
	if p.frozen {
		return proc.Freeze()
	}
	return nil
}

// with changes or reads a member.
func (s *supervisor) with(name string, fn func(*patient)) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.members[name]
	if p == nil {
		s.t.Fatalf("no member %s", name)
	}
	fn(p)
}

// bring starts a member that is down, as a person would: it is not counted.
func (s *supervisor) bring(name string) {
	s.t.Helper()
	var err error
	s.with(name, func(p *patient) {
		if !p.proc.Running() {
			err = s.startLocked(p)
		}
	})
	must(s.t, err)
}

// crash kills a member with SIGKILL and returns when it is gone.
func (s *supervisor) crash(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.with(name, func(p *patient) {
			if !p.proc.Running() {
				s.t.Fatalf("member %s is dead already", name)
			}
			p.proc.Kill()
			s.log = append(s.log, time.Now().Format("15:04:05.000 ")+"(the test kills "+name+")")
		})
	}
}

// hang stops a member with SIGSTOP.
func (s *supervisor) hang(name string) {
	s.t.Helper()
	s.with(name, func(p *patient) {
		must(s.t, p.proc.Freeze())
		s.log = append(s.log, time.Now().Format("15:04:05.000 ")+"(the test hangs "+name+")")
	})
}

// stop stops a member on purpose.
func (s *supervisor) stop(name string) {
	s.t.Helper()
	if _, err := s.do([]string{"stop", name}); err != nil {
		s.t.Fatal(err)
	}
}

// slowStarts holds every start command back until the returned function is called.
func (s *supervisor) slowStarts() (release func()) {
	hold := make(chan struct{})
	s.mu.Lock()
	s.hold = hold
	s.mu.Unlock()
	once := sync.OnceFunc(func() {
		s.mu.Lock()
		s.hold = nil
		s.mu.Unlock()
		close(hold)
	})
	s.t.Cleanup(once)
	return once
}

// waiting is how many start commands were held back.
func (s *supervisor) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// mutations is how often a member was started or killed by a command.
func (s *supervisor) mutations(names ...string) int {
	n := 0
	for _, name := range s.names(names) {
		s.with(name, func(p *patient) { n += p.started + p.kills })
	}
	return n
}

// starts is how often a member was started by a command.
func (s *supervisor) starts(names ...string) int {
	n := 0
	for _, name := range s.names(names) {
		s.with(name, func(p *patient) { n += p.started })
	}
	return n
}

func (s *supervisor) names(some []string) []string {
	if len(some) > 0 {
		return some
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.members {
		some = append(some, name)
	}
	return some
}

// healthy brings back who is down and waits until each member serves reads; then
// nothing that was counted counts.
func (s *supervisor) healthy() {
	s.t.Helper()
	for _, name := range s.names(nil) {
		s.with(name, func(p *patient) { p.refuse, p.broken, p.frozen = 0, false, false })
		s.bring(name)
		s.with(name, func(p *patient) { must(s.t, p.proc.Thaw()) })
	}
	s.serving(s.names(nil)...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
	for _, p := range s.members {
		p.asked, p.started, p.kills = 0, 0, 0
	}
}

// serving waits until each member named sees a leader and serves a linearizable read.
func (s *supervisor) serving(names ...string) {
	s.t.Helper()
	for _, name := range names {
		var spec etcdproc.Spec
		s.with(name, func(p *patient) { spec = p.spec })
		until(s.t, "member "+name+" serves", func() error { return s.serves(spec) })
	}
}

func (s *supervisor) servesHere(spec etcdproc.Spec) error {
	d, err := etcd.New(etcdproc.Inventory("watched", []etcdproc.Spec{spec}, cluster.TLS{}), etcd.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	h, err := d.Health(ctx, spec.Name)
	if err == nil && (h.Leader == "" || !h.Linearizable) {
		err = errors.New("no leader, or no linearizable read")
	}
	return err
}

func (s *supervisor) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.members {
		if p.proc.Running() {
			p.proc.Kill()
		}
	}
}

// told is everything that the supervisor was told to change, for failures.
func (s *supervisor) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}
