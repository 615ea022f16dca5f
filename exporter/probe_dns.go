package exporter

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/probe"
)

// destination is an address that a name may lead to: a virtual address, or a member's.
type destination struct{ member, address string }

// leads are the addresses of the cluster that a name leads to, of the family that is
// asked for: its virtual addresses, or those of its members that are written as
// addresses.
func leads(p probe.Probe, clusters []cluster.Cluster) []destination {
	i := slices.IndexFunc(clusters, func(c cluster.Cluster) bool { return c.Name == p.DNS.LeadsTo })
	if p.Kind != probe.DNS || i < 0 {
		return nil
	}
	var all []destination
	add := func(member, text string) {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Unmap().Is4() != (cmp.Or(p.DNS.Type, "A") == "A") {
			return
		}
		if at := (destination{member, a.Unmap().WithZone("").String()}); !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	for _, a := range clusters[i].Keepalived.Addresses {
		add("", a)
	}
	if clusters[i].Kind == cluster.KindKeepalived {
		return all
	}
	for _, m := range clusters[i].Members {
		add(m.Name, m.Host)
		if u, err := url.Parse(m.Endpoint); err == nil {
			add(m.Name, u.Hostname())
		}
	}
	return all
}

// compare tells which addresses of the cluster are in the answer, and how many others.
func (c *probeCollector) compare(p *watchedProbe, answers []string, emit Emit) {
	if p.DNS.LeadsTo == "" {
		return
	}
	for _, at := range p.leads {
		emit(c.answered, boolean(slices.Contains(answers, at.address)), p.Name, p.DNS.LeadsTo, at.member, at.address)
	}
	strange := map[string]bool{}
	for _, a := range answers {
		if !slices.ContainsFunc(p.leads, func(at destination) bool { return at.address == a }) {
			strange[a] = true
		}
	}
	emit(c.strange, float64(len(strange)), p.Name, p.DNS.LeadsTo)
}
