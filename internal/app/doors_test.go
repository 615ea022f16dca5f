package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/repair"
)

// castle is a fettle with every kind of credential, one of each for each role.
type castle struct {
	*App
	dir     string
	ca      *certtest.Authority
	clients map[string]*http.Client // by the name in the certificate; "": none, unix: the socket
}

// password is everybody's, its hash as cheap as bcrypt allows.
const (
	password     = "correct horse"
	passwordHash = "$2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS"
)

func allRoles() []access.Role {
	return []access.Role{access.Webhook, access.Metrics, access.Viewer, access.Operator}
}

func tokenOf(role access.Role) string { return string(role) + "-0123456789abcdef" }

func newCastle(t *testing.T) *castle {
	t.Helper()
	c := &castle{dir: t.TempDir(), ca: certtest.New(t, "ca"), clients: map[string]*http.Client{}}
	server := c.ca.Issue(c.dir, time.Hour, "127.0.0.1")
	var users, roles strings.Builder
	for _, role := range allRoles() {
		token := filepath.Join(c.dir, string(role)+".token")
		if err := os.WriteFile(token, []byte(tokenOf(role)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&users, "  %s-user: %s\n", role, passwordHash)
		fmt.Fprintf(&roles, "    - {role: %s, token_file: %s}\n    - {role: %s, user: %s-user}\n    - {role: %s, certificate_name: %s.example}\n", role, token, role, role, role, role)
		c.clients[string(role)] = c.client(c.ca.Issue(t.TempDir(), time.Hour, string(role)+".example").TLS)
	}
	fmt.Fprintf(&users, "  nobody: %s\n", passwordHash)
	c.clients["stranger"] = c.client(c.ca.Issue(t.TempDir(), time.Hour, "stranger.example").TLS)
	c.clients[""] = c.client()
	web := filepath.Join(c.dir, "web.yml")
	text := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: %s\nbasic_auth_users:\n%s", server.CertFile, server.KeyFile, c.ca.File, &users)
	if err := os.WriteFile(web, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.App = start(t, fmt.Sprintf("journal: {dir: DIR/journal, key_file: DIR/journal.key}\nbrake: DIR/pause\nweb:\n  socket: DIR/s\n  config_file: %s\n  roles:\n%s", web, &roles))
	socket := c.socket()
	c.clients["unix"] = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(func() {
		for _, client := range c.clients {
			client.CloseIdleConnections()
		}
	})
	return c
}

func (c *castle) client(certs ...tls.Certificate) *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: c.ca.Pool, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certs[0], nil
		}},
	}}
}

// credential is one way to say who asks.
type credential struct {
	name   string
	client string
	set    func(*http.Request)
	role   access.Role // empty: nobody
}

func credentials() []credential {
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	user := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	none := func(*http.Request) {}
	all := []credential{
		{"none", "", none, ""},
		{"wrong token", "", bearer("stranger-0123456789abcdef"), ""},
		{"empty token", "", bearer(""), ""},
		{"wrong password", "", user("operator-user", "x"), ""},
		{"unknown user", "", user("mallory", password), ""},
		{"user without a role", "", user("nobody", password), ""},
		{"token as a password", "", user("operator-user", tokenOf(access.Operator)), ""},
		{"certificate without a role", "stranger", none, ""},
		{"operator's certificate with a wrong token", "operator", bearer("x"), ""},
		{"operator's certificate with a wrong password", "operator", user("operator-user", "x"), ""},
		{"two headers", "", func(r *http.Request) {
			r.Header["Authorization"] = []string{"Bearer " + tokenOf(access.Operator), "Bearer " + tokenOf(access.Operator)}
		}, ""},
		{"another scheme", "", func(r *http.Request) { r.Header.Set("Authorization", "Digest "+tokenOf(access.Operator)) }, ""},
		{"token in the query", "", func(r *http.Request) { r.URL.RawQuery = "token=" + tokenOf(access.Operator) }, ""},
		{"actor by header", "", func(r *http.Request) {
			r.Header.Set("X-Forwarded-User", "operator-user")
			r.Header.Set("X-Remote-User", "operator-user")
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
		}, ""},
		{"unix socket", "unix", none, access.Operator},
	}
	for _, role := range allRoles() {
		all = append(all,
			credential{string(role) + " by token", "", bearer(tokenOf(role)), role},
			credential{string(role) + " by user", "", user(string(role)+"-user", password), role},
			credential{string(role) + " by certificate", string(role), none, role},
			// What a request carries wins over what its connection proves.
			credential{string(role) + " by token, a stranger by certificate", "stranger", bearer(tokenOf(role)), role},
		)
	}
	return all
}

