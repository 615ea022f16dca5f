package access_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
)

func writeToken(t *testing.T, name, token string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

const secret = "0123456789abcdef0123"

func TestGrants(t *testing.T) {
	good := writeToken(t, "alice.token", secret+"\n", 0o600)
	same := writeToken(t, "bob.token", secret, 0o400)
	for _, tc := range []struct {
		name   string
		grants []access.Grant
		users  bool
		want   string // in the error; empty: none
	}{
		{"none", nil, false, ""},
		{"token", []access.Grant{{Role: access.Operator, TokenFile: good}}, false, ""},
		{"certificate", []access.Grant{{Role: access.Webhook, CertificateName: "alertmanager.example"}}, false, ""},
		{"user that is checked", []access.Grant{{Role: access.Viewer, User: "carol"}}, true, ""},
		{"user that is not there", []access.Grant{{Role: access.Viewer, User: "dave"}}, true, "user dave: nobody checks its password"},
		{"user that nobody checks", []access.Grant{{Role: access.Viewer, User: "carol"}}, false, "basic_auth_users"},
		{"user twice", []access.Grant{{Role: access.Viewer, User: "carol"}, {Role: access.Operator, User: "carol"}}, true, "web.roles[1]: user carol has a role already"},
		{"unknown role", []access.Grant{{Role: "admin", TokenFile: good}}, false, `role "admin" is not one of`},
		{"anonymous as a role", []access.Grant{{Role: access.Anonymous, TokenFile: good}}, false, "is not one of"},
		{"anyone as a role", []access.Grant{{Role: access.Anyone, TokenFile: good}}, false, "is not one of"},
		{"nothing given", []access.Grant{{Role: access.Viewer}}, false, "exactly one of"},
		{"two given", []access.Grant{{Role: access.Viewer, TokenFile: good, CertificateName: "x"}}, false, "exactly one of"},
		{"token twice", []access.Grant{{Role: access.Viewer, TokenFile: good}, {Role: access.Webhook, TokenFile: same}}, false, "is also that of alice"},
		{"missing file", []access.Grant{{Role: access.Viewer, TokenFile: good + "x"}}, false, "no such file"},
		{"group may read", []access.Grant{{Role: access.Viewer, TokenFile: writeToken(t, "t", secret, 0o640)}}, false, "chmod 600"},
		{"world may read", []access.Grant{{Role: access.Viewer, TokenFile: writeToken(t, "t", secret, 0o604)}}, false, "chmod 600"},
		{"a directory", []access.Grant{{Role: access.Viewer, TokenFile: filepath.Dir(good)}}, false, "not a small regular file"},
		{"short", []access.Grant{{Role: access.Viewer, TokenFile: writeToken(t, "t", "secret", 0o600)}}, false, "at least 16 bytes"},
		{"two lines", []access.Grant{{Role: access.Viewer, TokenFile: writeToken(t, "t", secret+"\n"+secret, 0o600)}}, false, "one line of printable ASCII"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := access.Options{Grants: tc.grants, Table: access.Routes()}
			if tc.users {
				o.Users = fakeUsers{"carol": "x"}
			}
			_, err := access.New(o)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestCheckListen(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:9774": true, "127.9.9.9:1": true, "[::1]:9774": true, "localhost:9774": true, "[::ffff:127.0.0.1]:1": true,
		":9774": false, "0.0.0.0:9774": false, "[::]:9774": false, "10.0.0.1:9774": false, "example.org:9774": false, "localhost.example.org:1": false,
		"9774": false, "": false,
	} {
		if err := access.CheckListen(addr, false); (err == nil) != ok {
			t.Errorf("without roles, %q: got %v", addr, err)
		}
		if err := access.CheckListen(addr, true); err != nil {
			t.Errorf("with roles, %q: got %v", addr, err)
		}
	}
}

// newRouter answers with the identity that it sees.
func newRouter(t *testing.T, o access.Options) (*gin.Engine, *access.Policy) {
	t.Helper()
	o.Table = access.Table{"GET /read": {access.Viewer, access.Operator}, "GET /open": {access.Anyone}, "POST /write": {access.Operator}}
	policy, err := access.New(o)
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(policy.Check)
	show := func(c *gin.Context) { c.JSON(200, access.From(c)) }
	e.GET("/read", show)
	e.GET("/open", show)
	e.GET("/forgotten", show)
	e.POST("/write", show)
	return e, policy
}

func verified(c *x509.Certificate) *tls.ConnectionState {
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
}

func TestCheck(t *testing.T) {
	viewer := access.Grant{Role: access.Viewer, TokenFile: writeToken(t, "alice.token", secret, 0o600)}
	spiffe, err := url.Parse("spiffe://example/fettle")
	if err != nil {
		t.Fatal(err)
	}
	grants := []access.Grant{
		viewer,
		{Role: access.Operator, Name: "the-cli", CertificateName: "cli.example"},
		{Role: access.Operator, CertificateName: "spiffe://example/fettle"},
		{Role: access.Viewer, User: "carol"},
	}
	cli := &x509.Certificate{DNSNames: []string{"other.example", "cli.example"}}
	for _, tc := range []struct {
		name         string
		anonymous    bool
		method, path string
		host         string
		header       http.Header
		tls          *tls.ConnectionState
		status       int
		want         access.Identity
	}{
		{name: "token", path: "/read", header: bearer(secret), status: 200, want: access.Identity{Name: "alice", Role: access.Viewer, How: "token"}},
		{name: "token, other letters of the scheme", path: "/read", header: http.Header{"Authorization": {"bearer " + secret}}, status: 200, want: access.Identity{Name: "alice", Role: access.Viewer, How: "token"}},
		{name: "token without the right", method: "POST", path: "/write", header: bearer(secret), status: 403},
		{name: "wrong token", path: "/read", header: bearer("x" + secret), status: 401},
		{name: "empty token", path: "/read", header: bearer(""), status: 401},
		{name: "none", path: "/read", status: 401},
		{name: "none, open route", path: "/open", status: 200},
		{name: "wrong token, open route", path: "/open", header: bearer("x"), status: 200},
		{name: "known, open route", path: "/open", header: bearer(secret), status: 200, want: access.Identity{Name: "alice", Role: access.Viewer, How: "token"}},
		{name: "a route in no table", path: "/forgotten", header: bearer(secret), status: 403},
		{name: "no such path", path: "/nothing", status: 404},
		{name: "certificate", method: "POST", path: "/write", tls: verified(cli), status: 200, want: access.Identity{Name: "the-cli", Role: access.Operator, How: "certificate"}},
		{name: "certificate by URI", path: "/read", tls: verified(&x509.Certificate{URIs: []*url.URL{spiffe}}), status: 200, want: access.Identity{Name: "spiffe://example/fettle", Role: access.Operator, How: "certificate"}},
		{name: "certificate by common name", path: "/read", tls: verified(&x509.Certificate{Subject: pkix.Name{CommonName: "cli.example"}}), status: 200, want: access.Identity{Name: "the-cli", Role: access.Operator, How: "certificate"}},
		{name: "common name beside other names", path: "/read", tls: verified(&x509.Certificate{Subject: pkix.Name{CommonName: "cli.example"}, DNSNames: []string{"other.example"}}), status: 401},
		{name: "certificate that nobody verified", path: "/read", tls: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cli}}, status: 401},
		{name: "wrong token with a good certificate", path: "/read", header: bearer("x"), tls: verified(cli), status: 401},
		{name: "user", path: "/read", header: http.Header{"Authorization": {"Basic Y2Fyb2w6eA=="}}, status: 200, want: access.Identity{Name: "carol", Role: access.Viewer, How: "user"}},
		{name: "user with another password", path: "/read", header: basic("carol", "y"), status: 401},
		{name: "user whose password waits", path: "/read", header: basic("busy", "x"), status: 503},
		{name: "user, open route: no password is compared", path: "/open", header: basic("busy", "x"), status: 200},
		{name: "user without a role", path: "/read", header: http.Header{"Authorization": {"Basic ZGF2ZTp4"}}, status: 401},

		{name: "anonymous", anonymous: true, method: "POST", path: "/write", status: 200, want: access.Identity{Name: "anonymous", Role: access.Anonymous, How: "none"}},
		{name: "anonymous, IPv6", anonymous: true, path: "/read", host: "[::1]:9774", status: 200, want: access.Identity{Name: "anonymous", Role: access.Anonymous, How: "none"}},
		{name: "anonymous, a route in no table", anonymous: true, path: "/forgotten", status: 403},
		{name: "anonymous, a name pointed here", anonymous: true, path: "/read", host: "rebind.example:9774", status: 403},
		{name: "anonymous, from a page elsewhere", anonymous: true, method: "POST", path: "/write", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403},
		{name: "anonymous, old browser, page elsewhere", anonymous: true, method: "POST", path: "/write", header: http.Header{"Origin": {"http://evil.example"}}, status: 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := access.Options{Grants: grants, Users: fakeUsers{"carol": "x", "dave": "x", "busy": ""}}
			if tc.anonymous {
				o = access.Options{}
			}
			router, _ := newRouter(t, o)
			method := "GET"
			if tc.method != "" {
				method = tc.method
			}
			req := httptest.NewRequestWithContext(t.Context(), method, tc.path, nil)
			req.Host = "localhost:9774"
			if tc.host != "" {
				req.Host = tc.host
			}
			req.TLS = tc.tls
			for name, values := range tc.header {
				req.Header[name] = values
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, req)
			if w.Code != tc.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tc.status)
			}
			if tc.status == 200 {
				var got access.Identity
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != tc.want {
					t.Errorf("got %+v (%v), want %+v", got, err, tc.want)
				}
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (tc.status == 401) {
				t.Errorf("status %d with WWW-Authenticate %q", w.Code, challenge)
			}
		})
	}
}

