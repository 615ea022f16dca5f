package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/cluster/etcd"
)

// supervision is what the supervisor is told, in a file.
type supervision struct {
	Socket  string       `json:"socket"`
	Program string       `json:"program"`
	Members []supervised `json:"members"`
}

type supervised struct {
	Name    string   `json:"name"`
	Args    []string `json:"args"`
	DataDir string   `json:"data_dir"`
	Output  string   `json:"output"`
}

// supervisor holds the etcd members as its children: what fettle's declared
// commands start must stand outside their own process group (ENGINE.md rule 26).
// It starts all of them once, and afterwards restarts nothing by itself.
type supervisor struct {
	supervision
	spawner *spawner

	mu      sync.Mutex
	running map[string]*child // the last process of each member
	purpose map[string]bool   // ended by `stop`
}

// supervise runs the supervisor until SIGTERM or SIGINT, and ends its members then.
func supervise(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s := &supervisor{spawner: newSpawner(), running: map[string]*child{}, purpose: map[string]bool{}}
	if err := json.Unmarshal(data, &s.supervision); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	old := syscall.Umask(0o177) // the socket's mode is 0600 from its first moment on
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", s.Socket)
	syscall.Umask(old)
	if err != nil {
		return err
	}
	defer s.endAll()
	for _, m := range s.Members {
		if err := s.start(m); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

// request and answer are one line of JSON each.
type request struct {
	Verb     string `json:"verb"`
	Member   string `json:"member"`
	Identity string `json:"identity,omitempty"`
}

type answer struct {
	Status *memberStatus `json:"status,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// memberStatus is what a declared status command prints, see internal/service.
type memberStatus struct {
	State      string  `json:"state"`
	Identity   string  `json:"identity,omitempty"`
	MemberID   string  `json:"member_id,omitempty"`
	DataDirOK  *bool   `json:"data_dir_ok,omitempty"`
	AgeSeconds float64 `json:"age_seconds,omitempty"`
}

// asking bounds one request: no client holds the supervisor up.
const asking = 30 * time.Second

func (s *supervisor) serve(conn net.Conn) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(asking)); err != nil {
		return
	}
	var q request
	var a answer
	line, err := bufio.NewReaderSize(conn, 4096).ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &q)
	}
	if err == nil {
		a.Status, err = s.do(q)
	}
	if err != nil {
		a = answer{Error: err.Error()}
	}
	_ = json.NewEncoder(conn).Encode(a) // a client that is gone needs no answer
}

func (s *supervisor) do(q request) (*memberStatus, error) {
	m, err := s.member(q.Member)
	if err != nil {
		return nil, err
	}
	switch q.Verb {
	case "status":
		return s.status(m), nil
	case "start":
		return nil, s.start(m)
	case "stop":
		s.stop(m)
		return nil, nil
	case "restart":
		s.stop(m)
		return nil, s.start(m)
	case "kill":
		return nil, s.kill(m, q.Identity)
	}
	return nil, fmt.Errorf("unknown verb %q: want status, start, stop, kill or restart", q.Verb)
}

func (s *supervisor) member(name string) (supervised, error) {
	for _, m := range s.Members {
		if m.Name == name {
			return m, nil
		}
	}
	return supervised{}, fmt.Errorf("no member %q here", name)
}

func (s *supervisor) status(m supervised) *memberStatus {
	s.mu.Lock()
	c, onPurpose := s.running[m.Name], s.purpose[m.Name]
	s.mu.Unlock()
	if c != nil && !c.ended() {
		return &memberStatus{State: "running", Identity: c.identity, AgeSeconds: time.Since(c.started).Seconds()}
	}
	// Whose data directory it is matters for a start, and etcd holds it while it runs.
	st := &memberStatus{State: "dead"}
	if onPurpose {
		st.State = "stopped_on_purpose"
	}
	dir, err := etcd.ReadDataDir(m.DataDir)
	there := err == nil
	switch {
	case there:
		st.DataDirOK, st.MemberID = &there, dir.NodeID
	case errors.Is(err, etcd.ErrNoDataDir), errors.Is(err, etcd.ErrEmptyDataDir):
		st.DataDirOK = &there
	}
	return st
}

// start starts a member that is down; one that runs it leaves alone.
func (s *supervisor) start(m supervised) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.running[m.Name]; c != nil && !c.ended() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(m.Output), 0o700); err != nil {
		return err
	}
	c, err := s.spawner.start("etcd member "+m.Name, m.Output, append([]string{s.Program}, m.Args...)...)
	if err != nil {
		return err
	}
	s.running[m.Name], s.purpose[m.Name] = c, false
	return nil
}

// stop ends a member in etcd's own way, a hung one after ten seconds, and returns
// when it is gone.
func (s *supervisor) stop(m supervised) {
	s.mu.Lock()
	c := s.running[m.Name]
	s.purpose[m.Name] = true
	s.mu.Unlock()
	c.stop(10 * time.Second)
}

// kill ends exactly the process with that identity.
func (s *supervisor) kill(m supervised, identity string) error {
	s.mu.Lock()
	c := s.running[m.Name]
	s.mu.Unlock()
	if c == nil || c.ended() || c.identity != identity {
		return fmt.Errorf("member %s: no process %q runs", m.Name, identity)
	}
	if _, err := signalExactly(identity, syscall.SIGKILL); err != nil && !c.ended() {
		return err
	}
	return nil
}

func (s *supervisor) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.running {
		c.stop(0)
	}
	s.spawner.close()
}