func (c *castle) do(t *testing.T, method, path, client string, set ...func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	base := "https://" + c.Addr()
	if client == "unix" {
		base = "http://localhost"
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, f := range set {
		f(r)
	}
	resp, err := c.clients[client].Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

var parameter = regexp.MustCompile(`[:*]\w+`)

// Every route that the program has, with every credential: who may is what the table
// of roles says, and a route without a role fails here.
func TestEveryRouteWithEveryCredential(t *testing.T) {
	c := newCastle(t)
	table, seen, asked := access.Routes().With(access.Pages()), map[string]bool{}, 0
	until(t, "the record of the start", func() bool { // which is nobody's request
		before := c.journal.Size()
		return c.seq.Read(t.Context(), func(*repair.Engine) {}) == nil && before > 1 && before == c.journal.Size()
	})
	for _, route := range c.routes() {
		key, path := route.Method+" "+route.Path, parameter.ReplaceAllString(route.Path, "x")
		seen[key] = true
		roles := table.Roles(route.Method, route.Path)
		if len(roles) == 0 {
			t.Errorf("%s: no role in access.Routes", key)
		}
		for _, who := range credentials() {
			before := c.journal.Size()
			status, header, body := c.do(t, route.Method, path, who.client, who.set)
			asked++
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden
			switch {
			case slices.Contains(roles, access.Anyone) || slices.Contains(roles, who.role):
				if refused || status == http.StatusServiceUnavailable {
					t.Errorf("%s, %s: %d %s, should pass", key, who.name, status, body)
				}
			case who.role != "" && status != http.StatusForbidden:
				t.Errorf("%s, %s: %d %s, want 403", key, who.name, status, body)
			case who.role == "" && status != http.StatusUnauthorized:
				t.Errorf("%s, %s: %d %s, want 401", key, who.name, status, body)
			}
			if challenged := header.Get("WWW-Authenticate") != ""; challenged != (status == http.StatusUnauthorized) {
				t.Errorf("%s, %s: %d with WWW-Authenticate %q", key, who.name, status, header.Values("WWW-Authenticate"))
			}
			if (refused || reads(route.Method)) && c.journal.Size() != before {
				t.Errorf("%s, %s: %d wrote a record", key, who.name, status)
			}
		}
		if reads(route.Method) {
			continue
		}
		// A page elsewhere changes nothing, whatever its browser adds.
		for _, by := range []func(*http.Request){
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			func(r *http.Request) { r.Header.Set("Origin", "null") },
			func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		} {
			for _, client := range []string{"operator", "webhook"} {
				if status, _, body := c.do(t, route.Method, path, client, by); status != http.StatusForbidden {
					t.Errorf("%s from a page elsewhere: %d %s, want 403", key, status, body)
				}
			}
		}
	}
	for key := range table {
		if !seen[key] {
			t.Errorf("access.Routes has %s, which is no route", key)
		}
	}
	t.Logf("%d routes, %d credentials, %d requests", len(seen), len(credentials()), asked)
}

// A reload takes a token, a user and a certificate that are others; one that is not in
// order takes nothing, and both say so.
func TestReloadOfDoors(t *testing.T) {
	c := newCastle(t)
	web := c.cfg.Web.ConfigFile
	good, err := os.ReadFile(web)
	if err != nil {
		t.Fatal(err)
	}
	reload := func() int {
		t.Helper()
		status, _, _ := c.do(t, http.MethodPost, "/-/reload", "unix")
		return status
	}
	metric := func(name string) string {
		_, _, body := c.do(t, http.MethodGet, "/metrics", "metrics")
		found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(body)
		if found == nil {
			t.Fatalf("no %s in\n%s", name, body)
		}
		return found[1]
	}
	as := func(name string) int {
		status, _, _ := c.do(t, http.MethodGet, "/api/v1/state", "", func(r *http.Request) { r.SetBasicAuth(name, password) })
		return status
	}
	began := metric("fettle_config_last_reload_success_timestamp_seconds")
	if err := os.WriteFile(web, []byte("basic_auth_user: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := reload(); got != http.StatusInternalServerError {
		t.Errorf("reload of a misspelt web configuration: %d", got)
	}
	if ok, at := metric("fettle_config_last_reload_successful"), metric("fettle_config_last_reload_success_timestamp_seconds"); ok != "0" || at != began {
		t.Errorf("successful %s at %s, began at %s", ok, at, began)
	}
	if ok := metric("fettle_config_web_last_reload_successful"); ok != "0" {
		t.Errorf("the web configuration: successful %s", ok)
	}
	if err := os.WriteFile(web, bytes.ReplaceAll(good, []byte("viewer-user"), []byte("viewer-other")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := reload(); got != http.StatusInternalServerError {
		t.Errorf("a role's user is gone, and the reload gets %d", got)
	}
	if status := as("viewer-user"); status != http.StatusUnauthorized {
		t.Errorf("a user that was taken out comes in: %d", status)
	}
	if err := os.WriteFile(web, good, 0o600); err != nil {
		t.Fatal(err)
	}
	c.ca.Issue(c.dir, 2*time.Hour, "127.0.0.1")
	if got := reload(); got != http.StatusOK {
		t.Errorf("reload: %d", got)
	}
	if ok, status := metric("fettle_config_last_reload_successful"), as("viewer-user"); ok != "1" || status != http.StatusOK {
		t.Errorf("after the reload: successful %s, a viewer gets %d", ok, status)
	}
}

// Users without roles would be asked for no password: that is refused.
func TestUsersNeedRoles(t *testing.T) {
	dir := t.TempDir()
	web, file := filepath.Join(dir, "web.yml"), filepath.Join(dir, "fettle.yml")
	for path, text := range map[string]string{
		web: "basic_auth_users: {alice: " + passwordHash + "}\n", file: strings.ReplaceAll(plain, "DIR", dir) + "\n",
	} {
		text = strings.Replace(text, "web: {", "web: {config_file: "+web+", ", 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := New(t.Context(), Options{ConfigFile: file, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	want := "web.config_file: " + web + ": basic_auth_users without web.roles: no password would be asked for. Give alice a role under web.roles in fettle.yml"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Ready is who can take messages: with a journal that has room and can be written.
func TestReady(t *testing.T) {
	ready := func(a *App) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Addr()+"/-/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(body))
	}
	a := start(t, plain)
	if status, body := ready(a); status != http.StatusOK || body != `{"status":"ready"}` {
		t.Errorf("%d %s", status, body)
	}
	// More than any disk has: the file system refuses to keep that much room.
	full := start(t, strings.Replace(plain, "journal: {", "journal: {reserve: 4000000GiB, ", 1))
	if status, body := ready(full); status != http.StatusServiceUnavailable || body != `{"error":"not ready: the journal's disk is full","hint":"GET /api/v1/state and the log say more"}` {
		t.Errorf("on a full disk: %d %s", status, body)
	}
	if status, body := post(t, full, firing); status != http.StatusServiceUnavailable {
		t.Errorf("a message on a full disk: %d %s", status, body)
	}
	// The journal cannot be written any more: its file is closed under it.
	if err := a.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if status, body := post(t, a, firing); status != http.StatusServiceUnavailable {
		t.Errorf("a message without a journal: %d %s", status, body)
	}
	if status, body := ready(a); status != http.StatusServiceUnavailable || !strings.Contains(body, "the journal cannot be written, and nothing is taken or repaired") {
		t.Errorf("without a journal: %d %s", status, body)
	}
	state, err := backend{a}.State(t.Context())
	if err != nil || state.NotReady == "" || state.Journal.Writable {
		t.Errorf("%+v, %v", state, err)
	}
}