// fakeUsers are names and passwords; who has none is to try again.
type fakeUsers map[string]string

var errBusy = errors.New("busy")

func (u fakeUsers) Has(name string) bool { return u[name] != "" }
func (fakeUsers) Busy(err error) bool    { return errors.Is(err, errBusy) }
func (u fakeUsers) Authenticate(r *http.Request) (string, error) {
	name, password, _ := r.BasicAuth()
	switch {
	case u[name] == "":
		return "", errBusy
	case u[name] != password:
		return "", errors.New("wrong")
	}
	return name, nil
}

func basic(name, password string) http.Header {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func TestReload(t *testing.T) {
	path := writeToken(t, "alice.token", secret, 0o600)
	grants := []access.Grant{{Role: access.Viewer, TokenFile: path}}
	router, policy := newRouter(t, access.Options{Grants: grants})
	try := func(token string) int {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/read", nil)
		req.Header = bearer(token)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, req)
		return w.Code
	}
	if got := try(secret); got != 200 {
		t.Fatalf("before: got %d", got)
	}
	if err := os.WriteFile(path, []byte("another-"+secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := policy.Reload(grants); err != nil {
		t.Fatal(err)
	}
	if old, another := try(secret), try("another-"+secret); old != 401 || another != 200 {
		t.Errorf("after: the old token gets %d, the new one %d", old, another)
	}
	if err := policy.Reload([]access.Grant{{Role: "admin", TokenFile: path}}); err == nil {
		t.Error("an unknown role was taken")
	}
	if err := policy.Reload(nil); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("authentication ended by a reload: %v", err)
	}
	if got := try("another-" + secret); got != 200 {
		t.Errorf("after bad reloads: got %d", got)
	}
}

// The socket is open to its owner only, and who connects is known by uid, with
// and without roles.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fettle.sock")
	for range 2 { // the second one after the first has gone
		l, err := access.ListenUnix(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v (%v)", info.Mode(), err)
		}
		router, _ := newRouter(t, access.Options{})
		s := &http.Server{Handler: router, ConnContext: access.ConnContext, ReadHeaderTimeout: 1e9}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://fettle/write", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var got access.Identity
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // only read from
		if got.Role != access.Operator || got.How != "unix" || !strings.HasPrefix(got.Name, "unix:") {
			t.Errorf("got %+v", got)
		}
		if _, err := access.ListenUnix(path); err == nil || !strings.Contains(err.Error(), "another process listens") {
			t.Errorf("a second listener: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		<-served
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	}
}

func TestListenUnixOverSomethingElse(t *testing.T) {
	dir := t.TempDir()
	stale, file := filepath.Join(dir, "stale.sock"), filepath.Join(dir, "file")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := access.ListenUnix(stale)
	if err != nil {
		t.Fatalf("a socket that nobody listens on: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.ListenUnix(file); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file is now %q (%v)", b, err)
	}
}
