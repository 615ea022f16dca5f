package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// memberLook looks at an etcd member, for every action on one.
type memberLook struct {
	Deps

	mu       sync.Mutex
	silences map[string]silence // by target
}

// Observe is the Observe of every action on an etcd member. A look takes
// milliseconds at a healthy cluster, a second or two where something does not
// answer, and Hang.Silence more when it must tell whether a member is hung.
func (l *memberLook) Observe(ctx context.Context, t cluster.Target) (repair.Sighting, error) {
	d, ok := l.Etcd(t.Cluster.Name)
	if !ok {
		return repair.Sighting{}, fmt.Errorf("%s: no driver for the cluster", t)
	}
	s := l.once(ctx, d, t)
	if l.listen(ctx, d, s) {
		s = l.once(ctx, d, t) // what was seen before is old by now
	}
	if err := ctx.Err(); err != nil {
		return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
	}
	seen := s.member(d)
	if err := s.parts[0].err; err != nil && !seen.inOrder(l.CommitLag) {
		return repair.Sighting{}, reachable(err)
	}
	o, err := seen.observation(t.Member.Name)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
	}
	return repair.Sighting{Asked: s.asked, Observation: o, Facts: repair.Facts{View: &s.view, Sights: s.sights()}}, nil
}

// reachable marks an error of a Manager that cannot reach its target's host.
func reachable(err error) error {
	if errors.Is(err, service.ErrNoAgent) {
		return fmt.Errorf("%w: %w", repair.ErrAgent, err)
	}
	return err
}

// scene is one look at a cluster: its View, and what else is seen of the target
// and, without a leader, of the other members.
type scene struct {
	asked journal.Reading // when the View was asked for
	view  cluster.View
	parts []part // the target's first
}

// part is what is seen of one member beside the View.
type part struct {
	target  cluster.Target
	service cluster.Service
	err     error // of asking the service manager
	known   known
	view    cluster.MemberView

	health           etcd.Health // while reachable; the rest while not
	client, peer     bool        // a port answers
	peerErr          error       // of /members at its peer port, nil if it is as expected
	byScrape, byPeer cluster.Answer
	proof            cluster.Proof
	silent, hung     bool
}

// once looks once. The service managers are asked before the members: what answers
// then is the process that was seen, or a younger one.
func (l *memberLook) once(ctx context.Context, d *etcd.Driver, t cluster.Target) scene {
	s := scene{parts: []part{{target: t}}}
	l.services(ctx, s.parts)
	s.asked, s.view = l.Clock(), d.View(ctx)
	if _, ok := s.view.Leader(); !ok { // rule 13 counts who is alive, and who can be started
		others := others(t)
		l.services(ctx, others)
		s.parts = append(s.parts, others...)
		s.asked, s.view = l.Clock(), d.View(ctx)
	}
	each(s.parts, func(p *part) {
		p.view, _ = s.view.Member(p.target.Member.Name)
		if p.view.Reachable {
			l.present(ctx, d, p)
		} else {
			l.missing(ctx, d, s.view, p)
		}
	})
	return s
}

func others(t cluster.Target) []part {
	var parts []part
	for _, m := range t.Cluster.Members {
		if m.Name != t.Member.Name {
			parts = append(parts, part{target: cluster.Target{Cluster: t.Cluster, Member: m}})
		}
	}
	return parts
}

func each(parts []part, f func(*part)) {
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { f(&parts[i]) })
	}
	all.Wait()
}

// services asks the service managers.
func (l *memberLook) services(ctx context.Context, parts []part) {
	each(parts, func(p *part) {
		p.service, p.err = l.Services.Status(ctx, p.target)
		if p.err != nil {
			p.service = cluster.Service{State: cluster.ServiceUnknown, Error: p.err.Error()}
		}
		if p.service.Identity == "" {
			return
		}
		now := l.Clock()
		p.known = l.Served.note(p.target.String(), p.service.Identity, false, now)
		// A manager may tell no age: it is at least as long as fettle has known it.
		p.service.Age = max(p.service.Age, now.Since-p.known.since)
	})
}

