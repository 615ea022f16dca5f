package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/certtest"
)

// A server over TLS, and everything that can be between it and who asks. It answers
// with how it knows the caller.
func TestCredentials(t *testing.T) {
	ca, other := certtest.New(t, "ca"), certtest.New(t, "other")
	client, late, strange := ca.Issue(t.TempDir(), time.Hour, "cli.example"), ca.Issue(t.TempDir(), -time.Minute, "cli.example"), other.Issue(t.TempDir(), time.Hour, "cli.example")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token, password := file("token", "0123456789abcdef\n"), file("password", "correct horse\n")
	serve := func(conf *tls.Config) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, secret, _ := r.BasicAuth()
			by := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			switch {
			case name != "":
				by = name + ":" + secret
			case r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
				by = r.TLS.PeerCertificates[0].DNSNames[0]
			}
			fmt.Fprintf(w, `{"version":%q}`, by)
		}))
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		if conf == nil {
			s.Start()
		} else {
			s.TLS = conf
			s.StartTLS()
		}
		t.Cleanup(s.Close)
		return s.URL
	}
	with := func(valid time.Duration, names ...string) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.Issue(t.TempDir(), valid, names...).TLS}}
	}
	mutual := with(time.Hour, "127.0.0.1")
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	good, expired, elsewhere, closed, plain := serve(with(time.Hour, "127.0.0.1")), serve(with(-time.Minute, "127.0.0.1")), serve(with(time.Hour, "db1.example")), serve(mutual), serve(nil)
	for name, tc := range map[string]struct {
		server string
		who    credentials
		want   string // how it is known, or what the error says
		fails  bool
	}{
		"token":       {good, credentials{caFile: ca.File, tokenFile: token}, "0123456789abcdef", false},
		"user":        {good, credentials{caFile: ca.File, user: "alice", passwordFile: password}, "alice:correct horse", false},
		"certificate": {closed, credentials{caFile: ca.File, certFile: client.CertFile, keyFile: client.KeyFile}, "cli.example", false},

		"no authority":         {good, credentials{}, "shows a certificate that nobody known here has signed: give its authority's certificate with --ca-file=FILE", true},
		"wrong authority":      {good, credentials{caFile: other.File}, "shows a certificate that nobody known here has signed", true},
		"expired":              {expired, credentials{caFile: ca.File}, "have it renewed, or set the clock of this machine, which says ", true},
		"another name":         {elsewhere, credentials{caFile: ca.File}, "shows a certificate for another name: ask for it by a name that the certificate has", true},
		"https to plain":       {strings.Replace(plain, "http:", "https:", 1), credentials{caFile: ca.File}, "does not speak TLS: write http://", true},
		"http to TLS":          {strings.Replace(good, "https:", "http:", 1), credentials{}, "speaks TLS: write https://", true},
		"no certificate":       {closed, credentials{caFile: ca.File}, "it may want a client certificate, give one with --cert-file=FILE --key-file=FILE", true},
		"strange certificate":  {closed, credentials{caFile: ca.File, certFile: strange.CertFile, keyFile: strange.KeyFile}, "does not take the certificate in " + strange.CertFile + ": who signed it, and until when is it good?", true},
		"expired certificate":  {closed, credentials{caFile: ca.File, certFile: late.CertFile, keyFile: late.KeyFile}, "--cert-file: " + late.CertFile + " expired on ", true},
		"another's key":        {closed, credentials{caFile: ca.File, certFile: client.CertFile, keyFile: late.KeyFile}, "private key does not match public key", true},
		"user without a file":  {good, credentials{user: "alice"}, "--user and --password-file go together", true},
		"certificate, no key":  {good, credentials{certFile: client.CertFile}, "--cert-file and --key-file go together", true},
		"user and token":       {good, credentials{user: "alice", passwordFile: password, tokenFile: token}, "--user and --token-file: one of them says who asks", true},
		"empty password":       {good, credentials{user: "alice", passwordFile: file("empty", "\n")}, "does not hold one password on one line", true},
		"password of 2 lines":  {good, credentials{user: "alice", passwordFile: file("two", "a\nb\n")}, "does not hold one password on one line", true},
		"authority that is no": {good, credentials{caFile: password}, "has no certificate in PEM form", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := connection{server: tc.server, who: tc.who}
			server, err := c.dial()
			got := ""
			if err == nil {
				state, asked := server.client.State(t.Context())
				got, err = state.Version, server.explained(asked)
			}
			if err != nil {
				got = err.Error()
			}
			if (err != nil) != tc.fails || !strings.Contains(got, tc.want) {
				t.Errorf("%s\nwant %s", got, tc.want)
			}
			if strings.Contains(got, "correct horse") && tc.fails {
				t.Error("the password is shown")
			}
		})
	}
}

// A clock that is wrong is told from a certificate that is.
func TestSkewedClock(t *testing.T) {
	c := &caller{address: "https://h:9774"}
	for what, tc := range map[string]struct {
		from, until time.Duration
		want        string
	}{
		"behind":  {time.Hour, 2 * time.Hour, "and the clock of this machine says"},
		"expired": {-2 * time.Hour, -time.Hour, "have it renewed, or set the clock of this machine"},
	} {
		cert := &x509.Certificate{NotBefore: time.Now().Add(tc.from), NotAfter: time.Now().Add(tc.until)}
		err := c.explained(fmt.Errorf("ask: %w", x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.As(err, new(x509.CertificateInvalidError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
