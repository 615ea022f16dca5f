package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// ring is a cluster with a quorum: who leads, and what is committed.
type ring struct {
	w        *world
	conf     cluster.Cluster
	members  []*unit
	leader   *unit
	term     uint64
	base     float64 // committed before this leader
	led      time.Duration
	electing bool
	cut      map[[2]int]bool // from, to: nothing arrives
	unnamed  bool            // no alert names its members
}

// voter is what a unit is as a member of a ring.
type voter struct {
	data    dataDir
	wipedAt time.Duration
	opened  bool // its client port is open: it has seen a leader since it started
	sees    bool // it sees the leader
	caught  time.Duration
	frozen  uint64 // applied, while it does not follow
	stale   uint64 // the term in which it still takes itself for the leader; 0: it does not
}

type dataDir string

const (
	intact dataDir = "intact"
	wiped  dataDir = "wiped"
	others dataDir = "another member's"
)

// perSecond is how many entries a ring commits.
const perSecond = 50

func (r *ring) quorum() int { return len(r.members)/2 + 1 }

func (r *ring) commit() uint64 {
	c := r.base
	if r.leader != nil {
		c += (r.w.now - r.led).Seconds() * perSecond
	}
	return uint64(c)
}

func (r *ring) linked(a, b *unit) bool {
	return !r.cut[[2]int{a.place, b.place}] && !r.cut[[2]int{b.place, a.place}]
}

// follows tells that b, if it led, would be heard by a.
func (r *ring) follows(a, b *unit) bool {
	return a == b || a.alive() && b.alive() && r.linked(a, b)
}

func (r *ring) followers(of *unit) int {
	n := 0
	for _, m := range r.members {
		if m.data == intact && r.follows(m, of) {
			n++
		}
	}
	return n
}

// update finds who leads and who sees it, after a change.
func (r *ring) update() {
	if l := r.leader; l != nil && (!l.alive() || r.followers(l) < r.quorum()) {
		r.base, r.leader = float64(r.commit()), nil
		if l.alive() { // cut off, it takes a while until it notices
			l.stale = r.term
			l.later(2*time.Second, func() { l.stale = 0; r.w.changed() })
		}
		r.w.say(r.conf.Name, "has no leader")
	}
	if r.leader == nil && !r.electing {
		for _, m := range r.members {
			if m.alive() && m.data == intact && r.followers(m) >= r.quorum() {
				r.electing = true
				r.w.in(r.w.dice.span(500*time.Millisecond, 2*time.Second), r.elect)
				break
			}
		}
	}
	for _, m := range r.members {
		m.follow(r)
	}
}

func (r *ring) elect() {
	r.electing = false
	if r.leader != nil {
		return
	}
	var best *unit
	for _, m := range r.members {
		if m.alive() && m.data == intact && r.followers(m) >= r.quorum() && (best == nil || m.frozen > best.frozen) {
			best = m
		}
	}
	if best != nil {
		r.term++
		r.leader, r.led = best, r.w.now
		best.stale = 0
		r.w.say(best.name(), "leads, term %d", r.term)
	}
	r.w.changed()
}

// follow is one member's part of an update.
func (u *unit) follow(r *ring) {
	sees := r.leader != nil && u.alive() && u.data == intact && r.follows(u, r.leader)
	if sees == u.sees {
		return
	}
	if u.sees = sees; !sees {
		u.frozen = max(u.frozen, r.commit())
		return
	}
	late := r.w.dice.mostly(500*time.Millisecond, 20*time.Second, 0.1)
	if u == r.leader {
		late = 0
	}
	u.caught, u.opened = r.w.now+late, true
	u.ready()
	u.later(late, r.w.changed)
}

// join is a process that starts, leave one that ended.
func (u *unit) join() {
	u.opened, u.sees, u.stale = false, false, 0
}

func (u *unit) leave() {
	if u.ring == nil {
		return
	}
	if u.sees {
		u.frozen = max(u.frozen, u.ring.commit())
	}
	u.opened, u.sees, u.stale = false, false, 0
}

// caughtUp tells that it follows, at most as far behind as rule 14 allows.
func (u *unit) caughtUp() bool {
	return u.sees && u.applied()+u.w.settings(u.name()).CommitLag >= u.ring.commit()
}

func (u *unit) applied() uint64 {
	if u.sees && u.w.now >= u.caught {
		return u.ring.commit()
	}
	return u.frozen
}

func (u *unit) id() string { return fmt.Sprintf("%x", 0xa0+u.place) + "e7cd" }

// names is the leader that it names, and its term.
func (u *unit) names() (leader string, term uint64) {
	switch {
	case u.sees:
		return u.ring.leader.id(), u.ring.term
	case u.stale > 0:
		return u.id(), u.stale
	}
	return "", u.ring.term
}

// servingWithout counts the members that would serve without u: it is the quorum
// that a mutation may not break.
func (r *ring) servingWithout(u *unit) int {
	n := 0
	for _, m := range r.members {
		if m != u && m.caughtUp() {
			n++
		}
	}
	return n
}
