package main

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/fettle-io/fettle/journal"
)

// Checkpoints that a server keeps are asked for with the token, and held against
// the journal, all of them.
func TestAnchorsFromAURL(t *testing.T) {
	top := t.TempDir()
	dir, token := filepath.Join(top, "journal"), filepath.Join(top, "token")
	now := journal.Reading{Wall: time.Now(), Boot: "b", Since: 1}
	id, err := journal.Init(dir, filepath.Join(top, "key"), journal.InitOptions{Host: "h", Now: now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(token, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := string(kept)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case r.Header.Get("Authorization") != "Bearer hush":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = w.Write([]byte(text))
		}
	}))
	t.Cleanup(srv.Close)
	for _, tc := range []struct {
		name string
		from anchors
		want string
	}{
		{"with the token", anchors{place: srv.URL, tokenFile: token}, ""},
		{"without", anchors{place: srv.URL}, "it answers 401 Unauthorized"},
		{"elsewhere", anchors{place: srv.URL + "/moved", tokenFile: token}, "which is not followed"},
		{"no token there", anchors{place: srv.URL, tokenFile: token + "x"}, "no such file"},
		{"nobody", anchors{place: "http://127.0.0.1:1"}, "connection refused"},
	} {
		notes, err := tc.from.read(t.Context())
		switch {
		case tc.want == "" && (err != nil || len(notes) != 1 || string(notes[0]) != text):
			t.Errorf("%s: %q, %v", tc.name, notes, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if err := contained(dir, id.VerifierKey, [][]byte{kept, kept}); err != nil {
		t.Error(err)
	}
	if err := contained(dir, id.VerifierKey, [][]byte{kept, []byte(strings.Replace(text, "\n1\n", "\n2\n", 1))}); err == nil {
		t.Error("a checkpoint that nobody signed was taken")
	}
}

func TestNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a=1": "a=1", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\r": "'\r", "{}": "{}", "'x": "'x",
	} {
		if got := noFormula(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
