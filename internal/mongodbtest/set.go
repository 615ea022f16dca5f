// Package mongodbtest is a stand-in for a MongoDB replica set: it speaks OP_MSG and BSON
// with a codec of its own, answers hello, buildInfo, the SCRAM-SHA-256 login,
// replSetGetStatus, replSetGetConfig and a find in the oplog as MongoDB's manual shows
// them, and keeps no data. It is no MongoDB: elections are held when a test says so, and
// its clock goes on when a test says so too. Start with Start.
package mongodbtest

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// States of a member, as MongoDB numbers them.
const (
	Startup    = 0
	Primary    = 1
	Secondary  = 2
	Recovering = 3
	Arbiter    = 7
	Rollback   = 9
	Removed    = 10
)

// Options say how a stand-in is made.
type Options struct {
	User, Password string // "": it wants no login
	// Rights are what the user may run besides hello and buildInfo; nil: everything.
	Rights []string
	// Version is what it says it is; default 7.0.14.
	Version string
	// Checksum puts one behind every answer, as MongoDB may.
	Checksum bool
	// Arbiter makes the last member one.
	Arbiter bool
	// TLS wraps what comes in; nil: none.
	TLS func(net.Conn) net.Conn
}

// Set is a replica set rs0.
type Set struct {
	Members []*Member

	options Options
	mu      sync.Mutex
	now     time.Time
	term    int64
}

// Member is one of its members.
type Member struct {
	Name, Address string
	// Delay and Votes are of the configuration; to be set before anybody asks.
	Delay int32
	Votes int32

	set      *Set
	state    int
	term     int64
	applied  time.Time // of the last change that it has
	paused   bool      // it does not apply
	cut      bool      // it hears nobody, and nobody hears it
	frozen   bool
	elected  time.Time
	heard    map[*Member]time.Time
	listener net.Listener
	conns    map[net.Conn]bool
}

// Start starts a set of n members m0, m1 …, of which m0 is the primary. It ends with the
// test.
func Start(t testing.TB, n int, o Options) *Set {
	t.Helper()
	if o.Version == "" {
		o.Version = "7.0.14"
	}
	s := &Set{options: o, now: time.Unix(1_700_000_000, 0), term: 1}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m := &Member{
			Name: fmt.Sprint("m", i), Address: l.Addr().String(), Votes: 1, set: s, state: Secondary, term: 1, applied: s.now,
			heard: map[*Member]time.Time{}, listener: l, conns: map[net.Conn]bool{},
		}
		if o.Arbiter && i == n-1 {
			m.state = Arbiter
		}
		s.Members = append(s.Members, m)
		t.Cleanup(m.Kill)
		go m.accept(l)
	}
	s.Elect(0)
	return s
}

// Inventory is the set as a configuration would name it.
func (s *Set) Inventory(name string) cluster.Cluster {
	c := cluster.Cluster{Name: name, Kind: cluster.KindMongoDB}
	for _, m := range s.Members {
		c.Members = append(c.Members, cluster.Member{Name: m.Name, Host: "localhost", Endpoint: "mongodb://" + m.Address})
	}
	return c
}

// do changes something, and lets heartbeats and changes flow where they can.
func (s *Set) do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.flow()
}

func (s *Set) flow() {
	for _, a := range s.Members {
		for _, b := range s.Members {
			if a != b && a.reaches(b) {
				a.heard[b] = s.now
			}
		}
	}
	for _, m := range s.Members {
		if p := m.source(); p != nil && m.reaches(p) && !m.paused {
			m.applied, m.term = p.applied, p.term
		}
	}
}

func (m *Member) runs() bool { return !m.frozen && m.listener != nil }

func (m *Member) reaches(o *Member) bool { return m.runs() && o.runs() && !m.cut && !o.cut }

// source is the primary of the highest term, for a secondary.
func (m *Member) source() *Member {
	var p *Member
	for _, o := range m.set.Members {
		if m.state == Secondary && o.state == Primary && o != m && o.term <= m.term && (p == nil || o.term > p.term) {
			p = o
		}
	}
	return p
}

// Pass lets time pass.
func (s *Set) Pass(d time.Duration) { s.do(func() { s.now = s.now.Add(d) }) }

// Write writes at every member that says it is the primary, and is not frozen.
func (s *Set) Write() {
	s.do(func() {
		for _, m := range s.Members {
			if m.state == Primary && m.runs() {
				m.applied = s.now
			}
		}
	})
}

// Elect makes a member the primary of a new term. One that is cut off, frozen or dead
// does not hear of it, and goes on as it was.
func (s *Set) Elect(i int) {
	s.do(func() {
		s.term++
		for _, m := range s.Members {
			switch {
			case m == s.Members[i]:
				m.state, m.term, m.applied, m.elected = Primary, s.term, s.now, s.now
			case m.cut || !m.runs():
			case m.state == Primary:
				m.state, m.term = Secondary, s.term
			default:
				m.term = s.term
			}
		}
	})
}

// Cut cuts a member off from the others, or joins it again.
func (m *Member) Cut(off bool) { m.set.do(func() { m.cut = off }) }

// Pause keeps a member from applying what it gets, or lets it go on.
func (m *Member) Pause(on bool) { m.set.do(func() { m.paused = on }) }

// State puts a member into a state.
func (m *Member) State(state int) { m.set.do(func() { m.state = state }) }

// Freeze stops a member: it still takes connections, and answers nothing.
func (m *Member) Freeze() { m.set.do(func() { m.frozen = true }) }

// Thaw lets it go on.
func (m *Member) Thaw() { m.set.do(func() { m.frozen = false }) }

// Kill ends it.
func (m *Member) Kill() {
	m.set.do(func() {
		if m.listener != nil {
			_ = m.listener.Close()
		}
		m.listener = nil
		for c := range m.conns {
			_ = c.Close()
		}
	})
}
