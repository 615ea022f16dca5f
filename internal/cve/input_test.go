package cve

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// inputClasses are those by which a request that nobody would send did harm.
func inputClasses() []class {
	refuse := func(text string, status int, says string) func(*testing.T, *site) {
		return func(t *testing.T, s *site) { s.refuses(t, text, status, says) }
	}
	in := func(old, replacement string) string {
		const good = `{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"FettleServiceDown","cluster":"web","member":"w2"},"annotations":{},"startsAt":"2026-11-21T02:31:07Z"}],"version":"4","truncatedAlerts":0}`
		return strings.Replace(good, old, replacement, 1)
	}
	return []class{
		{"two statuses in one alert", "Go's encoding/json, last one wins", refuse(in(`[{"status":"firing"`, `[{"status":"resolved","status":"firing"`), 400, "duplicate name")},
		{"two lists of alerts", "Go's encoding/json, last one wins", refuse(in(`"version"`, `"alerts":[],"version"`), 400, "duplicate name")},
		{"a key in another case", "Go's encoding/json, keys without case", refuse(in(`"version"`, `"ALERTS":[],"version"`), 400, "is written")},
		{"a key that folds to another", "Go's encoding/json, U+017F and U+212A", refuse(in(`"status":"firing","alerts"`, `"\u017ftatus":"firing","alerts"`), 400, "is written")},
		{"something after the message", "Trail of Bits 2025, trailing data", refuse(in(`"truncatedAlerts":0}`, `"truncatedAlerts":0}{}`), 400, "something follows")},
		{"bytes that are no text", "invalid UTF-8, replaced", refuse(in("w2", "w\xff2"), 400, "UTF-8")},
		{"another shape", "Alertmanager's custom payload", refuse(`{"text":"w2 is down"}`, 400, "version")},
		{"another version", "a later format", refuse(in(`"version":"4"`, `"version":"5"`), 400, "version")},
		{"values that are null or missing", "OliveTin GHSA-fwhj", func(t *testing.T, s *site) {
			for _, text := range []string{
				"null", "[]", "0", `""`, "true", `{"alerts":null,"version":"4"}`, `{"alerts":[null],"version":"4"}`, `{"alerts":[{}],"version":"4"}`, `{"alerts":{},"version":"4"}`,
				in(`{"alertname":"FettleServiceDown","cluster":"web","member":"w2"}`, "null"), in(`{"alertname":"FettleServiceDown","cluster":"web","member":"w2"}`, "{}"),
				in(`"w2"`, "null"), in(`"w2"`, "[]"), in(`"w2"`, "1"), in(`{},"startsAt"`, `null,"startsAt"`), in(`"2026-11-21T02:31:07Z"`, "null"), in(`"4"`, "null"), in(`"truncatedAlerts":0`, `"truncatedAlerts":null`),
			} {
				s.refuses(t, text, 400, "")
			}
		}},
		{"numbers that are too large", "integer overflow", func(t *testing.T, s *site) {
			for _, n := range []string{"-1", "1.5", "1e400", "18446744073709551616", strings.Repeat("9", 100_000), "0x10", "NaN"} {
				s.refuses(t, in(`"truncatedAlerts":0`, `"truncatedAlerts":`+n), 400, "")
			}
			for _, at := range []string{"99999-01-01T00:00:00Z", "2026-13-41T99:99:99Z", "0000-01-01T00:00:00Z", "1", ""} {
				s.refuses(t, in("2026-11-21T02:31:07Z", at), 400, "")
			}
		}},
		{"nesting of 10,000", "stack exhaustion", func(t *testing.T, s *site) {
			for _, open := range []string{"[", `{"a":`} {
				s.refuses(t, in(`"version"`, `"x":`+strings.Repeat(open, 10_000)), 400, "nested deeper")
			}
		}},
		{"a million labels", "OliveTin GHSA-xpxj, memory", func(t *testing.T, s *site) {
			var b strings.Builder
			for i := range 1_000_000 {
				fmt.Fprintf(&b, `"l%d":"",`, i)
			}
			s.bounded(t, func() { s.refuses(t, in(`"alertname"`, b.String()+`"alertname"`), 413, "") })
		}},
		{"labels that fill the memory", "OliveTin GHSA-xpxj, memory", func(t *testing.T, s *site) {
			long := strings.Repeat("x", 100<<10)
			s.bounded(t, func() {
				for i := range 50 {
					if status, said := s.send(t, in(`"alertname"`, fmt.Sprintf(`"l%d":"%s","alertname"`, i, long))); status != 200 {
						t.Errorf("%d %s", status, said)
					}
				}
			})
		}},
		{"a body without an end", "memory", func(t *testing.T, s *site) {
			s.bounded(t, func() {
				s.refuses(t, in(`"annotations":{}`, `"annotations":{"a":"`+strings.Repeat("x", 9<<20)+`"}`), 413, "longer than")
			})
		}},
		{"a compressed body that grows", "decompression bomb", func(t *testing.T, s *site) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(make([]byte, 64<<20)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"} {
				status, _, said := s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", as: "webhook", body: b.String(), header: http.Header{"Content-Encoding": {encoding}}})
				if status != 415 {
					t.Errorf("%s: %d %s", encoding, status, said)
				}
			}
		}},
		{"another content type", "n8n CVE-2026-21858", func(t *testing.T, s *site) {
			for _, media := range []string{"text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/xml", "application/json, text/plain", "application/jsonp", "text/plain; application/json", "application/json; charset=utf-7", ""} {
				status, _, said := s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", as: "webhook", body: in("", ""), header: http.Header{"Content-Type": {media}}})
				if status != 415 {
					t.Errorf("%q: %d %s", media, status, said)
				}
				status, _, said = s.do(t, request{method: http.MethodPost, path: "/api/v1/pauses", as: "operator", body: `{"reason":"x"}`, header: http.Header{"Content-Type": {media}}})
				if status != 415 && media != "application/json; charset=utf-7" {
					t.Errorf("a pause, %q: %d %s", media, status, said)
				}
			}
			s.unpause(t)
		}},
		{"one request hidden in another", "request smuggling", func(t *testing.T, s *site) {
			const head = "POST /api/v1/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			for _, more := range []string{
				"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "Content-Length: +4\r\n\r\nabcd", "Content-Length: 4, 4\r\n\r\nabcd",
				"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
				"Content-Length: 0x4\r\n\r\nabcd", "X: a\r\n b\nContent-Length : 4\r\n\r\nabcd",
			} {
				if status, _ := s.raw(t, head+"Authorization: Bearer "+s.tokens["webhook"]+"\r\n"+more); status != 0 && status < 400 {
					t.Errorf("%q: %d", more, status)
				}
			}
			if status, _ := s.raw(t, head+"Authorization: Bearer "+s.tokens["webhook"]+"\r\nX-A: "+strings.Repeat("a", 64<<10)+"\r\n\r\n"); status != 431 && status != 0 {
				t.Errorf("headers of 64 KiB: %d", status)
			}
		}},
		{"maps that are written at the same time", "OliveTin GHSA-45m3", func(t *testing.T, s *site) {
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					for j := range 10 {
						s.post(t, down(fmt.Sprintf("c%d", i)).with("n", fmt.Sprint(j)))
						s.do(t, request{path: "/api/v1/episodes", as: "viewer"})
						s.do(t, request{path: "/metrics", as: "metrics"})
						s.do(t, request{path: "/", as: "viewer"})
					}
				})
			}
			all.Wait()
		}},
		{"the API's own bodies", "unbounded or lenient input", func(t *testing.T, s *site) {
			for _, body := range []string{strings.Repeat(" ", 100<<10) + `{"reason":"x"}`, `{"reason":"x"}{}`, `{"reason":"` + strings.Repeat("x", 600) + `"}`, `{"reason":"a\u001b[2J"}`, `{"reason":"a\nb"}`, `{"Reason":"x"}`, `[]`, `null`, `{"reason":""}`, `{"reason":"x","cluster":"` + strings.Repeat("c", 300) + `"}`} {
				if status, _, said := s.do(t, request{method: http.MethodPost, path: "/api/v1/pauses", as: "operator", body: body}); status < 400 {
					t.Errorf("%.60q: %d %s", body, status, said)
				}
			}
			s.unpause(t)
			for _, query := range []string{"?limit=0", "?limit=-1", "?limit=1001", "?limit=99999999999999999999", "?limit=1&limit=2", "?Limit=1", "?from=-1", "?from=a", "?%zz", "?a=b"} {
				if status, _, said := s.do(t, request{path: "/api/v1/journal" + query, as: "viewer"}); status != 400 {
					t.Errorf("%s: %d %s", query, status, said)
				}
			}
		}},
	}
}

