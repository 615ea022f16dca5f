package discovery

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// Credentials are how a cluster is asked, by reference.
type Credentials struct {
	TLS  cluster.TLS
	Read cluster.Login
}

// Cluster is one that was found.
type Cluster struct {
	cluster.Cluster
	ID   string // the cluster's, hex
	Seen []Seen // by member, in order
}

// Seen is what is known of a member besides its entry.
type Seen struct {
	Version string // empty: it did not answer
	Learner bool
	Local   bool
	// Notes say what could not be found, and what to do, in a sentence each.
	Notes []string
}

// Options are the ways to the outside. The zero value asks the network, and finds no
// process.
type Options struct {
	Timeout time.Duration // of each question; 0 is 3 seconds
	// Host is this machine's name, which members on it get.
	Host string
	// Local tells whether an address or name is this machine's.
	Local func(ctx context.Context, host string) bool
	// Process finds what listens on an address of this machine; nil: nothing does.
	Process func(ctx context.Context, address string) (Process, error)
}

// Process is what runs a member on this machine.
type Process struct {
	PID     int
	DataDir string // that it has open; empty: not told
	Unit    string // whose main process it is; empty: none, or not told
	Why     string // why Unit or DataDir are not told
}

// Etcd finds the cluster of the member at endpoint and makes its entry, called name.
func Etcd(ctx context.Context, name, endpoint string, c Credentials, o Options) (Cluster, error) {
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	found, err := etcd.Discover(ctx, endpoint, c.TLS, c.Read, etcd.Options{Timeout: o.Timeout})
	if err != nil {
		return Cluster{}, err
	}
	if err := found.Named(); err != nil {
		return Cluster{}, fmt.Errorf("%s: %w", endpoint, err)
	}
	out := Cluster{ID: found.ID, Cluster: cluster.Cluster{Name: name, Kind: cluster.KindEtcd, Read: c.Read}}
	for _, f := range found.Members {
		m, s := member(ctx, f, o)
		if strings.HasPrefix(m.Endpoint, "https:") {
			out.TLS = c.TLS
		}
		out.Members, out.Seen = append(out.Members, m), append(out.Seen, s)
	}
	return out, nil
}

// member makes one member's entry.
func member(ctx context.Context, f etcd.Found, o Options) (cluster.Member, Seen) {
	m := cluster.Member{Name: f.Name, MemberID: f.ID, Endpoint: f.Endpoint, Peer: plainURL(f.PeerURLs)}
	s := Seen{Version: f.Version, Learner: f.Learner}
	if m.Endpoint == "" {
		m.Endpoint = plainURL(f.ClientURLs)
		s.note("it did not answer on %s (%s): is the URL right, and can this machine reach it?", strings.Join(f.ClientURLs, ", "), f.Error)
	}
	if m.Peer == "" {
		s.note("it names no peer URL that can be asked: fill in `peer`")
	}
	u, err := url.Parse(m.Endpoint)
	if err != nil || u.Hostname() == "" {
		return m, s
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		s.note("it advertises %s, an address that only says \"any\": give etcd an --advertise-client-urls that others can use", m.Endpoint)
	}
	if o.Local == nil || !o.Local(ctx, u.Hostname()) {
		s.note("it is not on this machine: without `commands` fettle looks at it, and its repairs end blocked(agent)")
		return m, s
	}
	s.Local = true
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		m.Host = o.Host // so that fettle knows it for this machine's
	}
	o.process(ctx, &m, &s, u.Host)
	return m, s
}

// process fills in what runs a member here.
func (o Options) process(ctx context.Context, m *cluster.Member, s *Seen, address string) {
	if o.Process == nil {
		s.note("what runs it was not looked for: fill in `unit` and `data_dir`")
		return
	}
	p, err := o.Process(ctx, address)
	if err != nil {
		s.note("what runs it was not found (%v): fill in `unit` and `data_dir`", err)
		return
	}
	m.Unit, m.DataDir = p.Unit, p.DataDir
	if p.Unit == "" {
		s.note("no systemd unit was found for its process (%s): fill in `unit`, or `commands` where something else runs it", p.Why)
	}
	if p.DataDir == "" {
		s.note("its data directory was not found: fill in `data_dir`, etcd's --data-dir")
	}
}

func (s *Seen) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// plainURL is the first URL that an inventory can have: http or https, a host and a port.
func plainURL(urls []string) string {
	i := slices.IndexFunc(urls, func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Port() != "" && u.User == nil
	})
	if i < 0 {
		return ""
	}
	u, err := url.Parse(urls[i])
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// LocalAddresses tells whether a host is this machine: by its name, or by an address of
// one of its interfaces.
func LocalAddresses(hostname string) func(ctx context.Context, host string) bool {
	return func(ctx context.Context, host string) bool {
		if strings.EqualFold(host, hostname) || host == "localhost" {
			return true
		}
		names := []string{host}
		if net.ParseIP(host) == nil {
			var err error
			if names, err = net.DefaultResolver.LookupHost(ctx, host); err != nil {
				return false
			}
		}
		own, err := net.InterfaceAddrs()
		if err != nil {
			return false
		}
		return slices.ContainsFunc(names, func(name string) bool {
			ip := net.ParseIP(name)
			return ip != nil && (ip.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool {
				n, ok := a.(*net.IPNet)
				return ok && n.IP.Equal(ip)
			}))
		})
	}
}
