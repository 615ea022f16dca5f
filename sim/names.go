package sim

import (
	"net"
	"slices"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
)

// namesSeed has how alerts name what they are about drawn apart from all else.
const namesSeed = 0x6e616d6573

// rename draws how the alerts of each ring name its members: mostly as fettle's own do;
// in some worlds as the mixins' do, by instance or not at all.
func (p *prometheus) rename(d dice) {
	for _, r := range p.w.rings {
		switch d.IntN(8) {
		case 0:
			p.byInstance(r)
		case 1, 2:
			p.addWhole(d, r)
		case 3:
			r.unnamed = true
			p.addWhole(d, r)
			for _, m := range r.members {
				p.of(m).mute = true
			}
		}
	}
}

// byInstance has the alerts of a ring's members name their hosts, where that tells them apart.
func (p *prometheus) byInstance(r *ring) {
	for _, m := range r.members {
		labels := map[string]string{"alertname": "etcdMembersDown", "job": "etcd", "instance": net.JoinHostPort(m.host.name, "2379")}
		if p.w.meantBy(labels) == m.name() {
			s := p.of(m)
			s.labels, s.fingerprint = labels, alert.FingerprintOf(labels)
		}
	}
}

// addWhole adds the alert that only says that some member of a ring is down.
func (p *prometheus) addWhole(d dice, r *ring) {
	labels := map[string]string{"alertname": "etcdMembersDown", "job": "etcd"}
	if len(p.w.rings) > 1 || d.chance(0.5) {
		labels["cluster"] = r.conf.Name
	}
	p.series = append(p.series, &series{ring: r, up: true, labels: labels, fingerprint: alert.FingerprintOf(labels)})
}

// whole sees to the alert of a whole ring when one of its members has changed.
func (p *prometheus) whole(r *ring) {
	for _, s := range p.series {
		if s.ring == nil || s.ring != r {
			continue
		}
		up := !slices.ContainsFunc(r.members, func(m *unit) bool { return !p.of(m).up })
		if up != s.up {
			s.up, s.since = up, p.w.now
			p.evaluate(s)
		}
	}
}

// relapseBesideAnother ends a member that is repaired, and again a moment later, together
// with another one: of the two, an alert that names no member means neither.
func (r *ring) relapseBesideAnother() {
	w := r.w
	i := w.dice.IntN(len(r.members))
	u, other := r.members[i], r.members[(i+1)%len(r.members)]
	u.restartIn, other.restartIn = 0, 0
	u.crash()
	w.run(3*time.Minute, func() bool { return u.inOrder })
	w.run(w.dice.span(time.Second, 20*time.Second), nil)
	other.crash()
	w.run(w.dice.span(0, 10*time.Second), nil)
	u.crash()
	w.run(w.dice.span(time.Second, 2*time.Minute), nil)
}

// dieAfterAnother ends a member that its manager starts again by itself, and another one as
// soon as the alert is over: it meant the first.
func (r *ring) dieAfterAnother() {
	w := r.w
	i := w.dice.IntN(len(r.members))
	u, other := r.members[i], r.members[(i+1)%len(r.members)]
	was := u.restartIn
	u.restartIn = w.dice.span(time.Minute, 2*time.Minute)
	u.crash()
	w.run(10*time.Minute, func() bool { return w.watch.ledger.someOver() })
	u.restartIn, other.restartIn = was, 0
	other.crash()
	w.run(w.dice.span(time.Second, 2*time.Minute), nil)
}

// someOver tells that an alert that meant a sought member is over, and its episode open.
func (l *ledger) someOver() bool {
	for _, ep := range l.episodes {
		if ep.over && ep.sought != "" {
			return true
		}
	}
	return false
}

// meantBy is the target that labels name, as cluster/member: by their words, or by the
// host where one member alone is; of others it is no target's name.
func (w *world) meantBy(labels map[string]string) string {
	if labels["member"] == "" && labels["instance"] != "" {
		if on := onHost(w.inventory, labels["instance"]); len(on) == 1 {
			return on[0]
		}
	}
	return targetName(labels)
}

// onHost are the members of quorums on an instance's host.
func onHost(inv cluster.Inventory, instance string) (names []string) {
	host, _, err := net.SplitHostPort(instance)
	if err != nil {
		return nil
	}
	for _, c := range inv.Clusters {
		for _, m := range c.Members {
			if c.Kind == cluster.KindEtcd && m.Host == host {
				names = append(names, cluster.Target{Cluster: c, Member: m}.String())
			}
		}
	}
	return names
}
