package inventory

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/probe"
)

// Most that is declared of each.
const (
	mostProbes   = 200
	mostPackets  = 10
	mostFailures = 1000
	mostPattern  = 1 << 10
	mostRecords  = 50
	longestProbe = time.Minute
)

// probes checks `probes` of exporter.yml.
func probes(doc *strictyaml.Document, all []probe.Probe, clusters []cluster.Cluster) {
	at := strictyaml.Path{"probes"}
	if len(all) > mostProbes {
		doc.Errorf(at, "%d probes: one exporter makes %d at most", len(all), mostProbes)
		return
	}
	for i, p := range all {
		c := probeCheck{check{doc: doc, at: at.Join(i)}, p}
		c.names(all[:i], clusters)
		c.limits()
		c.target()
		c.sections()
		c.transport()
		c.icmp()
		c.tcp()
		c.http()
		c.dns(clusters)
	}
}

// probeCheck is the check of one probe.
type probeCheck struct {
	check
	probe.Probe
}

func (c probeCheck) names(before []probe.Probe, clusters []cluster.Cluster) {
	switch {
	case c.Name == "":
		c.errorf("name", "the probe has no name: give it one, it is the label `probe` of its metrics")
	case !clusterName.MatchString(c.Name):
		c.errorf("name", "probe name %s must be lower-case letters, digits and dashes, at most 63, and not begin with a dash", strictyaml.Clip(c.Name))
	}
	if slices.ContainsFunc(before, func(b probe.Probe) bool { return b.Name == c.Name }) {
		c.errorf("name", "probe %s is declared twice: names are unique", strictyaml.Clip(c.Name))
	}
	switch {
	case c.Kind == "":
		c.errorf("kind", "the probe has no kind: write one of %s", strings.Join(probe.Kinds(), ", "))
	case !slices.Contains(probe.Kinds(), string(c.Kind)):
		c.errorf("kind", "unknown kind %s; %s", strictyaml.Clip(string(c.Kind)), strictyaml.DidYouMean(string(c.Kind), probe.Kinds()))
	}
	if c.Cluster == "" {
		if c.Member != "" {
			c.errorf("member", "a member is named without its cluster: write both")
		}
		return
	}
	declared, ok := cluster.Inventory{Clusters: clusters}.Cluster(c.Cluster)
	switch {
	case !ok:
		var names []string
		for _, cl := range clusters {
			names = append(names, cl.Name)
		}
		c.errorf("cluster", "cluster %s is not in the inventory; %s", strictyaml.Clip(c.Cluster), strictyaml.DidYouMean(c.Cluster, names))
	case c.Member != "" && !slices.ContainsFunc(declared.Members, func(m cluster.Member) bool { return m.Name == c.Member }):
		c.errorf("member", "cluster %s has no member %s in the inventory", declared.Name, strictyaml.Clip(c.Member))
	}
}

func (c probeCheck) limits() {
	if c.Timeout > longestProbe {
		c.errorf("timeout", "timeout is more than %s: a scrape does not wait for it", longestProbe)
	}
	c.between("failures", c.Failures, 1, mostFailures)
	if c.doc.Has(c.at.Join("ip_version")) && c.IPVersion != 4 && c.IPVersion != 6 {
		c.errorf("ip_version", "ip_version is 4 or 6, not %d", c.IPVersion)
	}
}

// between checks a number where it is written.
func (c probeCheck) between(key string, n, least, most int) {
	if c.doc.Has(c.at.Join(key)) && (n < least || n > most) {
		c.errorf(key, "%s: want %d to %d, not %d", key, least, most, n)
	}
}

func (c probeCheck) target() {
	if c.Target == "" {
		c.errorf("target", "the probe has no target: say what it asks, such as %s", example(c.Kind))
		return
	}
	switch c.Kind {
	case probe.ICMP:
		if !hostName.MatchString(c.Target) {
			c.errorf("target", "target %s is no host name and no address: write it like %s", strictyaml.Clip(c.Target), example(c.Kind))
		}
	case probe.TCP, probe.GRPC, probe.DNS:
		host, port, err := net.SplitHostPort(c.Target)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || !hostName.MatchString(host) {
			c.errorf("target", "target %s is no host and port: write it like %s", strictyaml.Clip(c.Target), example(c.Kind))
		}
	case probe.HTTP:
		u, err := url.Parse(c.Target)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostName.MatchString(u.Hostname()):
			c.errorf("target", "target %s is no URL that can be asked: write it like %s", ShownURL(c.Target), example(c.Kind))
		case u.User != nil:
			c.errorf("target", "target %s has a user or password in it: secrets stand in files, see http.header_files", ShownURL(c.Target))
		case u.Fragment != "":
			c.errorf("target", "target %s has a fragment, which is not sent: leave it out", ShownURL(c.Target))
		}
	}
}

// example is a target of this kind.
func example(k probe.Kind) string {
	switch k {
	case probe.ICMP:
		return "10.0.0.1"
	case probe.HTTP:
		return "https://shop.example/health"
	case probe.DNS:
		return "10.0.0.53:53, the name server"
	default:
		return "10.0.0.1:5432"
	}
}

