package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/fettle-io/fettle/cluster/line"
)

// prober is a row in the table of kinds: how it asks.
type prober struct {
	kind Kind
	ask  func(ctx context.Context, p *Prober, a *attempt) error
}

// probers is the table of all kinds, in the order in which they are shown.
func probers() []prober {
	return []prober{
		{ICMP, askICMP},
		{TCP, askTCP},
		{HTTP, askHTTP},
		{GRPC, askGRPC},
		{DNS, askDNS},
	}
}

// Kinds are the names of all kinds, in the order in which they are shown.
func Kinds() []string {
	var all []string
	for _, row := range probers() {
		all = append(all, string(row.kind))
	}
	return all
}

// Prober makes one probe again and again. It holds nothing open in between, and its
// methods may be called at the same time.
type Prober struct {
	Probe
	ask    func(ctx context.Context, p *Prober, a *attempt) error
	tls    *tls.Config    // nil: none is spoken
	expect *regexp.Regexp // tcp.expect or http.match; nil: nothing is expected
}

// New makes a Prober of p, with its defaults filled in. It asks nothing yet. A CA or
// certificate file that cannot be read is an error.
func New(p Probe) (*Prober, error) {
	made := &Prober{Probe: p.filled()}
	for _, row := range probers() {
		if row.kind == p.Kind {
			made.ask = row.ask
		}
	}
	if made.ask == nil {
		return nil, fmt.Errorf("probe %q: unknown kind %q", p.Name, p.Kind)
	}
	u, err := url.Parse(p.host())
	if err != nil {
		return nil, fmt.Errorf("probe %q: target is not to be understood", p.Name)
	}
	declared := p.TLS
	declared.Enabled = declared.Enabled || p.Kind == HTTP && u.Scheme == "https"
	if made.tls, err = line.TLS(declared, u.Hostname()); err != nil {
		return nil, fmt.Errorf("probe %q: %w", p.Name, err)
	}
	if pattern := p.TCP.Expect + p.HTTP.Match; pattern != "" { // of one kind only one is declared
		if made.expect, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("probe %q: %w", p.Name, err)
		}
	}
	return made, nil
}

// host is the target as a URL.
func (p Probe) host() string {
	if p.Kind == HTTP {
		return p.Target
	}
	return "//" + p.Target
}

// filled is p with its defaults.
func (p Probe) filled() Probe {
	if p.Timeout <= 0 {
		p.Timeout = DefaultTimeout
	}
	if p.Failures <= 0 {
		p.Failures = DefaultFailures
	}
	if p.ICMP.Packets <= 0 {
		p.ICMP.Packets = DefaultPackets
	}
	if p.ICMP.Replies <= 0 {
		p.ICMP.Replies = 1
	}
	if p.HTTP.Method == "" {
		p.HTTP.Method = "GET"
	}
	if p.DNS.Type == "" {
		p.DNS.Type = "A"
	}
	return p
}

// Do makes the probe once. It never fails: the Result says why it was not in order. It
// ends with ctx, and after Probe.Timeout.
func (p *Prober) Do(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	a := &attempt{result: Result{Records: -1}}
	begin := time.Now()
	err := p.ask(ctx, p, a)
	return a.end(err, time.Since(begin))
}

// network is "tcp" or "udp" with the IP version.
func (p *Prober) network(transport string) string {
	if p.IPVersion == 0 {
		return transport
	}
	return fmt.Sprintf("%s%d", transport, p.IPVersion)
}
