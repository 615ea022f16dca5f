package line

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

func asker(t *testing.T, base string, c cluster.TLS, header func(http.Header) error) *HTTP {
	t.Helper()
	h, err := NewHTTP(base, c, 1<<20, header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// What is no such server, or a sick one, is told in a bounded word and within the time
// that there is.
func TestHTTPAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"in order":     {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"A": 1}`) }, ""},
		"a web page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, cluster.BadProtocol},
		"no such page": {http.NotFound, cluster.BadProtocol},
		"no right":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, cluster.BadAuth},
		"no leader": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "No cluster leader", http.StatusInternalServerError)
		}, cluster.Other},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}, cluster.Other},
		"100 MB":            {endless(100 << 20), cluster.TooLarge},
		"one byte a second": {drip, cluster.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.serve)
			defer srv.Close()
			defer srv.CloseClientConnections()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if tt.want != cluster.Timeout {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
			}
			defer cancel()
			var v struct{ A int }
			err := asker(t, srv.URL, cluster.TLS{}, nil).JSON(ctx, "/", &v)
			if Reason(err) != tt.want || err == nil && v.A != 1 {
				t.Errorf("%v (%s), want %q", err, Reason(err), tt.want)
			}
		})
	}
}

func endless(n int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, zeros{}, n) // the client hangs up
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func drip(w http.ResponseWriter, r *http.Request) {
	for range 60 {
		_, _ = w.Write([]byte(" "))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func TestHTTPOfAnotherProtocol(t *testing.T) {
	address := servertest.Listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := asker(t, "http://"+address, cluster.TLS{}, nil).Get(ctx, "/"); Reason(err) != cluster.BadProtocol {
		t.Errorf("%v (%s)", err, Reason(err))
	}
	if _, err := asker(t, "https://"+address, cluster.TLS{}, nil).Get(ctx, "/"); Reason(err) != cluster.BadTLS {
		t.Errorf("over TLS: %v (%s)", err, Reason(err))
	}
}

func TestHTTPSOfAnUnknownAuthority(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := asker(t, srv.URL, cluster.TLS{Enabled: true}, nil).Get(ctx, "/"); Reason(err) != cluster.BadTLS {
		t.Errorf("%v (%s)", err, Reason(err))
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	for content, want := range map[string]string{"canary": "canary", "canary\n": "canary", "canary \r\n\n": "canary ", "": ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Secret(file); err != nil || got != want {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{file, filepath.Join(dir, "none")} {
		if _, err := Secret(f); Reason(err) != cluster.BadAuth || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// A server that repeats what it was sent repeats no credentials to people.
func TestHTTPErrorsHaveNoCredentials(t *testing.T) {
	const canary = "canary-4f1c9b"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "refused: %v %s %s %s", r.Header, password, strings.Repeat(".", 150), canary)
	}))
	defer srv.Close()
	for name, header := range map[string]func(http.Header){
		"a token":          func(h http.Header) { h.Set("X-Consul-Token", canary) },
		"a bearer's token": func(h http.Header) { h.Set("Authorization", "Bearer "+canary) },
		"a password": func(h http.Header) {
			(&http.Request{Header: h}).SetBasicAuth("u", canary)
		},
	} {
		h := asker(t, srv.URL, cluster.TLS{}, func(into http.Header) error { header(into); return nil })
		_, err := h.Get(t.Context(), "/")
		if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "dTpjYW5hcnkt") || len(err.Error()) > 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Small things in large numbers are large when they are read.
func TestAnswerOfManyElements(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"A": [`+strings.Repeat("{},", mostElements+1)+"{}]}")
	}))
	defer srv.Close()
	h, err := NewHTTP(srv.URL, cluster.TLS{}, 8<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var v struct{ A []struct{ B [16]string } }
	if err := h.JSON(ctx, "/", &v); Reason(err) != cluster.TooLarge || v.A != nil {
		t.Errorf("%v, %d read", err, len(v.A))
	}
}

// What speaks before it is asked is no web server, whichever of the two is faster.
func TestHTTPOfOneThatSpeaksFirst(t *testing.T) {
	address := servertest.Listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	for range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := asker(t, "http://"+address, cluster.TLS{}, nil).Get(ctx, "/")
		cancel()
		if Reason(err) != cluster.BadProtocol {
			t.Fatalf("%s: %v", Reason(err), err)
		}
	}
}
