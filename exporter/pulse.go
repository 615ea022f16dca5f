package exporter

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/postgres"
	"github.com/fettle-io/fettle/cluster/redis"
	"github.com/fettle-io/fettle/probe"
)

// pulse is when each layer of a member was seen alive last. The zero time is never.
type pulse struct {
	network, application, data time.Time

	followed bool     // whether data was seen to follow at all
	position *float64 // how far the member was at the last look; nil: not told
	behind   lag      // and how far behind
}

// lag is how far behind a member is, in what its system counts; nil: not told.
type lag struct{ seconds, bytes, entries *float64 }

// feel takes in what one look saw of the member, and whether its machine is there.
func (p *pulse) feel(m cluster.MemberView, there bool, now time.Time) {
	if there {
		p.network = now
	}
	if m.Reachable {
		p.application = now
	}
	s := m.Sync
	if s == nil || !s.Up || !s.Running {
		p.position, p.behind = nil, lag{} // what moves from here on is no proof over a gap
		return
	}
	position, behind := positionOf(m), lag{s.Seconds, s.Bytes, s.Entries}
	switch {
	case !p.followed: // whether it stands still is to be seen from here on
		p.followed, p.data = true, now
	case s.Role == cluster.Primary, behind.none(), grew(p.position, position), behind.shrank(p.behind):
		p.data = now
	case behind.seconds != nil:
		if at := now.Add(-time.Duration(*behind.seconds * float64(time.Second))); at.After(p.data) {
			p.data = at // it has what its source had then
		}
	}
	p.position, p.behind = position, behind
}

func grew(before, now *float64) bool { return before != nil && now != nil && *now > *before }

// positionOf is how far a member is in a count that only grows; nil: its system has
// none, and tells how far behind it is in seconds.
func positionOf(m cluster.MemberView) *float64 {
	n := float64(m.Applied) // Raft
	switch d := m.Detail.(type) {
	case *redis.Member:
		return d.Offset
	case *postgres.Member:
		if d.Replayed == nil {
			return nil
		}
		n = float64(*d.Replayed)
	}
	if n == 0 {
		return nil
	}
	return &n
}

// none tells that a lag was told, and that it is none.
func (l lag) none() bool {
	told := false
	for _, v := range []*float64{l.seconds, l.bytes, l.entries} {
		if v != nil && *v > 0 {
			return false
		}
		told = told || v != nil
	}
	return told
}

// shrank tells that the member caught up since: its source does not go back.
func (l lag) shrank(before lag) bool {
	less := func(now, before *float64) bool { return now != nil && before != nil && *now < *before }
	return less(l.bytes, before.bytes) || less(l.entries, before.entries) || less(l.seconds, before.seconds)
}

// spoke tells that the look itself shows that the member's machine is there: something
// answered, if only that nothing listens. What was left alone this time shows nothing.
func spoke(m cluster.MemberView) bool {
	if m.Reachable {
		return true
	}
	silent := []string{"", cluster.Timeout, cluster.Other}
	return m.Pause == 0 && !slices.Contains(silent, m.Error)
}

// reachWait bounds each of the ways in which a machine is asked.
const reachWait = time.Second

// reach asks a member's machine: with ICMP, and where that is not answered or not
// allowed, by connecting to the member's port. A machine that refuses is there.
func reach(ctx context.Context, m cluster.Member) bool {
	first, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	if m.Host != "" && probe.Reply(first, m.Host) == nil {
		return true
	}
	u, err := url.Parse(m.Endpoint)
	if err != nil || u.Port() == "" {
		return false
	}
	second, done := context.WithTimeout(ctx, reachWait)
	defer done()
	conn, err := new(net.Dialer).DialContext(second, "tcp", u.Host)
	if err != nil {
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	_ = conn.Close()
	return true
}
