package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
)

// A form is sent by whom it was made for, of this process, for what it was about, within
// the hour.
func TestAFormIsGoodForOnePerson(t *testing.T) {
	fields := url.Values{"id": {"e1"}, "reason": {"by hand"}}
	for name, change := range map[string]func(s *site, f url.Values){
		"no proof":            func(_ *site, f url.Values) { f.Del("proof") },
		"another's":           func(s *site, _ url.Values) { s.who.Name = "bob" },
		"as another role":     func(s *site, _ url.Values) { s.who.Role = access.Anonymous },
		"as another comes":    func(s *site, _ url.Values) { s.who.How = "token" },
		"after an hour":       func(s *site, _ url.Values) { s.now = s.now.Add(61 * time.Minute) },
		"from the future":     func(s *site, _ url.Values) { s.now = s.now.Add(-61 * time.Minute) },
		"another process":     func(s *site, _ url.Values) { s.e = nil },
		"of another form":     func(s *site, f url.Values) { f.Set("proof", s.form("acknowledge", "e1", fields).Get("proof")) },
		"what a page says":    func(_ *site, f url.Values) { f.Set("proof", "0."+strings.Repeat("A", 43)) },
		"no number":           func(_ *site, f url.Values) { f.Set("proof", "."+f.Get("proof")) },
		"a changed beginning": func(_ *site, f url.Values) { f.Set("proof", "1"+f.Get("proof")) },
	} {
		s := newSite(t, access.Operator)
		f := s.form("close", "e1", fields)
		change(s, f)
		if w := s.post("/act/close", f); w.Code != http.StatusForbidden || len(s.b.told) > 0 || !strings.Contains(w.Body.String(), "too old") {
			t.Errorf("%s: %d, told %q", name, w.Code, s.b.told)
		}
	}
	s := newSite(t, access.Operator)
	f := s.form("close", "e1", fields)
	s.now = s.now.Add(59 * time.Minute)
	if w := s.post("/act/close", f); w.Code != http.StatusSeeOther || len(s.b.told) != 1 {
		t.Errorf("within the hour: %d, told %q", w.Code, s.b.told)
	}
}

// What is read may be asked for with HEAD, and nothing else: no method but POST changes
// anything, and POST only where a form leads.
func TestMethods(t *testing.T) {
	s := newSite(t, access.Operator)
	s.get("/")
	s.e.HandleMethodNotAllowed = true
	ask := func(method, path string) *httptest.ResponseRecorder {
		return s.do(httptest.NewRequestWithContext(t.Context(), method, path, nil))
	}
	for _, path := range []string{"/", "/repairs", "/episodes", "/episodes/e1", "/runs/r1", "/confirm/pause", "/console.css"} {
		get, head := ask(http.MethodGet, path), ask(http.MethodHead, path)
		if head.Code != get.Code || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") || head.Header().Get("Cache-Control") != get.Header().Get("Cache-Control") {
			t.Errorf("HEAD %s: %d %v, GET says %d %v", path, head.Code, head.Header(), get.Code, get.Header())
		}
		if get.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: a page elsewhere may load it", path)
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace} {
			if w := ask(method, path); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		if w := ask(method, "/act/close?id=e1&reason=x"); w.Code != http.StatusMethodNotAllowed || len(s.b.told) > 0 {
			t.Errorf("%s of a deed: %d, told %q", method, w.Code, s.b.told)
		}
	}
}

// The style is sent once for each version.
func TestStyleIsNotSentAgain(t *testing.T) {
	s := newSite(t, access.Viewer)
	first := s.get("/console.css")
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || tag == "" || !strings.HasPrefix(first.Header().Get("Content-Type"), "text/css") || first.Body.Len() == 0 {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/console.css", nil)
	r.Header.Set("If-None-Match", tag)
	if w := s.do(r); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("again: %d, %d bytes", w.Code, w.Body.Len())
	}
}

// Every refusal has its reason one click away: whatever page says "Why not" leads to a
// page of which that place exists.
func TestWhyNotIsOneClickAway(t *testing.T) {
	s := newSite(t, access.Viewer)
	refusals := regexp.MustCompile(`Why not\b`)
	links := regexp.MustCompile(`<a href="([^"]+)#why">Why not`)
	for _, path := range []string{"/", "/repairs", "/episodes", "/episodes?all=true"} {
		page := s.get(path).Body.String()
		found := links.FindAllStringSubmatch(page, -1)
		if len(found) == 0 || len(found) != len(refusals.FindAllString(page, -1)) {
			t.Errorf("%s: %d links for %d refusals", path, len(found), len(refusals.FindAllString(page, -1)))
		}
		for _, l := range found {
			if l[1] == "/runs/r0" || l[1] == "/runs/r2" {
				continue // only r1 has a story here
			}
			if story := s.get(l[1]); story.Code != http.StatusOK || !strings.Contains(story.Body.String(), `id="why" tabindex="-1">Why nothing was done`) {
				t.Errorf("%s leads to %s: %d", path, l[1], story.Code)
			}
		}
	}
}

