//go:build servers

package amtest

import (
	"encoding/json"
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
)

// fakeServices are services without a process: a supervisor that keeps in memory
// which of them run, answers their declared commands on a unix socket, and counts
// every restart. Each is a cluster of its own, so that no repair waits for another.
type fakeServices struct {
	socket string

	mu   sync.Mutex
	all  map[string]*fakeService // by cluster
	told []string
}

type fakeService struct {
	dead     bool
	serial   int  // its process' identity
	restarts int  // by a command
	broken   bool // restart commands fail
}

// member is the one member of each cluster.
const member = "web"

// newServices makes n services that run: s1, s2 …
func newServices(t testing.TB, n int) *fakeServices {
	t.Helper()
	dir, err := os.MkdirTemp("", "am") // short: a socket's path is
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &fakeServices{socket: filepath.Join(dir, "s"), all: map[string]*fakeService{}}
	for i := range n {
		s.all[fmt.Sprintf("s%d", i+1)] = &fakeService{serial: 1}
	}
	l, err := net.Listen("unix", s.socket)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.answer(conn)
		}
	}()
	return s
}

// inventory is what fettle.yml says of them.
func (s *fakeServices) inventory() []cluster.Cluster {
	var out []cluster.Cluster
	for name := range s.all {
		argv := func(verb string) []string { return []string{serviceCommand, s.socket, verb, name} }
		out = append(out, cluster.Cluster{Name: name, Kind: cluster.KindService, Members: []cluster.Member{{
			Name: member, Host: "elsewhere", Commands: cluster.Commands{Status: argv("status"), Restart: argv("restart")},
		}}})
	}
	slices.SortFunc(out, func(a, b cluster.Cluster) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// answer answers one declared command (looptest's testdata/member).
func (s *fakeServices) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var words []string
	if json.NewDecoder(conn).Decode(&words) != nil || len(words) != 2 {
		return
	}
	status, err := s.do(words[0], words[1])
	out := map[string]any{"status": status}
	if err != nil {
		out["error"] = err.Error()
	}
	_ = json.NewEncoder(conn).Encode(out)
}

func (s *fakeServices) do(verb, name string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[name]
	if p == nil {
		return nil, fmt.Errorf("no service %q", name)
	}
	switch verb {
	case "status":
		if p.dead {
			return map[string]any{"state": "dead"}, nil
		}
		return map[string]any{"state": "running", "identity": fmt.Sprintf("%s@%d", name, p.serial)}, nil
	case "restart":
		s.told = append(s.told, time.Now().Format("15:04:05.000 ")+verb+" "+name)
		if p.broken {
			return nil, errors.New("not today")
		}
		p.dead = false
		p.serial++
		p.restarts++
		return nil, nil
	}
	return nil, errors.New("unknown verb")
}

// crash kills services, which must run.
func (s *fakeServices) crash(t testing.TB, names ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if s.all[name].dead {
			t.Fatalf("%s is dead already", name)
		}
		s.all[name].dead = true
		s.told = append(s.told, time.Now().Format("15:04:05.000 ")+"(the test kills "+name+")")
	}
}

// setBroken has a service's restarts fail, or not.
func (s *fakeServices) setBroken(name string, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[name].broken = broken
}

// restarts is how often a service was restarted by a command.
func (s *fakeServices) restarts(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[name].restarts
}

// restartedOnce wants each of the services named restarted exactly once, and no other.
func (s *fakeServices) restartedOnce(t testing.TB, names ...string) {
	t.Helper()
	for name := range s.all {
		want := 0
		if slices.Contains(names, name) {
			want = 1
		}
		if n := s.restarts(name); n != want {
			t.Errorf("%s was restarted %d times, want %d", name, n, want)
		}
	}
}
