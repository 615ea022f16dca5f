package cve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/config"
)

// accessClasses are those by which somebody did what was not theirs to do.
func accessClasses() []class {
	return []class{
		{"a route that skips the check", "OliveTin GHSA-jm28, GHSA-jf73", matrix},
		{"a new route that nobody gave a role", "OliveTin GHSA-jm28", func(t *testing.T, _ *site) {
			e := gin.New()
			policy, err := access.New(access.Options{Table: access.Routes()})
			if err != nil {
				t.Fatal(err)
			}
			e.Use(policy.Check)
			e.GET("/api/v1/forgotten", func(c *gin.Context) { c.String(200, "secret") })
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/forgotten", nil)
			req.Host = "localhost"
			w := httptest.NewRecorder()
			e.ServeHTTP(w, req)
			if w.Code != http.StatusForbidden {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}},
		{"stopping and releasing without a login", "OliveTin GHSA-4fqm", func(t *testing.T, s *site) {
			for _, path := range []string{"/api/v1/pauses", "/api/v1/releases", "/api/v1/closures", "/-/reload"} {
				for _, as := range []string{"", "webhook", "metrics", "viewer"} {
					if status, _, _ := s.do(t, request{method: http.MethodPost, path: path, as: as, body: `{"reason":"x","episode":"x"}`}); status != 401 && status != 403 {
						t.Errorf("%s as %q: %d", path, as, status)
					}
				}
			}
			if _, _, body := s.do(t, request{path: "/api/v1/pauses", as: "viewer"}); !strings.Contains(body, `"pauses":[]`) {
				t.Errorf("paused: %s", body)
			}
		}},
		{"a guest who restarts", "OliveTin GHSA-p443, StackStorm CVE-2026-85513", func(t *testing.T, s *site) {
			received := func() int {
				return len(slices.DeleteFunc(s.records(t), func(r record) bool { return r.Type != "io.fettle.received.v1" }))
			}
			before := received()
			for _, as := range []string{"", "metrics", "viewer", "operator"} {
				if status, _, _ := s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", as: as, body: down("w1").message(t)}); status != 401 && status != 403 {
					t.Errorf("an alert from %q: %d", as, status)
				}
			}
			if n := received(); n != before {
				t.Errorf("%d records of what nobody was let in with", n-before)
			}
		}},
		{"output for those who may not read it", "OliveTin GHSA-228v", func(t *testing.T, s *site) {
			for _, path := range []string{"/", "/api/v1/journal", "/api/v1/episodes", "/api/v1/state"} {
				for _, as := range []string{"", "webhook", "metrics"} {
					if status, _, body := s.do(t, request{path: path, as: as}); status != 401 && status != 403 || strings.Contains(body, "io.fettle") {
						t.Errorf("%s as %q: %d %.100s", path, as, status, body)
					}
				}
			}
		}},
		{"a login that is remembered for another password", "exporter-toolkit CVE-2022-46146", passwords},
		{"a token that outlives its change", "OliveTin GHSA-gq2m, GHSA-g962", func(t *testing.T, s *site) {
			old := s.tokens["viewer"]
			write(t, s.file("viewer.token"), strings.Repeat("v", 40))
			if status, _, said := s.do(t, request{method: http.MethodPost, path: "/-/reload", as: "operator"}); status != 200 {
				t.Fatalf("%d %s", status, said)
			}
			if status, _, _ := s.do(t, request{path: "/api/v1/state", as: "viewer"}); status != 401 {
				t.Errorf("the old token: %d", status)
			}
			s.tokens["viewer"] = strings.Repeat("v", 40)
			if status, _, _ := s.do(t, request{path: "/api/v1/state", as: "viewer"}); status != 200 {
				t.Errorf("the new token: %d", status)
			}
			write(t, s.file("viewer.token"), old)
			s.do(t, request{method: http.MethodPost, path: "/-/reload", as: "operator"})
			s.tokens["viewer"] = old
		}},
		{"an identity in a header", "gin CVE-2020-28483, proxies' headers", func(t *testing.T, s *site) {
			header := http.Header{}
			for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Cf-Connecting-Ip", "X-Appengine-Remote-Addr"} {
				header[name] = []string{"127.0.0.1"}
			}
			if status, _, _ := s.do(t, request{path: "/api/v1/state", header: header}); status != 401 {
				t.Errorf("let in by a header: %d", status)
			}
			header["X-Forwarded-User"] = []string{"root"}
			if status, _, said := s.do(t, request{method: http.MethodPost, path: "/api/v1/pauses", as: "operator", header: header, body: `{"cluster":"web","reason":"who am I"}`}); status != 201 || !strings.Contains(said, `"by":"operator"`) {
				t.Fatalf("%d %s", status, said)
			}
			s.unpause(t)
		}},
		{"an actor in the body", "forged audit records", func(t *testing.T, s *site) {
			for _, body := range []string{`{"reason":"x","by":"root"}`, `{"reason":"x","actor":"root"}`, `{"reason":"x","By":"root"}`, `{"reason":"x","reason":"y"}`} {
				if status, _, _ := s.do(t, request{method: http.MethodPost, path: "/api/v1/pauses", as: "operator", body: body}); status != 400 {
					t.Errorf("%s: %d", body, status)
				}
			}
		}},
		{"an oracle for those outside", "OliveTin GHSA-f637", func(t *testing.T, s *site) {
			var first string
			for _, body := range []string{down("w1").message(t), "{", `{"version":"3"}`, strings.Repeat("x", 10<<20)} {
				status, said := s.raw(t, fmt.Sprintf("POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body)))
				if first == "" {
					first = said
				}
				if status != 401 || said != first {
					t.Errorf("%d %s", status, said)
				}
			}
			_, _, other := s.do(t, request{path: "/api/v1/state", header: http.Header{"Authorization": {"Bearer " + s.tokens["viewer"] + "x"}}})
			_, _, near := s.do(t, request{path: "/api/v1/state", header: http.Header{"Authorization": {"Bearer " + s.tokens["viewer"][1:]}}})
			if other != near {
				t.Errorf("%s differs from %s", other, near)
			}
		}},
		{"unauthenticated requests that leave something", "audit log flooding", func(t *testing.T, s *site) {
			s.settled(t)
			count := func() (n int) {
				for _, r := range s.records(t) {
					if r.Type == "io.fettle.received.v1" || r.Type == "io.fettle.message.v1" {
						n++
					}
				}
				return n
			}
			before, logged := count(), strings.Count(s.log.String(), "message")
			for range 100 {
				s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", body: down("w1").message(t)})
			}
			if n := count(); n != before {
				t.Errorf("%d records", n-before)
			}
			if n := strings.Count(s.log.String(), "message"); n != logged {
				t.Errorf("%d lines of log", n-logged)
			}
			if _, _, body := s.do(t, request{path: "/metrics", as: "metrics"}); !strings.Contains(body, `fettle_webhook_rejected_total{reason="unauthenticated"}`) {
				t.Error("they are not counted")
			}
		}},
		{"a request from a page elsewhere", "Rundeck CVE-2021-39133, CSRF", func(t *testing.T, s *site) {
			for name, header := range map[string]http.Header{
				"Sec-Fetch-Site": {"Sec-Fetch-Site": {"cross-site"}}, "same site": {"Sec-Fetch-Site": {"same-site"}}, "Origin": {"Origin": {"http://evil.example"}},
			} {
				for key := range access.Routes() {
					method, path, _ := strings.Cut(key, " ")
					if method == http.MethodGet {
						continue
					}
					for _, as := range []string{"operator", "webhook"} {
						if status, _, _ := s.do(t, request{method: method, path: strings.ReplaceAll(path, ":id", "x"), as: as, header: header.Clone(), body: "{}"}); status != 403 {
							t.Errorf("%s, %s as %s: %d", name, key, as, status)
						}
					}
				}
			}
		}},
		{"an origin of null", "StackStorm CVE-2019-9580, CORS", func(t *testing.T, s *site) {
			for _, origin := range []string{"null", "http://evil.example", "http://localhost:1"} {
				for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
					status, header, _ := s.do(t, request{method: method, path: "/api/v1/pauses", as: "operator", body: map[bool]string{true: `{"reason":"x"}`}[method == http.MethodPost], header: http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}}})
					for name := range header {
						if strings.HasPrefix(name, "Access-Control-") {
							t.Errorf("%s from %s: %s", method, origin, name)
						}
					}
					if method == http.MethodPost && status != 403 {
						t.Errorf("from %s: %d", origin, status)
					}
				}
			}
		}},
		{"a name that was pointed at 127.0.0.1", "DNS rebinding", func(t *testing.T, s *site) {
			open := s.open(t)
			for _, host := range []string{"evil.example", "evil.example:9774", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "169.254.169.254", ""} {
				status, _ := open.raw(t, "GET /api/v1/state HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
				if status < 400 {
					t.Errorf("%q: %d", host, status)
				}
			}
			if status, _, _ := open.do(t, request{path: "/api/v1/state"}); status != 200 {
				t.Errorf("localhost: %d", status)
			}
		}},
		{"open to the network without a login", "defaults of adnanh/webhook", func(t *testing.T, s *site) {
			write(t, s.file("open.yml"), fmt.Sprintf("journal: {dir: %s, key_file: %s}\nweb: {socket: %s}\n", s.file("j2"), s.file("k2"), s.file("s2")))
			for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
				a, err := app.New(t.Context(), app.Options{ConfigFile: s.file("open.yml"), Listen: listen, Log: nil})
				if err == nil {
					t.Errorf("listens on %s", listen)
					if err := a.Stop(); err != nil {
						t.Error(err)
					}
				}
			}
		}},
		{"acting without a login", "unauthenticated automation", func(t *testing.T, _ *site) {
			for _, text := range []string{"autonomy: {default: auto}", "autonomy: {tiers: {P0: approve}}"} {
				if _, err := config.Parse("fettle.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), "web.roles") {
					t.Errorf("%s: %v", text, err)
				}
			}
		}},
		{"another spelling of a path", "path confusion", func(t *testing.T, s *site) {
			for _, path := range []string{"//api/v1/state", "/api//v1/state", "/api/v1/state/", "/API/V1/STATE", "/api/v1/./state", "/x/../api/v1/state", "/api/v1/%73tate", "/api/v1/state;x", "/-/../metrics", "/-/ready/../../metrics", "/api/v1/state%00"} {
				status, body := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				if status < 400 || strings.Contains(body, "journal_id") {
					t.Errorf("%s: %d", path, status)
				}
			}
		}},
		{"another method than the one that is checked", "method override", func(t *testing.T, s *site) {
			for _, method := range []string{"PUT", "PATCH", "TRACE", "CONNECT", "HEAD", "DELETE", "get", "POST"} {
				if status, _ := s.raw(t, method+" /api/v1/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "+s.tokens["operator"]+"\r\n\r\n"); status < 400 && status != 0 {
					t.Errorf("%s: %d", method, status)
				}
			}
			header := http.Header{"X-Http-Method-Override": {"POST"}, "X-Method-Override": {"DELETE"}}
			s.do(t, request{path: "/api/v1/pauses?reason=x", as: "viewer", header: header})
			if _, _, body := s.do(t, request{path: "/api/v1/pauses", as: "viewer"}); !strings.Contains(body, `"pauses":[]`) {
				t.Errorf("paused by GET: %s", body)
			}
		}},
		{"secrets that are compared byte by byte", "timing", func(t *testing.T, _ *site) { constantTime(t) }},
	}
}

