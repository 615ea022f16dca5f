package looptest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// Whatever is wrong with a message is told by an exact status and words; nothing of
// it is begun, and what comes after it is taken.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.crash("m2") // so that anything that slipped through would show
	good := string(body(t, down("m2")))
	with := func(old, replacement string) []byte {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the message", old)
		}
		return []byte(strings.Replace(good, old, replacement, 1))
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	before := len(w.story())
	for _, c := range []struct {
		name       string
		credential string
		body       []byte
		change     func(*http.Request)
		status     int
		says       string
	}{
		{name: "no token", body: []byte(good), change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 401, says: "no credentials"},
		{name: "wrong token", credential: "stranger", body: []byte(good), status: 401, says: "no role"},
		{name: "a viewer's token", credential: "viewer", body: []byte(good), status: 403, says: "viewer"},
		{name: "wrong content type", body: []byte(good), change: header("Content-Type", "text/plain"), status: 415, says: "application/json"},
		{name: "compressed", body: []byte(good), change: header("Content-Encoding", "gzip"), status: 415, says: "gzip"},
		{name: "not JSON", body: []byte("member m2 is down"), status: 400, says: "not JSON"},
		{name: "empty", body: nil, status: 400, says: "empty"},
		{name: "cut", body: []byte(good[:len(good)/2]), status: 400, says: "ends in the middle"},
		{name: "version 3", body: with(`"version":"4"`, `"version":"3"`), status: 400, says: `version is \"3\"`},
		{name: "over the cap", body: with(`"summary":"down"`, `"summary":"`+strings.Repeat("x", 64<<10)+`"`), status: 413, says: "longer than 65536 bytes"},
		{name: "a key twice", body: with(`"version"`, `"alerts":[],"version"`), status: 400, says: `duplicate name \"alerts\"`},
		{name: "a key in another case", body: with(`"version"`, `"Version":"4","version"`), status: 400, says: `the field \"Version\"`},
		{name: "a raw NUL", body: with("m2", "m2\x00"), status: 400, says: "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.credential == "" {
				c.credential = "first"
			}
			status, said := w.post(c.credential, c.body, c.change)
			if status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("got %d: %s\nwant %d with %q", status, said, c.status, c.says)
			}
		})
	}
	st := w.story()
	for _, r := range st[before:] {
		if r.Type != repair.TypeMessage || !strings.Contains(string(r.Data), `"tooLarge":true`) {
			t.Errorf("refused input left a record: %s %s", r.Type, r.Data)
		}
	}
	// Labels that would mean something to a shell, a template, a terminal or a
	// command line name nothing in the inventory.
	hostile := []string{"m2\n", "m2\u0000", "{{ .Labels }}", "$(reboot)", "`reboot`", "-m2", "m2; reboot", "../m2", "m2 ", "M2", "\u202em2", strings.Repeat("m", 200)}
	for _, member := range hostile {
		w.send(down(member))
	}
	st = w.await("each has ended", func(st story) bool { return len(w.finished(st)) == len(hostile) })
	for _, f := range w.finished(st) {
		if f.Outcome != repair.Blocked || f.Reason != repair.ReasonTarget || f.Target != "" {
			t.Errorf("a hostile label's run ended %s(%s) on %q: %s", f.Outcome, f.Reason, f.Target, f.Detail)
		}
		if text := w.explain(f.Run); strings.ContainsAny(text, "\x00\x1b\u202e") {
			t.Errorf("explain prints it raw: %q", text)
		}
	}
	w.quiet(time.Second)
	w.send(down("m2"))
	w.repaired("m2")
	w.startedOnce("m2")
	w.verify()
	if log := w.said(); bytes.Contains([]byte(log), []byte(token("first"))) {
		t.Error("a token is in the log")
	}
}