// refuses posts a body that nobody would send: a clear answer, and no record but the
// one of a message that was too large.
func (s *site) refuses(t *testing.T, body string, status int, says string) {
	t.Helper()
	_, _, state := s.do(t, request{path: "/api/v1/state", as: "viewer"})
	var was struct{ Journal struct{ Records int } }
	if err := json.Unmarshal([]byte(state), &was); err != nil || was.Journal.Records == 0 {
		t.Fatalf("%s: %v", state, err)
	}
	got, said := s.send(t, body)
	if got != status || !strings.Contains(said, says) || !strings.Contains(said, `"error"`) || !strings.Contains(said, `"hint"`) || len(said) > 4096 {
		t.Errorf("%.60q: %d %s, want %d with %q", body, got, said, status, says)
	}
	for _, r := range s.since(t, was.Journal.Records) {
		if r.Type == "io.fettle.received.v1" || r.Type == "io.fettle.message.v1" && !strings.Contains(string(r.Data), `"tooLarge":true`) {
			t.Errorf("%.60q left a record: %s %s", body, r.Type, r.Data)
		}
	}
}

// bounded demands that do leaves little in memory.
func (s *site) bounded(t *testing.T, do func()) {
	t.Helper()
	inUse := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse) //nolint:gosec // a size in memory
	}
	before := inUse()
	do()
	if grown := inUse() - before; grown > 32<<20 {
		t.Errorf("%d MiB are kept", grown>>20)
	}
}