// sections refuses what another kind of probe is told.
func (c probeCheck) sections() {
	for _, kind := range probe.Kinds() {
		if c.Kind != "" && kind != string(c.Kind) && c.doc.Has(c.at.Join(kind)) {
			c.doc.KeyErrorf(c.at.Join(kind), "a probe of kind %s has no %s: leave it out", c.Kind, kind)
		}
	}
}

// transport checks how TLS is spoken.
func (c probeCheck) transport() {
	if !c.doc.Has(c.at.Join("tls")) {
		return
	}
	switch {
	case c.Kind == probe.ICMP || c.Kind == probe.DNS:
		c.doc.KeyErrorf(c.at.Join("tls"), "a probe of kind %s speaks no TLS: leave tls out", c.Kind)
		return
	case c.Kind == probe.HTTP && !strings.HasPrefix(c.Target, "https:"):
		c.doc.KeyErrorf(c.at.Join("tls"), "tls is declared, but the target is not asked over https: write it as https://…, or leave tls out")
		return
	}
	t := c.TLS
	for _, f := range []struct{ key, path string }{{"ca_file", t.CAFile}, {"cert_file", t.CertFile}, {"key_file", t.KeyFile}} {
		c.path(c.at.Join("tls", f.key), f.key, f.path)
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		c.errorf("tls", "a client certificate needs both cert_file and key_file")
	}
}

func (c probeCheck) icmp() {
	inner := probeCheck{check{doc: c.doc, at: c.at.Join("icmp")}, c.Probe}
	inner.between("packets", c.Probe.ICMP.Packets, 1, mostPackets)
	sent := c.Probe.ICMP.Packets
	if sent == 0 {
		sent = probe.DefaultPackets
	}
	inner.between("replies", c.Probe.ICMP.Replies, 1, sent)
}

func (c probeCheck) tcp() {
	at := c.at.Join("tcp")
	if len(c.Probe.TCP.Send) > mostPattern {
		c.doc.Errorf(at.Join("send"), "send has more than %d bytes", mostPattern)
	}
	c.pattern(at.Join("expect"), "expect", c.Probe.TCP.Expect)
	if c.Probe.TCP.Send != "" && c.Probe.TCP.Expect == "" {
		c.doc.Errorf(at.Join("send"), "something is sent and nothing is expected: say what is to come back under expect")
	}
}

func (c probeCheck) pattern(at strictyaml.Path, key, text string) {
	if len(text) > mostPattern {
		c.doc.Errorf(at, "%s has more than %d bytes", key, mostPattern)
	} else if _, err := regexp.Compile(text); err != nil {
		c.doc.Errorf(at, "%s is no regular expression: %s", key, err)
	}
}

func (c probeCheck) dns(clusters []cluster.Cluster) {
	at, d := c.at.Join("dns"), c.Probe.DNS
	if c.Kind != probe.DNS {
		return
	}
	if name := strings.TrimSuffix(d.Name, "."); !domainName.MatchString(name) || len(name) > 253 {
		c.doc.Errorf(at.Join("name"), "dns.name %s is no name that can be asked for: write it whole, like shop.example", strictyaml.Clip(d.Name))
	}
	if d.Type != "" && !slices.Contains(probe.RecordTypes(), d.Type) {
		c.doc.Errorf(at.Join("type"), "unknown type %s; %s", strictyaml.Clip(d.Type), strictyaml.DidYouMean(d.Type, probe.RecordTypes()))
	}
	switch known := slices.ContainsFunc(clusters, func(cl cluster.Cluster) bool { return cl.Name == d.LeadsTo }); {
	case d.LeadsTo == "":
	case !known:
		c.doc.Errorf(at.Join("leads_to"), "no cluster %s is declared under clusters", strictyaml.Clip(d.LeadsTo))
	case d.Type != "" && d.Type != "A" && d.Type != "AAAA":
		c.doc.Errorf(at.Join("leads_to"), "records of type %s are no addresses: leave leads_to out, or ask for A or AAAA", strictyaml.Clip(d.Type))
	}
	if d.NXDomain && len(d.Want) > 0 {
		c.doc.Errorf(at.Join("want"), "records are wanted of a name that must not be there: keep want or nxdomain")
	}
	if len(d.Want) > mostRecords {
		c.doc.Errorf(at.Join("want"), "want has more than %d records", mostRecords)
	}
	for i, w := range d.Want {
		ip := net.ParseIP(w)
		v4 := ip != nil && ip.To4() != nil
		if (d.Type == "" || d.Type == "A") && !v4 || d.Type == "AAAA" && (ip == nil || v4) {
			c.doc.Errorf(at.Join("want", i), "%s is no address that a record of type %s has", strictyaml.Clip(w), or(d.Type, "A"))
		}
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// domainName is a name as DNS takes it, underscores of services among it.
var domainName = lazily(`^([A-Za-z0-9_*]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
