package door_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/door"
)

const limit = 20 * time.Second

// open serves behind a web configuration until the test ends. Its handler says who
// came in with a certificate.
func open(t *testing.T, web string) (*door.Door, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "web.yml")
	write(t, file, web)
	return openFile(t, file), file
}

func openFile(t *testing.T, file string) *door.Door {
	t.Helper()
	d, err := door.Open(door.Options{File: file, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func serve(t *testing.T, d *door.Door) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: limit, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Handler: d.Demand(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			fmt.Fprint(w, r.TLS.VerifiedChains[0][0].DNSNames)
		}
	}))}
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(server, l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".new"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// get asks over a connection of its own.
func get(t *testing.T, conf *tls.Config, address string, set ...func(*http.Request)) (int, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	scheme := "http"
	if conf != nil {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range set {
		f(r)
	}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come: %s", what)
		}
	}
}

// Who may come in, and what is told to the client that may not.
func TestTLS(t *testing.T) {
	ca, other := certtest.New(t, "ca"), certtest.New(t, "other")
	good, expired := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1", "fettle.example"), ca.Issue(t.TempDir(), -time.Minute, "127.0.0.1")
	client, stranger, late := ca.Issue(t.TempDir(), time.Hour, "cli.example"), other.Issue(t.TempDir(), time.Hour, "cli.example"), ca.Issue(t.TempDir(), -time.Minute, "cli.example")
	another := ca.Issue(t.TempDir(), time.Hour, "another.example")
	server := func(p certtest.Pair, more string) string {
		return fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n%s", p.CertFile, p.KeyFile, more)
	}
	mutual := func(more string) string {
		return server(good, fmt.Sprintf("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: %s\n%s", ca.File, more))
	}
	given := server(good, fmt.Sprintf("  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: %s\n  client_allowed_sans: [cli.example]\n", ca.File))
	trusting := func(certs ...tls.Certificate) *tls.Config { return &tls.Config{RootCAs: ca.Pool, Certificates: certs} }
	// forcing sends its certificate also to a server that has not asked for such a one.
	forcing := func(cert tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: ca.Pool, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }}
	}
	for _, tc := range []struct {
		name   string
		web    string
		client *tls.Config
		want   string // in the body, or in the error
		fails  bool
	}{
		{"right", server(good, ""), trusting(), "", false},
		{"without HTTP/2", server(good, "http_server_config: {http2: false}\n"), trusting(), "", false},
		{"wrong authority", server(good, ""), &tls.Config{RootCAs: other.Pool}, "certificate signed by unknown authority", true},
		{"expired", server(expired, ""), trusting(), "certificate has expired", true},
		{"other name", server(good, ""), &tls.Config{RootCAs: ca.Pool, ServerName: "db1.example"}, "certificate is valid for fettle.example, not db1.example", true},
		{"TLS 1.1", server(good, ""), &tls.Config{RootCAs: ca.Pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, "protocol version not supported", true},
		{"TLS 1.2, where 1.3 is the least", server(good, "  min_version: TLS13\n"), &tls.Config{RootCAs: ca.Pool, MaxVersion: tls.VersionTLS12}, "protocol version not supported", true},
		{"plain HTTP", server(good, ""), nil, "Client sent an HTTP request to an HTTPS server", false},

		{"mutual", mutual(""), trusting(client.TLS), "[cli.example]", false},
		{"mutual, no certificate", mutual(""), trusting(), "certificate required", true},
		{"mutual, of another authority", mutual(""), forcing(stranger.TLS), "certificate", true},
		{"mutual, expired", mutual(""), trusting(late.TLS), "expired certificate", true},
		{"mutual, an allowed name", mutual("  client_allowed_sans: [x.example, cli.example]\n"), trusting(client.TLS), "[cli.example]", false},
		{"mutual, another name", mutual("  client_allowed_sans: [cli.example]\n"), trusting(another.TLS), "bad certificate", true},
		{"if given: none", given, trusting(), "", false},
		{"if given: an allowed name", given, trusting(client.TLS), "[cli.example]", false},
		{"if given: another name", given, trusting(another.TLS), "bad certificate", true},
		{"if given: of another authority", given, forcing(stranger.TLS), "certificate", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, _ := open(t, tc.web)
			_, body, err := get(t, tc.client, serve(t, d))
			switch {
			case (err != nil) != tc.fails:
				t.Errorf("%q, %v", body, err)
			case err != nil && !strings.Contains(err.Error(), tc.want):
				t.Errorf("%v, want %q in it", err, tc.want)
			case err == nil && !strings.Contains(body, tc.want):
				t.Errorf("%q, want %q", body, tc.want)
			}
		})
	}
}

// A certificate that was renewed is served without a reload and without a restart;
// one that is not in order is not.
func TestRenewal(t *testing.T) {
	ca, dir := certtest.New(t, "ca"), t.TempDir()
	first := ca.Issue(dir, time.Hour, "127.0.0.1", "first.example")
	d, file := open(t, fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n", first.CertFile, first.KeyFile))
	address := serve(t, d)
	name := func() string {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		c, err := (&tls.Dialer{Config: &tls.Config{RootCAs: ca.Pool}}).DialContext(ctx, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if got := name(); got != "first.example" {
		t.Fatal(got)
	}
	ca.Issue(dir, time.Hour, "127.0.0.1", "second.example")
	until(t, "the renewed certificate", func() bool { return name() == "second.example" })

	for what, breakIt := range map[string]func(){
		"half a certificate":   func() { write(t, first.CertFile, "-----BEGIN CERTIFICATE-----\n") },
		"no certificate":       func() { os.Remove(first.CertFile) },
		"a misspelt file":      func() { write(t, file, "tls_sever_config: {}\n") },
		"an empty file":        func() { write(t, file, "") }, // TLS does not end by itself
		"no file":              func() { os.Remove(file) },
		"another's key":        func() { ca.Issue(dir, time.Hour, "127.0.0.1", "x"); write(t, first.KeyFile, "") },
		"users without a hash": func() { write(t, file, "basic_auth_users: {alice: secret}\n") },
	} {
		breakIt()
		if err := d.Reload(); err == nil {
			t.Errorf("%s: taken", what)
		}
		if got := name(); got != "second.example" {
			t.Errorf("%s: %s is served", what, got)
		}
		write(t, file, fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n", first.CertFile, first.KeyFile))
		ca.Issue(dir, time.Hour, "127.0.0.1", "second.example")
		if err := d.Reload(); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
	}
}

// A session is not taken up again past a certificate that is not taken any more.
func TestNoResumption(t *testing.T) {
	ca := certtest.New(t, "ca")
	server, client := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1"), ca.Issue(t.TempDir(), time.Hour, "cli.example")
	form := "tls_server_config: {cert_file: %s, key_file: %s, client_auth_type: RequireAndVerifyClientCert, client_ca_file: %s, client_allowed_sans: [%s]}\n"
	d, file := open(t, fmt.Sprintf(form, server.CertFile, server.KeyFile, ca.File, "cli.example"))
	address := serve(t, d)
	conf := &tls.Config{RootCAs: ca.Pool, Certificates: []tls.Certificate{client.TLS}, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	for range 2 {
		if _, body, err := get(t, conf, address); err != nil || body != "[cli.example]" {
			t.Fatalf("%q, %v", body, err)
		}
	}
	write(t, file, fmt.Sprintf(form, server.CertFile, server.KeyFile, ca.File, "somebody.else"))
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, body, err := get(t, conf, address); err == nil {
		t.Errorf("the client came in as %s", body)
	}
}
