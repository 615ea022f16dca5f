package action

import (
	"context"
	"maps"
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
	// received is how many bytes its leader, or each peer where there is no leader,
	// had from it by now; nil where that cannot be had.
	received map[string]float64
}

// silence is how long nothing was heard of a process. The zero value is not silent.
type silence struct {
	identity    string
	since, last time.Duration
	received    map[string]float64
}

// add takes one more sample. Silence begins anew when anything was heard, when the
// process is another, when other peers tell, or when nobody listened for as long as
// silence takes to be a hang.
func (q silence) add(s sample, h Hang) silence {
	switch {
	case s.client || s.peer || len(s.received) == 0:
		return silence{}
	case q.identity != s.identity, s.at-q.last > h.Silence, s.at < q.last, !maps.Equal(q.received, s.received):
		return silence{identity: s.identity, since: s.at, last: s.at, received: s.received}
	}
	q.last = s.at
	return q
}

// hung tells that the silence of that process lasted long enough.
func (q silence) hung(identity string, h Hang) bool {
	return q.identity != "" && q.identity == identity && q.last-q.since >= h.Silence
}

// sample takes one more sample of a member that does not answer Status.
func (l *memberLook) sample(ctx context.Context, d *etcd.Driver, t cluster.Target, identity, leader string) sample {
	s := sample{identity: identity}
	if bytes, err := d.ReceivedFrom(ctx, t.Member.Name); err == nil {
		s.received = listeners(bytes, leader)
	}
	s.client, s.peer = d.Answers(ctx, t.Member.Name)
	s.at = l.Clock().Since
	return s
}

// listeners are those whose word counts: the leader alone, if there is one.
func listeners(received map[string]float64, leader string) map[string]float64 {
	if leader == "" {
		return received
	}
	if n, ok := received[leader]; ok {
		return map[string]float64{leader: n}
	}
	return nil
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
