package config

import (
	"net"
	"net/url"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// ports are those that the programs around fettle have by default.
func ports() map[string]string {
	return map[string]string{
		"2379": "etcd's clients", "2380": "etcd's peers", "9090": "Prometheus", "9093": "Alertmanager",
		"9773": "fettle_exporter", "9774": "fettle itself",
	}
}

// swapped warns of ports that are by default somebody else's.
func (f *finder) swapped() {
	c := f.c
	if _, port, err := net.SplitHostPort(c.Web.Listen); err == nil {
		f.port(strictyaml.Path{"web", "listen"}, port, "9774")
	}
	f.urlPort(strictyaml.Path{"prometheus", "url"}, c.Prometheus.URL, "9090")
	for i, u := range c.Alertmanager.URLs {
		f.urlPort(strictyaml.Path{"alertmanager", "urls", i}, u, "9093")
	}
	for i, cl := range c.Clusters {
		for j, m := range cl.Members {
			at := strictyaml.Path{"clusters", i, "members", j}
			if cl.Kind == cluster.KindEtcd {
				f.urlPort(at.Join("endpoint"), m.Endpoint, "2379")
				f.urlPort(at.Join("peer"), m.Peer, "2380")
			} else {
				f.scheme(at.Join("endpoint"), m.Endpoint)
			}
		}
	}
}

func (f *finder) urlPort(at strictyaml.Path, text, usual string) {
	u, err := url.Parse(text)
	if err != nil {
		return
	}
	f.port(at, u.Port(), usual)
	f.scheme(at, text)
}

// port warns of a port that is usually another's than the one asked for.
func (f *finder) port(at strictyaml.Path, port, usual string) {
	if of := ports()[port]; of != "" && port != usual {
		f.add(true, at, "port %s is by default the one of %s: %s is usual here", port, of, usual)
	}
}

// scheme warns of https on the port of http, and the other way round.
func (f *finder) scheme(at strictyaml.Path, text string) {
	u, err := url.Parse(text)
	if err != nil {
		return
	}
	if other := map[string]string{"https 80": "http", "http 443": "https"}[u.Scheme+" "+u.Port()]; other != "" {
		f.add(true, at, "port %s is by default that of %s, and the URL says %s", u.Port(), other, u.Scheme)
	}
}