// matrix tries every route with every credential.
func matrix(t *testing.T, s *site) {
	for key, roles := range access.Routes() {
		method, path, _ := strings.Cut(key, " ")
		if path == "/-/reload" && method == http.MethodPost {
			continue // every one of the others is refused for its body or its id; this one would act: see the reload's own rows
		}
		for _, as := range append([]string{"", "stranger"}, names()...) {
			r := request{method: method, path: strings.ReplaceAll(path, ":id", "none"), as: as}
			if as == "stranger" {
				r.as, r.header = "", http.Header{"Authorization": {"Bearer 0123456789abcdef0123456789abcdef"}}
			}
			status, _, _ := s.do(t, r)
			allowed := slices.Contains(roles, access.Anyone) || slices.Contains(roles, access.Role(as))
			switch {
			case allowed && (status == 401 || status == 403):
				t.Errorf("%s as %q: %d, and should pass", key, as, status)
			case !allowed && slices.Contains(names(), as) && status != 403:
				t.Errorf("%s as %q: %d, want 403", key, as, status)
			case !allowed && !slices.Contains(names(), as) && status != 401:
				t.Errorf("%s as %q: %d, want 401", key, as, status)
			}
		}
	}
}

func names() []string { return roles() }

// open is a fettle without roles.
func (s *site) open(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fettle.yml"), fmt.Sprintf("journal: {dir: %s/journal, key_file: %s/journal.key}\nbrake: %s/pause\nweb: {socket: %s/s}\n", dir, dir, dir, dir))
	return &site{dir: dir, log: s.log, addr: s.serve(t, filepath.Join(dir, "fettle.yml")).Addr()}
}