// present looks at a member that answered. Nobody else need say that it is there.
func (l *memberLook) present(ctx context.Context, d *etcd.Driver, p *part) {
	p.byScrape, p.byPeer = cluster.Unknown, cluster.Unknown
	p.proof = cluster.Proof{Answer: cluster.No, Reason: "process-runs", Detail: "it answers"}
	h, err := d.Health(ctx, p.target.Member.Name)
	if err != nil {
		return // it ceased to answer since: not in order
	}
	p.health = h
	if h.Leader != "" && h.Serializable && p.service.Identity != "" {
		l.Served.note(p.target.String(), p.service.Identity, true, l.Clock())
	}
	l.keep(p.target, silence{})
}

// missing looks at a member that did not answer: at its ports, its data directory,
// and through the eyes of others.
func (l *memberLook) missing(ctx context.Context, d *etcd.Driver, v cluster.View, p *part) {
	var all sync.WaitGroup
	name := p.target.Member.Name
	all.Go(func() { p.byPeer = d.GoneByPeers(ctx, name) })
	all.Go(func() { p.byScrape = l.goneByScrape(ctx, p.target) })
	all.Go(func() { p.proof = l.prove(d, v, p) })
	if !p.service.Gone() {
		all.Go(func() { p.peerErr = expectedAtPeer(ctx, d, p.target) })
	}
	if l.Hang.mayHang(p.service, p.known, l.Local(p.target.Member.Host)) {
		s := l.sample(ctx, d, v, p)
		p.client, p.peer = s.client, s.peer
		q := l.silence(p.target).add(s, l.Hang)
		l.keep(p.target, q)
		p.silent, p.hung = q.identity != "", q.hung(p.service.Identity, l.Hang)
	} else {
		p.client, p.peer = d.Answers(ctx, name)
	}
	all.Wait()
}

// listen samples the members that are silent, and not for long enough to be hung,
// until each is heard or hung. It tells whether there were any. Once it may be heard
// of, by what was still under way when it fell silent; whom others go on hearing is
// cut off from here.
func (l *memberLook) listen(ctx context.Context, d *etcd.Driver, s scene) bool {
	waiting := func(p part) bool { return p.silent && !p.hung }
	if !slices.ContainsFunc(s.parts, waiting) {
		return false
	}
	each(s.parts, func(p *part) {
		q, heard := l.silence(p.target), 0
		for p.silent && !q.hung(p.service.Identity, l.Hang) && q.identity != "" && heard < 2 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(l.Hang.Every):
			}
			q = q.add(l.sample(ctx, d, s.view, p), l.Hang)
			l.keep(p.target, q)
			if q.since == q.last {
				heard++
			}
		}
	})
	return true
}

// prove reads the data directory of what is down, if it is on this host.
func (l *memberLook) prove(d *etcd.Driver, v cluster.View, p *part) cluster.Proof {
	m := p.target.Member
	var read etcd.DataDir
	var err error
	readable := l.Local(m.Host) && m.DataDir != "" && p.service.Gone()
	if readable {
		read, err = etcd.ReadDataDir(m.DataDir)
	}
	return prove(p.service, expect(d, v, m), m.DataDir, readable, read, err)
}

// expect is whose m's data directory must be, as far as it is known.
func expect(d *etcd.Driver, v cluster.View, m cluster.Member) expected {
	want := expected{name: m.Name}
	if seen, ok := v.Member(m.Name); ok && seen.ID != "" {
		want.ids = append(want.ids, seen.ID)
	} else if id, ok := d.MemberID(m.Name); ok {
		want.ids = append(want.ids, id)
	}
	if m.MemberID != "" {
		want.ids = append(want.ids, m.MemberID)
	}
	want.clusterID, _ = d.ClusterID()
	return want
}

func expectedAtPeer(ctx context.Context, d *etcd.Driver, t cluster.Target) error {
	v, err := d.PeerMembers(ctx, t.Member.Name)
	if err != nil {
		return err
	}
	id, _ := d.ClusterID()
	return v.Expected(t.Cluster, id)
}

func (l *memberLook) goneByScrape(ctx context.Context, t cluster.Target) cluster.Answer {
	if l.Scrapes == nil {
		return cluster.Unknown
	}
	reachable, known := l.Scrapes.MemberReachable(ctx, t.Cluster.Name, t.Member.Name)
	switch {
	case !known:
		return cluster.Unknown
	case reachable:
		return cluster.No
	}
	return cluster.Yes
}
