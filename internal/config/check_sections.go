package config

import (
	"iter"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// check is the check of one file: what is wrong goes to doc.
type check struct {
	doc    *strictyaml.Document
	config *Config
}

var playbookName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// tiers refuses keys at path that are no tier.
func (k check) tiers(path strictyaml.Path, keys iter.Seq[repair.Tier]) {
	for t := range keys {
		if t != repair.P0 && t != repair.P1 && t != repair.P2 {
			k.doc.KeyErrorf(path.Join(string(t)), "unknown tier %s; known here: P0, P1, P2", strictyaml.Clip(string(t)))
		}
	}
}

// clusters refuses keys at path that are no cluster of the inventory.
func (k check) clusters(path strictyaml.Path, keys iter.Seq[string]) {
	names := k.clusterNames()
	for name := range keys {
		if !slices.Contains(names, name) && !k.doc.Bad(strictyaml.Path{"clusters"}) {
			k.doc.KeyErrorf(path.Join(name), "cluster %s is not in the inventory; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, names))
		}
	}
}

func (k check) clusterNames() []string {
	names := make([]string, len(k.config.Clusters))
	for i, c := range k.config.Clusters {
		names[i] = c.Name
	}
	return names
}

func (k check) hosts() {
	for i, h := range k.config.Hosts {
		if h == "" || strings.ContainsAny(h, " \t\r\n/") {
			k.doc.Errorf(strictyaml.Path{"hosts", i}, "host %s is no host name and no address", strictyaml.Clip(h))
		}
	}
}

func (k check) playbooks() {
	at := strictyaml.Path{"playbooks"}
	k.needed(at.Join("dir"), k.config.Playbooks.Dir)
	if e := k.config.Playbooks.Executor; e != "" && e != Units && e != Groups {
		k.doc.Errorf(at.Join("executor"), "unknown executor %s; %s", strictyaml.Clip(e), strictyaml.DidYouMean(e, []string{Units, Groups}))
	}
	for key, names := range map[string][]string{"only": k.config.Playbooks.Only, "disable": k.config.Playbooks.Disable} {
		for i, name := range names {
			if !playbookName.MatchString(name) {
				k.doc.Errorf(at.Join(key, i), "%s is no playbook's name: lower-case letters, digits and dashes", strictyaml.Clip(name))
			}
		}
	}
}

func (k check) remotes() {
	at := strictyaml.Path{"alertmanager"}
	am := k.config.Alertmanager
	for i, u := range am.URLs {
		k.url(at.Join("urls", i), u)
		if slices.Contains(am.URLs[:i], u) {
			k.doc.Errorf(at.Join("urls", i), "%s is there twice: keep one", inventory.ShownURL(u))
		}
	}
	k.login(at, am.BasicAuth, am.TokenFile, am.TLS)

	at = strictyaml.Path{"prometheus"}
	p := k.config.Prometheus
	if p.URL != "" {
		k.url(at.Join("url"), p.URL)
	} else if k.doc.Has(at.Join("token_file")) || k.doc.Has(at.Join("basic_auth")) {
		k.doc.Errorf(at.Join("url"), "prometheus has credentials and no url: write the url that is asked")
	}
	if p.ScrapeInterval <= 0 {
		k.doc.Errorf(at.Join("scrape_interval"), "scrape_interval is 0: write the interval at which Prometheus scrapes fettle_exporter")
	}
	k.login(at, p.BasicAuth, p.TokenFile, p.TLS)
}

// login checks how fettle shows who it is to another server.
func (k check) login(at strictyaml.Path, basic cluster.Login, token string, tls cluster.TLS) {
	k.path(at.Join("token_file"), token)
	k.path(at.Join("basic_auth", "password_file"), basic.PasswordFile)
	k.path(at.Join("tls", "ca_file"), tls.CAFile)
	k.path(at.Join("tls", "cert_file"), tls.CertFile)
	k.path(at.Join("tls", "key_file"), tls.KeyFile)
	if (basic.Username == "") != (basic.PasswordFile == "") {
		k.doc.Errorf(at.Join("basic_auth"), "a login needs both username and password_file")
	}
	if basic != (cluster.Login{}) && token != "" {
		k.doc.Errorf(at.Join("token_file"), "both basic_auth and token_file are given: keep one")
	}
	if (tls.CertFile == "") != (tls.KeyFile == "") {
		k.doc.Errorf(at.Join("tls"), "a client certificate needs both cert_file and key_file")
	}
}

// needed checks a path that must be there, path one that may be.
func (k check) needed(at strictyaml.Path, path string) {
	if path == "" {
		k.doc.Errorf(at, "%s is empty: give it a path, or leave the key out for the default", at)
	}
	k.path(at, path)
}

func (k check) path(at strictyaml.Path, path string) {
	if problem := inventory.PathProblem(path); path != "" && problem != "" {
		k.doc.Errorf(at, "%s %s %s", at[len(at)-1], strictyaml.Clip(path), problem)
	}
}

func (k check) url(at strictyaml.Path, url string) {
	if problem := inventory.URLProblem(url); problem != "" {
		k.doc.Errorf(at, "%s %s", inventory.ShownURL(url), problem)
	}
}

// loopback tells whether a listen address can be reached from this machine only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
