package action

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// http is a step with such a section.
func (s *shop) http(section, more string) repair.PlannedStep {
	s.Helper()
	return s.step("  - {name: a, action: http, "+more+" http: {"+section+"}}\n", nil)
}

const loopback = `private: [127.0.0.0/8, "::1/128"]`

func TestHTTP(t *testing.T) {
	s := newShop(t)
	var mu sync.Mutex
	state, seen := `{"pool":{"state":"in","n":1}}`, []string{}
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Authorization"), " ", r.Header.Get("Content-Type"), " ", string(body), " ", r.Header.Get("X-Who"), " ", r.RemoteAddr))
		if r.Method == http.MethodPut {
			state = fmt.Sprintf(`{"pool":%s}`, body)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		_, _ = io.WriteString(w, state)
	}))
	defer web.Close()
	check(t, os.WriteFile(s.file("ca"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600))
	check(t, os.WriteFile(s.file("token"), []byte("s3cret\n"), 0o600))
	p := s.http(`method: PUT, url: "`+web.URL+`/pool", json: '{"state":"out"}', headers: {X-Who: fettle}, ca_file: `+s.file("ca")+`, token_file: `+s.file("token")+`, `+loopback+
		`, unless: {url: "`+web.URL+`/pool?x=1", pointer: /pool/state, equals: out}, takes: false, disturbs: unit`+
		`, undo: {method: PUT, url: "`+web.URL+`/pool", json: '{"state":"$was"}', was: {url: "`+web.URL+`/pool", pointer: /pool/state}}`, "")
	a := s.bind(p)
	before := s.look(a)
	if a.Does != repair.Leaves || a.Disturbs != cluster.DisturbsUnit || a.Action.Done(nil, before.Observation) || *before.Observation.Was != "in" {
		t.Errorf("%+v: %+v", a, before.Observation)
	}
	in, end := s.does(a)
	if !a.Action.Done(&in.Before, end.Observation) {
		t.Errorf("says %q", end.Observation.Says)
	}
	host := strings.TrimPrefix(web.URL, "https://")
	if want := "w1: " + host + " answered 202; " + host + " has what is wanted at /pool/state"; end.Observation.Says != want {
		t.Errorf("says %q, want %q", end.Observation.Says, want)
	}
	mu.Lock()
	var puts []string
	ports := map[string]bool{}
	for _, line := range seen {
		words := strings.Fields(line)
		ports[words[len(words)-1]] = true
		if words[0] == http.MethodPut {
			puts = append(puts, strings.Join(words[:len(words)-1], " "))
		}
	}
	if want := `PUT /pool Bearer s3cret application/json {"state":"out"} fettle`; len(puts) != 1 || puts[0] != want {
		t.Errorf("asked %q, want %q", puts, want)
	}
	if len(ports) != len(seen) {
		t.Errorf("%d requests over %d connections", len(seen), len(ports))
	}
	mu.Unlock()

	undo := repair.PlannedStep{Name: "a", Action: "http", Declared: p.Undo.Declared, Undoes: &repair.Undoes{Declared: p.Declared, Was: in.Before.Was}}
	u := s.bind(undo)
	if seen := s.look(u); u.Action.Done(nil, seen.Observation) || !u.Action.(repair.Undoer).StillSet(seen.Observation) {
		t.Errorf("as it was set: %s", seen.Observation.Says)
	}
	back, end := s.does(u)
	if !u.Action.Done(&back.Before, end.Observation) {
		t.Errorf("says %q", end.Observation.Says)
	}
	mu.Lock()
	if state != `{"pool":{"state":"in"}}` {
		t.Errorf("put back: %s", state)
	}
	state = `{"pool":{"state":"third"}}`
	mu.Unlock()
	if seen := s.look(u); u.Action.Done(nil, seen.Observation) || u.Action.(repair.Undoer).StillSet(seen.Observation) {
		t.Errorf("as somebody else has set it: %s", seen.Observation.Says)
	}
	undo.Undoes.Was = nil
	if _, err := s.table["http"].Bind(undo); err == nil {
		t.Error("an old value that nobody recorded is put back")
	}
}

