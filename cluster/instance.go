package cluster

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// At finds the one member of a kind that the label `instance` of an alert points at:
// host:port, a URL, or a host. The address of its endpoint, of its metrics page or of its
// peers decides; where no member has that address, the host does. Of services, which share
// machines, the host says too little: there it takes the unit as well, and a unit that is
// given is always asked for. None, and more than one, are errors: nothing is guessed.
func (inv Inventory) At(kind Kind, instance, unit string) (Target, error) {
	host, port := address(instance)
	if host == "" {
		return Target{}, fmt.Errorf("instance %q names no host", clip(instance))
	}
	var exact, near []Target
	for _, c := range inv.Clusters {
		if c.Kind != kind {
			continue
		}
		for _, m := range c.Members {
			if unit != "" && m.Unit != unit {
				continue
			}
			at, there := m.at(host, port)
			switch {
			case at:
				exact = append(exact, Target{Cluster: c, Member: m})
			case there:
				near = append(near, Target{Cluster: c, Member: m})
			}
		}
	}
	what := fmt.Sprintf("instance %q", clip(instance))
	if unit != "" {
		what += fmt.Sprintf(" with unit %q", clip(unit))
	}
	found := exact
	if len(found) == 0 {
		switch {
		case loopback(host): // each machine has that name
			near = nil
		case len(near) > 0 && kind == KindService && unit == "":
			return Target{}, fmt.Errorf("%s is the endpoint of no member, and its host alone does not say which service there is meant: declare the address as endpoint or metrics of the one", what)
		}
		found = near
	}
	switch len(found) {
	case 0:
		return Target{}, fmt.Errorf("%s is no member of kind %s in the inventory: neither an endpoint, nor metrics, nor a host", what, kind)
	case 1:
		return found[0], nil
	}
	return Target{}, fmt.Errorf("%s may be %s or %s: the address as endpoint or metrics of one member would say which", what, found[0], found[1])
}

// at tells whether an address is the member's own, and whether it is on its host.
func (m Member) at(host, port string) (exact, there bool) {
	there = strings.EqualFold(m.Host, host)
	for _, u := range []string{m.Endpoint, m.Metrics, m.Peer} {
		h, p := address(u)
		if h == "" || !strings.EqualFold(h, host) {
			continue
		}
		there = true
		exact = exact || port != "" && p == port
	}
	return exact, there
}

// address takes host and port out of a URL, host:port, or host; a URL of http without
// a port has the one that it goes to. Both are empty where there is no host.
func address(s string) (host, port string) {
	scheme := ""
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil {
			return "", ""
		}
		scheme, s = u.Scheme, u.Host
	} else {
		s, _, _ = strings.Cut(s, "/")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil { // without a port
		host, port = strings.Trim(s, "[]"), ""
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return host, port
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
