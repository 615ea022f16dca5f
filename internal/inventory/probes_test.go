package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/probe"
)

// loaded reads an exporter.yml, and returns what is wrong with it, without the path.
func loaded(t *testing.T, text string) (Exporter, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := LoadExporter(path)
	if err != nil {
		return e, strings.ReplaceAll(err.Error(), path+":", "")
	}
	return e, ""
}

func TestProbes(t *testing.T) {
	e, wrong := loaded(t, `clusters:
- {name: web, kind: service, members: [{name: w1, host: a}]}
probes:
- {name: ping, kind: icmp, target: "::1", ip_version: 6, icmp: {packets: 5, replies: 2}}
- {name: ssh, kind: tcp, target: "[::1]:22", timeout: 500ms, failures: 5, tcp: {expect: ^SSH-}}
- name: shop
  kind: http
  target: https://shop.example/health?full=1
  cluster: web
  member: w1
  tls: {ca_file: /etc/ca.pem}
  http:
    method: GET
    status: [200, 204]
    match: '"ok":\s*true'
    host: other.example:8443
    headers: {Accept: application/json}
    header_files: {Authorization: /etc/fettle/token}
    follow_redirects: true
- {name: health, kind: grpc, target: "a:50051", tls: {enabled: true}, grpc: {service: shop.v1}}
- {name: dns, kind: dns, target: "10.0.0.53:53", dns: {name: _ldap._tcp.example., type: SRV, want: [0 0 389 a.example], tcp: true}}
heartbeat: {network: 3s, data: 1m}
`)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if len(e.Probes) != 5 || e.Probes[1].Timeout != 500*time.Millisecond || e.Probes[2].HTTP.Status[1] != 204 || !e.Probes[4].DNS.TCP {
		t.Errorf("%+v", e.Probes)
	}
	if e.Heartbeat != (Heartbeat{Network: 3 * time.Second, Data: time.Minute}) {
		t.Errorf("%+v", e.Heartbeat)
	}
}