// passwords asks a fettle whose web configuration checks names and passwords.
func passwords(t *testing.T, s *site) {
	dir := t.TempDir()
	// The password is "correct horse", its hash as cheap as bcrypt allows.
	const hash = "$2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS"
	web, file := filepath.Join(dir, "web.yml"), filepath.Join(dir, "fettle.yml")
	write(t, web, "basic_auth_users:\n  alice: "+hash+"\n")
	write(t, file, fmt.Sprintf("journal: {dir: %s/journal, key_file: %s/journal.key}\nweb: {socket: %s/s, config_file: %s, roles: [{role: viewer, user: alice}]}\n", dir, dir, dir, web))
	a := &site{dir: dir, log: s.log, addr: s.serve(t, file).Addr()}
	for range 3 {
		for login, want := range map[string]int{
			"alice:correct horse": 200, "alice:wrong": 401, "alice:": 401, "bob:correct horse": 401, ":correct horse": 401,
			"alice:" + hash: 401, "alice" + hash + ":correct horse": 401,
		} {
			name, password, _ := strings.Cut(login, ":")
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			req.SetBasicAuth(name, password)
			if status, _, _ := a.do(t, request{path: "/api/v1/state", header: req.Header}); status != want {
				t.Errorf("%s: %d, want %d", login, status, want)
			}
		}
	}
	// A limit of the rate would answer 429, which Alertmanager takes for final.
	write(t, web, "rate_limit: {interval: 1s, burst: 1}\n")
	if _, err := app.New(t.Context(), app.Options{ConfigFile: file, Listen: "127.0.0.1:0"}); err == nil {
		t.Error("a limit of the rate was taken")
	}
}

func (s *site) unpause(t *testing.T) {
	t.Helper()
	_, _, body := s.do(t, request{path: "/api/v1/pauses", as: "viewer"})
	var got struct{ Pauses []struct{ ID, By string } }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Pauses {
		if p.By != "operator" {
			t.Errorf("paused by %q", p.By)
		}
		if status, _, said := s.do(t, request{method: http.MethodDelete, path: "/api/v1/pauses/" + p.ID, as: "operator"}); status != 204 {
			t.Errorf("%d %s", status, said)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