// What becomes of a request, and what the engine makes of that.
func TestHTTPEnds(t *testing.T) {
	s := newShop(t)
	release := make(chan struct{})
	var mu sync.Mutex
	status, asked := http.StatusOK, map[string]int{}
	answers := func(with int) {
		mu.Lock()
		defer mu.Unlock()
		status = with
	}
	count := func(path string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[path]
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		now := status
		mu.Unlock()
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/hang":
			<-release
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/long":
			_, _ = w.Write(make([]byte, maxAnswer+1))
		default:
			w.WriteHeader(now)
		}
	}))
	defer web.Close()
	defer close(release)
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, tc := range map[string]struct {
		url, more string
		status    int
		done      bool
		state     cluster.ServiceState
	}{
		"taken":                     {web.URL + "/x", "", 200, true, cluster.ServiceRunning},
		"not expected":              {web.URL + "/x", "", 503, false, cluster.ServiceDead},
		"not expected, but well":    {web.URL + "/x", "expect: [201]", 200, false, cluster.ServiceDead},
		"expected, and not well":    {web.URL + "/x", "expect: [409]", 409, true, cluster.ServiceRunning},
		"a redirect":                {web.URL + "/redirect", "", 200, false, cluster.ServiceDead},
		"sent, and no answer":       {web.URL + "/hang", "timeout: 1s", 200, false, cluster.ServiceUnknown},
		"sent, and cut off":         {web.URL + "/cut", "", 200, false, cluster.ServiceUnknown},
		"an endless answer":         {web.URL + "/long", "", 200, false, cluster.ServiceUnknown},
		"nobody there":              {closed.URL + "/x", "", 200, false, cluster.ServiceDead},
		"not one to be talked with": {web.URL + "/x", "private: [127.0.0.2/32]", 200, false, cluster.ServiceDead},
	} {
		t.Run(name, func(t *testing.T) {
			answers(tc.status)
			more := tc.more
			if !strings.Contains(more, "private") {
				more = strings.TrimPrefix(more+", "+loopback, ", ")
			}
			a := s.bind(s.http(`method: POST, url: "`+tc.url+`", `+more, "once: true,"))
			in := s.intent(s.look(a))
			err := a.Action.Apply(t.Context(), in)
			end := s.ends(a, in)
			if a.Action.Done(&in.Before, end.Observation) != tc.done || end.Facts.Sights[0].Service.State != tc.state || (err == nil) != tc.done {
				t.Errorf("%v: %+v, says %q", err, end.Facts.Sights[0].Service, end.Observation.Says)
			}
		})
	}
	if count("/elsewhere") != 0 {
		t.Error("a redirect was followed")
	}
	a := s.bind(s.http(`method: POST, url: "`+web.URL+`/x", `+loopback, "once: true,"))
	in := s.intent(s.look(a))
	if end := s.ends(a, in); end.Facts.Sights[0].Service.State != cluster.ServiceUnknown || end.Observation.Says != "w1: an earlier process sent it, if anybody did" {
		t.Errorf("of an earlier process: %+v, %q", end.Facts.Sights[0].Service, end.Observation.Says)
	}
	answers(http.StatusOK)
	before := count("/x")
	check(t, a.Action.Apply(t.Context(), in))
	if err := a.Action.Apply(t.Context(), in); err == nil || count("/x") != before+1 {
		t.Errorf("a second time: %v", err)
	}
}

// unless says yes, no, or that it cannot tell.
func TestHTTPLooks(t *testing.T) {
	s := newShop(t)
	var mu sync.Mutex
	answer, status := "", 200
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer web.Close()
	for _, tc := range []struct {
		look   string
		status int
		answer string
		want   string
	}{
		{"", 200, "", "yes"},
		{"", 204, "", "no"},
		{"", 404, "", "no"},
		{"", 500, "", "error"},
		{"expect: 404", 404, "", "yes"},
		{"expect: 404", 200, "", "no"},
		{"expect: 503", 503, "", "yes"},
		{"pointer: /a/1/b~1c", 200, `{"a":[0,{"b/c":null}]}`, "yes"},
		{"pointer: /a/2", 200, `{"a":[0,1]}`, "no"},
		{"pointer: /a/-1", 200, `{"a":[0,1]}`, "no"},
		{"pointer: /a/b/c", 200, `{"a":{"b":"c"}}`, "no"},
		{"pointer: /a, equals: x", 200, `{"a":"x"}`, "yes"},
		{"pointer: /a, equals: x", 200, `{"a":"X"}`, "no"},
		{"pointer: /a, equals: 'true'", 200, `{"a":true}`, "yes"},
		{"pointer: /a, equals: '1.0'", 200, `{"a":1.0}`, "yes"},
		{"pointer: /a, equals: '1'", 200, `{"a":1.0}`, "no"},
		{"pointer: /a", 200, `<html>`, "error"},
	} {
		mu.Lock()
		answer, status = tc.answer, tc.status
		mu.Unlock()
		a := s.bind(s.http(`method: POST, url: "`+web.URL+`/x", unless: {url: "`+web.URL+`/y", `+tc.look+`}, `+loopback, ""))
		seen, err := a.Action.Observe(t.Context(), s.target)
		got := "no"
		switch {
		case err != nil:
			got = "error"
		case a.Action.Done(nil, seen.Observation):
			got = "yes"
		}
		if got != tc.want {
			t.Errorf("%q of %d %s: %s, %v, want %s", tc.look, tc.status, tc.answer, got, err, tc.want)
		}
	}
}

