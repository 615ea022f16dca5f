package anchor_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	sumdb "golang.org/x/mod/sumdb/note"

	"github.com/fettle-io/fettle/internal/anchor"
)

// signed are checkpoints as a journal signs them, of 1 to n records.
func signed(t *testing.T, n int) [][]byte {
	t.Helper()
	key, _, err := sumdb.GenerateKey(rand.Reader, "h/fettle/j")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sumdb.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for i := range n {
		root := bytes.Repeat([]byte{byte(i + 1)}, 32)
		msg, err := sumdb.Sign(&sumdb.Note{Text: fmt.Sprintf("h/fettle/j\n%d\n%s\n", i+1, base64.StdEncoding.EncodeToString(root))}, signer)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, msg)
	}
	return all
}

func now() time.Time { return time.Date(2026, 11, 21, 2, 34, 0, 123456789, time.UTC) }

// holds wants a text to have these checkpoints, and no other one.
func holds(t *testing.T, text string, want ...[]byte) {
	t.Helper()
	got, err := anchor.Notes(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("in %q\n got %q\nwant %q", text, got, want)
	}
}

func TestParse(t *testing.T) {
	c, err := anchor.Parse(signed(t, 3)[2])
	if err != nil || c.Origin != "h/fettle/j" || c.Size != 3 || c.Root != [32]byte(bytes.Repeat([]byte{3}, 32)) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "a\n1\nx\n\n", "a\n-1\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n\n", "a\n1\n", "\n1\n\n\n"} {
		if c, err := anchor.Parse([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, c)
		}
	}
}

// Checkpoints are found in everything that keeps them.
func TestNotes(t *testing.T) {
	n := signed(t, 3)
	holds(t, string(n[0]), n[0])
	holds(t, "kept by hand:\n"+string(n[0])+"\n"+string(n[1])+string(n[2]), n...)
	holds(t, strings.ReplaceAll(string(n[0]), "\n", "\r\n"), n[0])
	holds(t, fmt.Sprintf("{\"size\":1,\"checkpoint\":%q}\n{\"size\"\n{\"checkpoint\":\"x\"}\n{\"checkpoint\":%q}\n", n[0], n[1]), n[0], n[1])
	holds(t, fmt.Sprintf("Nov 21 02:34:00 h fettle[7]: checkpoint %+q\nNov 21 h sshd: checkpoint \"no\"\nNov 21 02:35:00 h fettle[7]: checkpoint %+q\n", n[0], n[2]), n[0], n[2])
	holds(t, string(n[1])+string(n[1]), n[1])
	for _, none := range []string{"", "nothing\n", `checkpoint "`, strings.Repeat("— ", 10), "\n\n\n\n— x\n"} {
		if got, err := anchor.Notes(strings.NewReader(none)); err == nil {
			t.Errorf("%q: %q", none, got)
		}
	}
}

func TestFile(t *testing.T) {
	n := signed(t, 3)
	path := filepath.Join(t.TempDir(), "anchors.jsonl")
	f := anchor.File{Path: path, Now: now}
	send := func(note []byte) {
		t.Helper()
		if err := f.Send(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	send(n[0])
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, `{"time":"2026`...), 0o600); err != nil { // a full disk
		t.Fatal(err)
	}
	send(n[1])
	send(n[2])
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	holds(t, string(text), n...)
	if !strings.HasPrefix(string(text), `{"time":"2026-11-21T02:34:00.123456789Z","size":1,"checkpoint":"h/fettle/j\n1\n`) || strings.Count(string(text), "\n") != 4 {
		t.Errorf("%s", text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// Only into a file, and only a checkpoint.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{link, t.TempDir(), "/dev/null", filepath.Join(path, "x")} {
		if err := (anchor.File{Path: bad, Now: now}).Send(t.Context(), n[0]); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := f.Send(t.Context(), []byte("#!/bin/sh\n")); err == nil {
		t.Error("what is no checkpoint was written")
	}
}

func TestURL(t *testing.T) {
	n := signed(t, 1)
	var got []string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /take", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, r.Header.Get("Content-Type"), string(b))
	})
	mux.HandleFunc("GET /take", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(n[0]) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/take", http.StatusTemporaryRedirect)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	u := anchor.URL{URL: srv.URL + "/take"}
	if err := u.Send(t.Context(), n[0]); err != nil || len(got) != 2 || got[0] != "text/plain; charset=utf-8" || got[1] != string(n[0]) {
		t.Errorf("%v, %q", err, got)
	}
	if b, err := u.Get(t.Context()); err != nil || !bytes.Equal(b, n[0]) {
		t.Errorf("%v, %q", err, b)
	}
	for path, want := range map[string]string{"/moved": `it redirects to "/take", which is not followed`, "/none": "it answers 404 Not Found"} {
		if err := (anchor.URL{URL: srv.URL + path}).Send(t.Context(), n[0]); err == nil || err.Error() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(got) != 2 {
		t.Errorf("a redirect was followed: %q", got[2:])
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := u.Send(ctx, n[0]); err == nil {
		t.Error("sent after the end")
	}
}

var syslogLine = regexp.MustCompile(`^<85>1 2026-11-21T02:34:00\.123456Z db1 fettle [0-9]+ checkpoint - checkpoint ".*"$`)

func TestSyslog(t *testing.T) {
	n := signed(t, 1)
	short, err := os.MkdirTemp("", "a") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	local := filepath.Join(short, "log")
	for _, tc := range []struct{ listen, network, address string }{
		{"unixgram", "unixgram", local}, {"unix", "unixgram", local + "2"}, {"udp", "udp", "127.0.0.1:0"}, {"tcp", "tcp", "127.0.0.1:0"},
	} {
		t.Run(tc.listen+" "+tc.network, func(t *testing.T) {
			var read func() (string, error)
			s := anchor.Syslog{Network: tc.network, Address: tc.address, Host: "db1", Now: now}
			if tc.listen == "unixgram" || tc.listen == "udp" {
				l, err := (&net.ListenConfig{}).ListenPacket(t.Context(), tc.listen, tc.address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = l.Close() })
				s.Address = l.LocalAddr().String()
				read = func() (string, error) {
					b := make([]byte, 64<<10)
					n, _, err := l.ReadFrom(b)
					return string(b[:n]), err
				}
			} else {
				l, err := (&net.ListenConfig{}).Listen(t.Context(), tc.listen, tc.address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = l.Close() })
				s.Address = l.Addr().String()
				read = func() (string, error) {
					c, err := l.Accept()
					if err != nil {
						return "", err
					}
					defer c.Close()
					b, err := io.ReadAll(bufio.NewReader(c))
					return string(b), err
				}
			}
			if err := s.Send(t.Context(), n[0]); err != nil {
				t.Fatal(err)
			}
			text, err := read()
			if err != nil {
				t.Fatal(err)
			}
			switch tc.listen {
			case "tcp":
				length, rest, _ := strings.Cut(text, " ")
				if length != fmt.Sprint(len(rest)) {
					t.Errorf("a frame of %s, with %d bytes", length, len(rest))
				}
				text = rest
			case "unix":
				text = strings.TrimSuffix(text, "\x00")
			}
			if !syslogLine.MatchString(text) {
				t.Errorf("%q", text)
			}
			for _, r := range text {
				if r < ' ' || r > '~' {
					t.Fatalf("%q is in %q", r, text)
				}
			}
			holds(t, text+"\n", n[0])
		})
	}
	if err := (anchor.Syslog{Network: "unixgram", Address: local + "none", Now: now}).Send(t.Context(), n[0]); err == nil {
		t.Error("sent to nobody")
	}
}
