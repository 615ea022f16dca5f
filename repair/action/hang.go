package action

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// Hang says when silence is a hang (ENGINE.md rule 14). Zero fields are defaults.
type Hang struct {
	Silence time.Duration // nothing was heard of it for so long; 6 s
	Every   time.Duration // between two samples; 1 s
	Replay  time.Duration // a process that has not been seen serving may take so long to start; 90 s
}

func (h Hang) orDefault() Hang {
	if h.Silence == 0 {
		h.Silence = 6 * time.Second
	}
	if h.Every == 0 {
		h.Every = time.Second
	}
	if h.Replay == 0 {
		h.Replay = 90 * time.Second
	}
	return h
}

// mayHang tells whether a member that does not answer can be hung at all: it runs,
// nothing is being done to it, it is past its start, and it runs here, because a
// probe from another host cannot tell a hang from a partition.
func (h Hang) mayHang(s cluster.Service, k known, local bool) bool {
	return local && s.State == cluster.ServiceRunning && !s.Busy && s.Identity != "" &&
		(k.served && k.identity == s.Identity || s.Age > h.Replay)
}

// sample is what one moment says of a member that may hang.
type sample struct {
	at       time.Duration // CLOCK_BOOTTIME
	identity string
	client   bool // its client port answers
	peer     bool // its peer port does
	// received is how many bytes each peer that can be asked has had from it by now.
	received map[string]float64
	leader   string // the peer that leads; empty: none, or it is the member itself
}

// silence is how long nothing was heard of a process. The zero value is not silent.
type silence struct {
	identity    string
	since, last time.Duration
	received    map[string]float64
}

// add takes one more sample. Silence begins anew when anything was heard, when the
// process is another, or when nobody listened for as long as silence takes to be a
// hang; where nobody can tell there is none.
func (q silence) add(s sample, h Hang) silence {
	who := s.listeners()
	switch {
	case s.client || s.peer || len(who) == 0:
		return silence{}
	case q.identity != s.identity, s.at-q.last > h.Silence, s.at < q.last, heard(q.received, s.received, who):
		return silence{identity: s.identity, since: s.at, last: s.at, received: s.received}
	}
	q.last = s.at
	return q
}

// listeners are the peers whose word counts: the leader, or all if there is none.
func (s sample) listeners() []string {
	if _, ok := s.received[s.leader]; ok {
		return []string{s.leader}
	}
	if s.leader != "" {
		return nil
	}
	return slices.Collect(maps.Keys(s.received))
}

// heard tells whether any of them received something in between, or cannot say so
// because it was not asked before.
func heard(before, now map[string]float64, who []string) bool {
	return slices.ContainsFunc(who, func(name string) bool {
		n, ok := before[name]
		return !ok || n != now[name]
	})
}

// hung tells that the silence of that process lasted long enough.
func (q silence) hung(identity string, h Hang) bool {
	return q.identity != "" && q.identity == identity && q.last-q.since >= h.Silence
}

// sample takes one more sample of a member that does not answer Status.
func (l *memberLook) sample(ctx context.Context, d *etcd.Driver, v cluster.View, p *part) sample {
	name := p.target.Member.Name
	s := sample{identity: p.service.Identity}
	s.leader = ledBy(v, name)
	s.received, _ = d.ReceivedFrom(ctx, name) // nil: nobody can tell
	s.client, s.peer = d.Answers(ctx, name)
	s.at = l.Clock().Since
	return s
}

// ledBy is whose word on a member counts, that leads it; empty: it leads itself, or nobody
// does. A leader that the inventory does not list has its ID here: it cannot be asked, and
// what the others hear, to whom a follower sends nothing, says nothing.
func ledBy(v cluster.View, name string) string {
	leader, ok := v.Leader()
	if !ok || leader.Name == name {
		return ""
	}
	return cmp.Or(leader.Name, leader.ID)
}

func (l *memberLook) silence(t cluster.Target) silence {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.silences[t.String()]
}

func (l *memberLook) keep(t cluster.Target, q silence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silences[t.String()] = q
}
