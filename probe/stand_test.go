package probe

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/certtest"
)

// once makes the probe once, and expects that it ends for this reason.
func once(t *testing.T, p Probe, want string) Result {
	t.Helper()
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
	made, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	got := made.Do(t.Context())
	if got.Reason != want || (got.Why == "") != (want == "") {
		t.Errorf("reason %q (%s), want %q", got.Reason, got.Why, want)
	}
	if got.Took <= 0 {
		t.Errorf("it took %s", got.Took)
	}
	return got
}

// says sends a text and waits until the other side has gone.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// drips sends a byte again and again until the other side has gone.
func drips(conn net.Conn) {
	for {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// floods sends 100 MB, or as much as is taken.
func floods(head string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, head)
		block := make([]byte, 64<<10)
		for i := range block {
			block[i] = 'x'
		}
		for range 1600 {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

// nobody is an address that refuses connections.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// web is an HTTP server, over TLS with pair where that is not nil.
func web(t *testing.T, handler http.HandlerFunc, conf *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if conf != nil {
		s.TLS = conf
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// certified is a server's TLS with a certificate for 127.0.0.1.
func certified(t *testing.T, a *certtest.Authority, valid time.Duration) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: []tls.Certificate{a.Issue(t.TempDir(), valid, "127.0.0.1").TLS}, MinVersion: tls.VersionTLS12}
}

// phases are the names of those that came to their end.
func phases(r Result) (names string) {
	for _, p := range r.Phases {
		names += " " + p.Name
	}
	return names
}

// file writes a file of the test.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expiresIn checks when the certificate that was seen expires.
func expiresIn(t *testing.T, r Result, d time.Duration) {
	t.Helper()
	if off := time.Until(r.Expires) - d; off > time.Minute || off < -time.Minute {
		t.Errorf("expires at %s, want about %s from now", r.Expires, d)
	}
}

// endedContext is a context that has ended already.
func endedContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
