package inventory

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// urls checks where a member answers; its host is by default its endpoint's.
func (c check) urls(m *cluster.Member) {
	etcd, k := c.kind == cluster.KindEtcd, kindOf(c.kind)
	switch socket, isSocket := strings.CutPrefix(m.Endpoint, "unix://"); {
	case m.Endpoint == "" && etcd:
		c.errorf("endpoint", "the member has no endpoint: write its client URL, such as http://127.0.0.1:2379")
	case m.Endpoint == "" && !k.optional:
		c.errorf("endpoint", "the member has no endpoint: say where it answers, such as %s", k.example)
	case m.Endpoint != "" && k.socket && isSocket:
		if problem := PathProblem(socket); problem != "" {
			c.errorf("endpoint", "endpoint %s %s", strictyaml.Clip(m.Endpoint), problem)
		}
	case m.Endpoint != "" && k.local != "":
		path, there := strings.CutPrefix(m.Endpoint, k.local+"://")
		if problem := PathProblem(path); !there {
			c.errorf("endpoint", "endpoint %s is nothing that can be asked: write it like %s", ShownURL(m.Endpoint), k.example)
		} else if problem != "" {
			c.errorf("endpoint", "endpoint %s %s", strictyaml.Clip(m.Endpoint), problem)
		}
	case m.Endpoint != "":
		if k.form == bare {
			m.Endpoint = strings.TrimSuffix(m.Endpoint, "/")
		}
		c.url("endpoint", m.Endpoint, k.form, k.schemes...)
	}
	switch {
	case m.Peer == "" && etcd && c.Repairs:
		c.errorf("peer", "the member has no peer: write its peer URL, such as http://127.0.0.1:2380 (it tells what hangs, and what has started without a quorum)")
	case m.Peer != "" && !k.quorum:
		c.errorf("peer", "a member of kind %s has no peers: leave peer out", c.kind)
	case m.Peer != "":
		m.Peer = strings.TrimSuffix(m.Peer, "/")
		c.url("peer", m.Peer, bare, "http", "https")
	}
	if m.Metrics != "" {
		c.url("metrics", m.Metrics, anyPath, "http", "https")
	}
	if u, err := url.Parse(m.Endpoint); err == nil && m.Host == "" {
		m.Host = u.Hostname()
	}
}

func (c check) url(key, s string, f form, schemes ...string) {
	if problem := problemOf(s, f, schemes); problem != "" {
		c.errorf(key, "%s %s %s", key, ShownURL(s), problem)
	}
}

// form is how much a URL may say.
type form int

const (
	anyPath form = iota // any path, a default port
	bare                // scheme, host and port alone
)

// URLProblem says what is wrong with an http or https URL, or "". It may have a
// path; a user, a password, a query or a fragment it may not.
func URLProblem(s string) string { return problemOf(s, anyPath, []string{"http", "https"}) }

// ShownURL quotes a URL for a message, without a password that stands in it.
func ShownURL(s string) string {
	if _, rest, found := strings.Cut(s, "@"); found {
		s = "…@" + rest
	}
	return strictyaml.Clip(s)
}

func problemOf(s string, f form, schemes []string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return fmt.Sprintf("is no URL that can be asked: write it like %s://host:port", strings.Join(schemes, ":// or "))
	}
	switch {
	case u.User != nil:
		return "has a user or password in it: secrets stand in files, not in URLs"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "has a query or fragment: leave it out"
	case u.Hostname() == "" || !hostName.MatchString(u.Hostname()):
		return "has no host name or address that can be asked"
	case u.Port() == "" && (f == bare || u.Scheme == "tcp"):
		return "has no port: write it like " + u.Scheme + "://host:port"
	case f == bare && u.Path != "":
		return "has a path: host and port are enough"
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		return "has a port that is not 1 to 65535"
	}
	return ""
}