// Nothing of the environment, and no certificate that nobody vouches for.
func TestHTTPTrusts(t *testing.T) {
	s := newShop(t)
	var proxied atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Store(true) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	web.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	web.StartTLS()
	defer web.Close()
	a := s.bind(s.http(`method: POST, url: "`+web.URL+`/", unless: {url: "`+web.URL+`/"}, `+loopback, ""))
	if _, err := a.Action.Observe(t.Context(), s.target); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	check(t, os.WriteFile(s.file("open"), []byte("t"), 0o644)) //nolint:gosec // that is the mistake
	token := s.bind(s.http(`method: POST, url: "`+web.URL+`/", unless: {url: "`+web.URL+`/"}, token_file: `+s.file("open")+`, `+loopback, ""))
	if _, err := token.Action.Observe(t.Context(), s.target); err == nil || !strings.Contains(err.Error(), "everybody may read it") {
		t.Errorf("a token for everybody: %v", err)
	}
	if proxied.Load() {
		t.Error("a proxy of the environment was asked")
	}
}

// fakeNames is a name server: it answers with the addresses in turn.
func fakeNames(t *testing.T, addresses ...string) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // a test's own
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		asked := 0
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			kind := q[end+2] // 1: A, 28: AAAA
			reply := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end+5]...)
			a := netip.MustParseAddr(addresses[min(asked/2, len(addresses)-1)]) // A and AAAA are asked at once
			asked++
			if a.Is4() == (kind == 1) {
				reply[7] = 1
				raw := a.AsSlice()
				reply = append(reply, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
				reply = append(reply, raw...)
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Every way to an address that is not the internet's, with a server that would answer:
// as it is written, and as what a name resolves to.
func TestHTTPGoesNowhereElse(t *testing.T) {
	s := newShop(t)
	var reached atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer web.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(web.URL, "http://"))
	refused := func(url string, r *net.Resolver) {
		t.Helper()
		d := s.deps
		d.Resolver = r
		spec, err := Table(d)["http"].Bind(repair.PlannedStep{Action: "http", Declared: fmt.Appendf(nil, `{"method":"GET","url":%q,"unless":{"url":%q},"timeout":1000000000}`, url, url)})
		check(t, err)
		if _, err := spec.Action.Observe(t.Context(), s.target); err == nil || !strings.Contains(err.Error(), "public address") && !strings.Contains(err.Error(), "no host") && !strings.Contains(err.Error(), "lookup") {
			t.Errorf("%s: %v", url, err)
		}
		if err := spec.Action.Apply(t.Context(), s.intent(repair.Sighting{})); err == nil {
			t.Errorf("%s was sent to", url)
		}
	}
	special := []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
		"192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:db8::1",
		"2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1",
	}
	for _, a := range special {
		addr := netip.MustParseAddr(a)
		refused("http://"+net.JoinHostPort(a, port)+"/", nil)
		if !addr.Is4In6() { // no name server says so
			refused("http://inside.example:"+port+"/", fakeNames(t, a))
		}
	}
	for _, host := range []string{"localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"} {
		refused("http://"+host+":"+port+"/", nil)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests came through", n)
	}
	for _, a := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
	rebinds(t, s, port)
}

// rebinds: a name that is in an allowed range when it is asked for first is not there
// any more when the request goes out; the address of the connection is what counts.
func rebinds(t *testing.T, s *shop, port string) {
	d := s.deps
	d.Resolver = fakeNames(t, "127.0.0.2", "127.0.0.1")
	url := "http://rebind.example:" + port + "/"
	spec, err := Table(d)["http"].Bind(repair.PlannedStep{Action: "http", Declared: fmt.Appendf(nil, `{"method":"POST","url":%q,"unless":{"url":%q},"private":["127.0.0.2/32"]}`, url, url)})
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := spec.Action.Observe(ctx, s.target); err == nil || strings.Contains(err.Error(), "public") { // allowed, and nobody listens there
		t.Errorf("the first address: %v", err)
	}
	if err := spec.Action.Apply(ctx, s.intent(repair.Sighting{})); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is not a public address") {
		t.Errorf("the second address: %v", err)
	}
}

// Whatever was planned: a token is for https.
func TestNoTokenInTheClear(t *testing.T) {
	s := newShop(t)
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked, with %d credentials", r.URL, len(r.Header["Authorization"]))
	}))
	defer web.Close()
	check(t, os.WriteFile(s.file("token"), []byte("s3cret\n"), 0o600))
	a := s.bind(repair.PlannedStep{Name: "a", Action: "http", Declared: []byte(
		`{"method":"PUT","url":"https://a.example/","unless":{"url":"` + web.URL + `/"},"private":["127.0.0.0/8"],"token_file":"` + s.file("token") + `"}`)})
	_, err := a.Action.Observe(t.Context(), s.target)
	if err == nil || !strings.Contains(err.Error(), "a token is not sent over http") {
		t.Error(err)
	}
}
