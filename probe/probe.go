// Package probe asks one place from outside, as its users would: with an ICMP echo, a
// TCP connection, an HTTP request, a gRPC health check or a DNS query. It changes
// nothing, keeps no connection, and says of what failed why, in a bounded word.
//
// Start with Prober.Do, which makes one probe; probers.go is the table of kinds, each
// of which has a file. connect.go has what they share: connections, their phases and
// certificates. What a probe is told stands in this file: it is what exporter.yml says.
package probe

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Kind says how a probe asks.
type Kind string

const (
	// ICMP sends echo requests.
	ICMP Kind = "icmp"
	// TCP connects, and may send and expect a text.
	TCP Kind = "tcp"
	// HTTP makes one request.
	HTTP Kind = "http"
	// GRPC asks the standard health service.
	GRPC Kind = "grpc"
	// DNS asks a name server.
	DNS Kind = "dns"
)

// Defaults of a Probe.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultFailures = 3
	DefaultPackets  = 3
	DefaultBody     = 1 << 20 // bytes of an HTTP body that are looked through
)

// Probe is one entry of `probes` in exporter.yml.
type Probe struct {
	// Name is the label `probe` of its metrics; unique.
	Name string `yaml:"name"`
	// Kind is how it asks.
	Kind Kind `yaml:"kind"`
	// Target is what it asks: a host (icmp), HOST:PORT (tcp, grpc, and dns: the name
	// server), or a URL (http).
	Target string `yaml:"target"`
	// Cluster and Member name the entry of the inventory that it is about; labels.
	Cluster string `yaml:"cluster"`
	// Member is the member of that cluster.
	Member string `yaml:"member"`
	// Timeout bounds it, all its parts together; by default 2s. The scrape's end bounds it too.
	Timeout time.Duration `yaml:"timeout"`
	// Failures is how many in a row make it failing; by default 3.
	Failures int `yaml:"failures"`
	// IPVersion is 4 or 6; by default whichever answers.
	IPVersion int `yaml:"ip_version"`
	// TLS is how tcp, grpc and http over https are asked.
	TLS cluster.TLS `yaml:"tls"`
	// ICMP is what kind icmp is told beside.
	ICMP ICMPOptions `yaml:"icmp"`
	// TCP is what kind tcp is told beside.
	TCP TCPOptions `yaml:"tcp"`
	// HTTP is what kind http is told beside.
	HTTP HTTPOptions `yaml:"http"`
	// GRPC is what kind grpc is told beside.
	GRPC GRPCOptions `yaml:"grpc"`
	// DNS is what kind dns is told.
	DNS DNSOptions `yaml:"dns"`
}

// ICMPOptions say how many packets are sent.
type ICMPOptions struct {
	// Packets that are sent, a tenth of a second apart; by default 3.
	Packets int `yaml:"packets"`
	// Replies that it takes; by default 1.
	Replies int `yaml:"replies"`
}

// TCPOptions say what is said over a connection.
type TCPOptions struct {
	// Send is sent once the connection is there.
	Send string `yaml:"send"`
	// Expect is a regular expression that what comes in has to match.
	Expect string `yaml:"expect"`
}

// HTTPOptions say what is requested and what is expected.
type HTTPOptions struct {
	// Method is GET or HEAD; by default GET.
	Method string `yaml:"method"`
	// Status are the statuses that are in order; by default 200 to 299.
	Status []int `yaml:"status"`
	// Match is a regular expression that the body has to match, in its first MiB.
	Match string `yaml:"match"`
	// Host is the host of the request, where that is not the URL's.
	Host string `yaml:"host"`
	// Headers are sent as they stand here. What is secret stands in header_files.
	Headers map[string]string `yaml:"headers"`
	// HeaderFiles are files with the values of headers, read anew for each probe.
	HeaderFiles map[string]string `yaml:"header_files"`
	// FollowRedirects follows at most five redirects, on the same host, and never from https to http.
	FollowRedirects bool `yaml:"follow_redirects"`
}

// GRPCOptions say which health is asked for.
type GRPCOptions struct {
	// Service is the service's name; by default the server as a whole.
	Service string `yaml:"service"`
}

// DNSOptions say what is asked and what is expected.
type DNSOptions struct {
	// Name is the name that is asked for, whole: no search list is applied.
	Name string `yaml:"name"`
	// Type is A, AAAA, CNAME, MX, NS, PTR, SRV or TXT; by default A.
	Type string `yaml:"type"`
	// Want are the records, in any order: these and no others. By default any one.
	Want []string `yaml:"want"`
	// NXDomain tells that there must be no such name.
	NXDomain bool `yaml:"nxdomain"`
	// LeadsTo is a cluster of the inventory whose addresses the answer is compared with.
	LeadsTo string `yaml:"leads_to"`
	// TCP asks over TCP; by default over UDP, and over TCP where the answer is truncated.
	TCP bool `yaml:"tcp"`
}

// Result is what one probe saw.
type Result struct {
	// Reason is why it failed, one of Reasons; "" where it did not.
	Reason string
	// Why says the same to people: no secrets, 512 bytes at most.
	Why string
	// Took is how long it was at it.
	Took time.Duration
	// Phases are those that came to their end, in order.
	Phases []Phase
	// Expires is when the first certificate of the server's chain expires, trusted or
	// not; zero: none was seen.
	Expires time.Time
	// Status is the HTTP status; 0: there was none.
	Status int
	// Records are the DNS records of the type that was asked for; -1: there was no answer.
	Records int
	// Answers are these records: an address in its shortest form, a name in lower case.
	Answers []string
	// Echo is what came of the ICMP packets; nil: none could be sent.
	Echo *Echo
}

// Phase is a part of a probe: resolve, connect, tls, wait (for the first byte), read.
type Phase struct {
	Name string
	Took time.Duration
}

// Echo counts ICMP packets.
type Echo struct {
	Sent, Received int
	// RTT is the mean round trip of those that came back.
	RTT time.Duration
}