func TestProbesRefused(t *testing.T) {
	one := func(lines string) string { return "probes:\n- " + lines }
	for name, tc := range map[string]struct{ in, want string }{
		"no name":               {one("{kind: icmp, target: a}"), "2:3: the probe has no name: give it one, it is the label `probe` of its metrics"},
		"name":                  {one("{name: A B, kind: icmp, target: a}"), `2:10: probe name "A B" must be lower-case letters, digits and dashes, at most 63, and not begin with a dash`},
		"twice":                 {one("{name: a, kind: icmp, target: a}\n- {name: a, kind: icmp, target: b}"), `3:10: probe "a" is declared twice: names are unique`},
		"no kind":               {one("{name: a, target: a}"), `2:3: the probe has no kind: write one of icmp, tcp, http, grpc, dns`},
		"kind":                  {one("{name: a, kind: htpp, target: a}"), `2:19: unknown kind "htpp"; did you mean "http"?`},
		"no target":             {one("{name: a, kind: tcp}"), `2:3: the probe has no target: say what it asks, such as 10.0.0.1:5432`},
		"a port for icmp":       {one("{name: a, kind: icmp, target: 'a:1/x'}"), `2:33: target "a:1/x" is no host name and no address: write it like 10.0.0.1`},
		"no port":               {one("{name: a, kind: tcp, target: a}"), `2:32: target "a" is no host and port: write it like 10.0.0.1:5432`},
		"port":                  {one("{name: a, kind: grpc, target: 'a:0'}"), `2:33: target "a:0" is no host and port: write it like 10.0.0.1:5432`},
		"no URL":                {one("{name: a, kind: http, target: 'a:80'}"), `2:33: target "a:80" is no URL that can be asked: write it like https://shop.example/health`},
		"a password in the URL": {one("{name: a, kind: http, target: 'http://me:canary@a/'}"), `2:33: target "…@a/" has a user or password in it: secrets stand in files, see http.header_files`},
		"a fragment":            {one("{name: a, kind: http, target: 'http://a/#b'}"), `2:33: target "http://a/#b" has a fragment, which is not sent: leave it out`},
		"an unknown cluster":    {one("{name: a, kind: icmp, target: a, cluster: wbe}\nclusters: [{name: web, kind: service, members: [{name: w, host: a}]}]"), `2:45: cluster "wbe" is not in the inventory; did you mean "web"?`},
		"an unknown member":     {one("{name: a, kind: icmp, target: a, cluster: web, member: v}\nclusters: [{name: web, kind: service, members: [{name: w, host: a}]}]"), `2:58: cluster web has no member "v" in the inventory`},
		"a member alone":        {one("{name: a, kind: icmp, target: a, member: v}"), `2:44: a member is named without its cluster: write both`},
		"timeout":               {one("{name: a, kind: icmp, target: a, timeout: 2m}"), `2:45: timeout is more than 1m0s: a scrape does not wait for it`},
		"failures":              {one("{name: a, kind: icmp, target: a, failures: 0}"), `2:46: failures: want 1 to 1000, not 0`},
		"ip_version":            {one("{name: a, kind: icmp, target: a, ip_version: 5}"), `2:48: ip_version is 4 or 6, not 5`},
		"another kind's":        {one("{name: a, kind: icmp, target: a, dns: {name: b}}"), `2:36: a probe of kind icmp has no dns: leave it out`},
		"tls over icmp":         {one("{name: a, kind: icmp, target: a, tls: {enabled: true}}"), `2:36: a probe of kind icmp speaks no TLS: leave tls out`},
		"tls over http":         {one("{name: a, kind: http, target: 'http://a', tls: {enabled: true}}"), `2:45: tls is declared, but the target is not asked over https: write it as https://…, or leave tls out`},
		"half a certificate":    {one("{name: a, kind: tcp, target: 'a:1', tls: {cert_file: /c}}"), `2:44: a client certificate needs both cert_file and key_file`},
		"a relative file":       {one("{name: a, kind: tcp, target: 'a:1', tls: {ca_file: c}}"), `2:54: ca_file "c" is not absolute: write the whole path, from / on`},
		"packets":               {one("{name: a, kind: icmp, target: a, icmp: {packets: 11}}"), `2:52: packets: want 1 to 10, not 11`},
		"replies":               {one("{name: a, kind: icmp, target: a, icmp: {replies: 4}}"), `2:52: replies: want 1 to 3, not 4`},
		"send without expect":   {one("{name: a, kind: tcp, target: 'a:1', tcp: {send: x}}"), `2:51: something is sent and nothing is expected: say what is to come back under expect`},
		"expect":                {one("{name: a, kind: tcp, target: 'a:1', tcp: {expect: '('}}"), "2:53: expect is no regular expression: error parsing regexp: missing closing ): `(`"},
		"method":                {one("{name: a, kind: http, target: 'http://a', http: {method: POST}}"), `2:60: method "POST": a probe changes nothing, write GET or HEAD`},
		"status":                {one("{name: a, kind: http, target: 'http://a', http: {status: [20]}}"), `2:61: status 20 is none: want 200 to 599`},
		"a body of HEAD":        {one("{name: a, kind: http, target: 'http://a', http: {method: HEAD, match: x}}"), `2:73: an answer to HEAD has no body that could match`},
		"a secret header":       {one("{name: a, kind: http, target: 'http://a', http: {headers: {authorization: canary}}}"), `2:62: the value of authorization is a secret: put it into a file, and name that under header_files`},
		"a header's name":       {one("{name: a, kind: http, target: 'http://a', http: {headers: {'A B': c}}}"), `2:62: "A B" is no name of a header`},
		"a header's value":      {one("{name: a, kind: http, target: 'http://a', http: {headers: {A: \"b\\nc\"}}}"), `2:65: the value of "A" has characters that no header takes, or more than 1000`},
		"the host as a header":  {one("{name: a, kind: http, target: 'http://a', http: {headers: {host: b}}}"), `2:62: the host of the request stands under http.host`},
		"its own header":        {one("{name: a, kind: http, target: 'http://a', http: {header_files: {Te: /b}}}"), `2:67: Te is not set by hand: leave it out`},
		"a relative secret":     {one("{name: a, kind: http, target: 'http://a', http: {header_files: {A: b}}}"), `2:70: "b" is not absolute: write the whole path, from / on`},
		"dns without a name":    {one("{name: a, kind: dns, target: 'a:53'}"), `2:3: dns.name "" is no name that can be asked for: write it whole, like shop.example`},
		"a name that is none":   {one("{name: a, kind: dns, target: 'a:53', dns: {name: a..b}}"), `2:52: dns.name "a..b" is no name that can be asked for: write it whole, like shop.example`},
		"type":                  {one("{name: a, kind: dns, target: 'a:53', dns: {name: a, type: AAA}}"), `2:61: unknown type "AAA"; did you mean "AAAA"?`},
		"an address of AAAA":    {one("{name: a, kind: dns, target: 'a:53', dns: {name: a, type: AAAA, want: [10.0.0.1]}}"), `2:74: "10.0.0.1" is no address that a record of type AAAA has`},
		"an address of A":       {one("{name: a, kind: dns, target: 'a:53', dns: {name: a, want: [b]}}"), `2:62: "b" is no address that a record of type A has`},
		"leading nowhere":       {one("{name: a, kind: dns, target: 'a:53', dns: {name: a, leads_to: b}}"), `2:65: no cluster "b" is declared under clusters`},
		"there and not there":   {one("{name: a, kind: dns, target: 'a:53', dns: {name: a, nxdomain: true, want: [10.0.0.1]}}"), `2:77: records are wanted of a name that must not be there: keep want or nxdomain`},
		"heartbeat":             {"heartbeat: {network: 0s, data: 2h}", "1:22: network: want 1s to 1h0m0s, not 0s\n1:32: data: want 1s to 1h0m0s, not 2h0m0s"},
		"too many":              {"probes:" + strings.Repeat("\n- {name: a, kind: icmp, target: a}", 201), "2:1: 201 probes: one exporter makes 200 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, wrong := loaded(t, tc.in+"\n"); wrong != tc.want {
				t.Errorf("got\n%s\nwant\n%s", wrong, tc.want)
			}
			if _, wrong := loaded(t, tc.in+"\n"); strings.Contains(wrong, "canary") {
				t.Errorf("a secret is told: %s", wrong)
			}
		})
	}
}

// What passes the check can be made.
func TestProbesThatPassWork(t *testing.T) {
	e, wrong := loaded(t, `probes:
- {name: a, kind: icmp, target: "fe80::1"}
- {name: b, kind: tcp, target: "[fe80::1]:1", tcp: {expect: a}}
- {name: c, kind: http, target: "https://[::1]/"}
- {name: d, kind: grpc, target: "a:1", tls: {server_name: b}}
- {name: e, kind: dns, target: "a:53", dns: {name: "*.example"}}
`)
	if wrong != "" {
		t.Fatal(wrong)
	}
	for _, p := range e.Probes {
		if _, err := probe.New(p); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
