package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// fleet is a fake: services that no process runs, only noted down, so that a
// thousand faults cost little. What is real is the way to them: the declared status
// command is cat on a file, the restart command a program that asks this supervisor
// over a unix socket, as one beside a real service would.
type fleet struct {
	t     testing.TB
	dir   string // a status file for each member
	sock  string
	names []string

	mu       sync.Mutex
	members  map[string]*fakeService
	needless int           // restarts of what was running
	hold     chan struct{} // restart commands wait until it is closed; nil: they do not
	waiting  int           // so many do
}

// fakeService is one member.
type fakeService struct {
	running  bool
	serial   int         // of its processes
	restarts []time.Time // when a command restarted it
	refuse   int         // so many restart commands fail and change nothing
}

// newFleet makes n services, all running.
func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	dir, err := os.MkdirTemp("", "fleet") // short: a socket's path is
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fleet{t: t, dir: dir, sock: filepath.Join(dir, "s"), members: map[string]*fakeService{}}
	l, err := net.Listen("unix", f.sock)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	for i := range n {
		name := fmt.Sprintf("s%02d", i+1)
		f.names, f.members[name] = append(f.names, name), &fakeService{}
		f.bring(name)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return f
}

// inventory is the fleet as fettle.yml has it.
func (f *fleet) inventory() cluster.Cluster {
	c := cluster.Cluster{Name: "fleet", Kind: cluster.KindService}
	for i, name := range f.names {
		c.Members = append(c.Members, cluster.Member{
			Name: name, Host: fmt.Sprintf("h%02d", i+1),
			Commands: cluster.Commands{
				Status:  []string{"cat", f.status(name)},
				Restart: []string{memberCommand, f.sock, "restart", name},
			},
		})
	}
	return c
}

func (f *fleet) status(name string) string { return filepath.Join(f.dir, name+".json") }

// note writes the status file, whole at any moment. f.mu is held, or nobody else knows f.
func (f *fleet) note(name string) error {
	s, m := map[string]any{"state": "dead"}, f.members[name]
	if m.running {
		s = map[string]any{"state": "running", "identity": fmt.Sprintf("1@%d", m.serial)}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.status(name)+".tmp", b, 0o600); err != nil {
		return err
	}
	return os.Rename(f.status(name)+".tmp", f.status(name))
}

// serve answers one restart command.
func (f *fleet) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var words []string
	if json.NewDecoder(conn).Decode(&words) != nil {
		return
	}
	if !f.wait(conn) || !alive(conn) {
		return
	}
	answer := map[string]any{}
	if err := f.restart(words); err != nil {
		answer["error"] = err.Error()
	}
	_ = json.NewEncoder(conn).Encode(answer)
}

// alive tells that the command still runs that asks. What was killed together with
// fettle asks for nothing any more: on a busy machine this supervisor may read its
// words seconds later, which no real one does, and not_after is 1 s here.
func alive(conn net.Conn) bool {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	there := false
	_ = conn.SetReadDeadline(time.Time{})
	_ = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		there = errors.Is(err, syscall.EAGAIN) // otherwise it is closed: it says nothing more
		return true
	})
	return there
}

// wait holds a restart command back, as a slow one is; false: it was killed meanwhile.
func (f *fleet) wait(conn net.Conn) bool {
	f.mu.Lock()
	hold := f.hold
	if hold == nil {
		f.mu.Unlock()
		return true
	}
	f.waiting++
	f.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		_, _ = conn.Read(make([]byte, 1)) // it says nothing more: this ends with it
		close(gone)
	}()
	alive := true
	select {
	case <-hold:
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // who reads holds up whoever looks at conn
		<-gone
	case <-gone:
		alive = false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
	return alive
}

// slow holds every restart command back until the returned function is called.
func (f *fleet) slow() (release func()) {
	hold := make(chan struct{})
	f.mu.Lock()
	f.hold = hold
	f.mu.Unlock()
	release = sync.OnceFunc(func() {
		f.mu.Lock()
		f.hold = nil
		f.mu.Unlock()
		close(hold)
	})
	f.t.Cleanup(release)
	return release
}

// held is how many restart commands are held back.
func (f *fleet) held() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

func (f *fleet) restart(words []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(words) != 2 || words[0] != "restart" || f.members[words[1]] == nil {
		return fmt.Errorf("%q is not restart and a member", words)
	}
	m := f.members[words[1]]
	if m.refuse > 0 {
		m.refuse--
		return errors.New("not today")
	}
	if m.running {
		f.needless++
	}
	m.running, m.serial, m.restarts = true, m.serial+1, append(m.restarts, time.Now())
	return f.note(words[1])
}

// bring starts a service as a person would: it is not counted.
func (f *fleet) bring(name string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	m.running, m.serial = true, m.serial+1
	must(f.t, f.note(name))
}

// crash ends a service, and tells whether it was running.
func (f *fleet) crash(name string) bool {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	was := m.running
	m.running = false
	must(f.t, f.note(name))
	return was
}

// refuses makes the next n restart commands of a service fail.
func (f *fleet) refuses(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[name].refuse = n
}

// dead are the services that do not run.
func (f *fleet) dead() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.names), func(name string) bool { return f.members[name].running })
}

// restarts is when each service was restarted by a command.
func (f *fleet) restarts() map[string][]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string][]time.Time{}
	for name, m := range f.members {
		all[name] = slices.Clone(m.restarts)
	}
	return all
}

// counted is how often any service was restarted by a command.
func (f *fleet) counted() int {
	n := 0
	for _, times := range f.restarts() {
		n += len(times)
	}
	return n
}