// A page changes by itself only for who asked for that, without a script, and keeps
// where it is.
func TestPagesLoadThemselvesAgain(t *testing.T) {
	s := newSite(t, access.Viewer)
	const meta = `<meta http-equiv="refresh"`
	for path, want := range map[string]string{
		"/":                                   `href="/?refresh=10"`,
		"/repairs?page=2&x=" + hostileQuery(): `href="/repairs?page=2&amp;refresh=10"`,
		"/episodes?all=true":                  `href="/episodes?all=true&amp;refresh=10"`,
		"/runs/r1":                            `href="/runs/r1?refresh=10"`,
		"/episodes/e1?refresh=0":              `href="/episodes/e1?refresh=10"`,
		"/episodes/e1?refresh=1":              `href="/episodes/e1?refresh=10"`,
	} {
		if page := s.get(path).Body.String(); !strings.Contains(page, want) || strings.Contains(page, meta) {
			t.Errorf("%s lacks %s, or changes by itself", path, want)
		}
	}
	for _, path := range []string{"/?refresh=10", "/runs/r1?refresh=10"} {
		if page := s.get(path).Body.String(); !strings.Contains(page, meta+` content="10">`) || !strings.Contains(page, ">stop that</a>") {
			t.Errorf("%s does not load itself again, or cannot be stopped", path)
		}
	}
	for _, path := range []string{"/confirm/pause?refresh=10", "/runs/r2?refresh=10"} {
		s.who.Role = access.Operator
		if strings.Contains(s.get(path).Body.String(), meta) {
			t.Errorf("%s loads itself again", path)
		}
	}
}

func hostileQuery() string { return url.QueryEscape(hostile) }

// An installation that knows nothing yet says so on every page.
func TestNothingKnownYet(t *testing.T) {
	s := newSite(t, access.Operator)
	s.b.empty = true
	for path, want := range map[string]string{
		"/": "The inventory is empty", "/repairs": "Nothing is being repaired", "/episodes": "<p>None.</p>", "/episodes?all=true": "<p>None.</p>", "/confirm/pause": "all clusters",
	} {
		if w := s.get(path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "Why not") {
			t.Errorf("%s: %d\n%s", path, w.Code, w.Body)
		}
	}
}

// A Prometheus that is gone takes no page with it, and the pages say that it is.
func TestPrometheusIsGone(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	client, err := promql.New(promql.Options{URL: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, access.Viewer)
	s.ask = func() (*promql.Client, time.Duration) { return client, 5 * time.Second }
	for _, path := range []string{"/", "/repairs"} {
		for deadline := time.Now().Add(20 * time.Second); ; {
			w := s.get(path)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "etcd-member-restart") {
				t.Fatalf("%s: %d\n%s", path, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "Prometheus does not answer") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not say that Prometheus is gone", path)
			}
		}
	}
}

// Records that cannot be read are missing, which a story says; it shows the others.
func TestDamageIsSaid(t *testing.T) {
	s := newSite(t, access.Viewer)
	s.b.unread = "read the journal: damaged " + hostile
	for _, path := range []string{"/episodes/e1", "/runs/r1"} {
		w := s.get(path)
		for _, want := range []string{"Not all of its records can be read", "damaged &#34;&gt;&lt;script&gt;", "fettle journal verify", "run opened"} {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, without %q", path, w.Code, want)
			}
		}
	}
}

// The brake is a file: no page offers to end it.
func TestTheBrakeIsNoButton(t *testing.T) {
	s := newSite(t, access.Operator)
	s.b.state.Pauses = []api.Pause{{ID: repair.BrakeID, By: "the brake file", Reason: "remove it", Since: at(0)}}
	if page := s.get("/").Body.String(); !strings.Contains(page, "the brake file") || strings.Contains(page, "/confirm/unpause?id=brake") || !strings.Contains(page, "/confirm/unpause?id=p1") {
		t.Errorf("the overview:\n%s", page)
	}
	if w := s.get("/confirm/unpause?id=brake"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "removed by hand") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

// Ten thousand open episodes, each with labels as long as they may be, are pages of fifty.
func TestManyOpenEpisodes(t *testing.T) {
	s := newSite(t, access.Viewer)
	s.b.open = 9_999
	s.b.long = strings.Repeat("x", 1<<20)
	for path, limit := range map[string]int{"/": 11, "/episodes": 50, "/episodes?page=200": 50, "/repairs": 50} {
		w := s.get(path)
		if n := strings.Count(w.Body.String(), `href="/episodes/e1"`); w.Code != http.StatusOK || n > limit+3 || w.Body.Len() > 1<<20 {
			t.Errorf("%s: %d, %d episodes in %d bytes", path, w.Code, n, w.Body.Len())
		}
	}
	for page, want := range map[string][2]bool{"1": {false, true}, "100": {true, true}, "200": {true, false}} {
		body := s.get("/episodes?page=" + page).Body.String()
		if got := [2]bool{strings.Contains(body, `rel="prev"`), strings.Contains(body, `rel="next"`)}; got != want {
			t.Errorf("page %s: before and after %v, want %v", page, got, want)
		}
	}
	if !strings.Contains(s.get("/").Body.String(), "among the newest 1,000 of 10,000") {
		t.Error("the overview counts some of them, and does not say so")
	}
	if w := s.get("/episodes/e1"); w.Code != http.StatusOK || w.Body.Len() > 1<<20 || !strings.Contains(w.Body.String(), `… (1,048,576 bytes)"</code></li>`) {
		t.Errorf("a story with labels of a megabyte is %d bytes", w.Body.Len())
	}
}
