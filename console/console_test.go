package console_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/fettle-io/fettle/internal/access"
)

func allPages() []string {
	return []string{
		"/", "/repairs", "/repairs?page=2", "/episodes", "/episodes?all=true", "/episodes/e1", "/runs/r1",
		"/confirm/pause", "/confirm/unpause?id=p1", "/confirm/approve?id=e1", "/confirm/acknowledge?id=e1", "/confirm/release?id=e1", "/confirm/close?id=e1",
		"/confirm/undo?id=r1", "/confirm/leave?id=r1", "/?refresh=10", "/?done=pause", "/repairs?refresh=" + url.QueryEscape(hostile),
		"/nothing-" + url.PathEscape(hostile), "/episodes/" + url.PathEscape(hostile), "/confirm/" + url.PathEscape(`"><script>`), "/repairs?page=" + url.QueryEscape(hostile),
	}
}

// Whatever stands in an alert, in a pause or in a path is text on every page: there is no
// element that runs, loads or restyles anything, no handler, no link that is none.
func TestNothingHostileBecomesMarkup(t *testing.T) {
	s := newSite(t, access.Operator)
	for _, path := range allPages() {
		w := s.get(path)
		if strings.HasPrefix(path, "/nothing") {
			continue // the router's 404
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'self';") || strings.Contains(got, "unsafe") || strings.Contains(got, "script") {
			t.Errorf("%s: policy %q", path, got)
		}
		if w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: headers %v", path, w.Header())
		}
		if strings.Contains(w.Body.String(), "\u202e") {
			t.Errorf("%s: a mark that turns the direction of writing", path)
		}
		z := html.NewTokenizer(w.Body)
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				if !errors.Is(z.Err(), io.EOF) {
					t.Errorf("%s: %v", path, z.Err())
				}
				break
			}
			tok := z.Token()
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			if slices.Contains([]string{"script", "img", "iframe", "style", "object", "b", "base"}, tok.Data) {
				t.Errorf("%s: <%s>", path, tok.Data)
			}
			for _, a := range tok.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: %s=%q", path, a.Key, a.Val)
				}
				if (a.Key == "href" || a.Key == "action") && a.Val != "data:," && (!strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//")) && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: %s leads to %q", path, tok.Data, a.Val)
				}
			}
		}
	}
}

func TestPagesShowWhatIsKnown(t *testing.T) {
	s := newSite(t, access.Viewer)
	for path, want := range map[string][]string{
		"/":                  {"1,234,567", "3.0 MiB", "1m1s", "not known", "demo", "m1: not known", "m2: not known, under repair", `href="/runs/r99"`, "paused", "No Prometheus is configured", "Why not: attempts", `href="/episodes/e1#why"`, `href="/api/v1/journal"`, `href="/metrics"`},
		"/repairs":           {"Why not", `href="/episodes/e1#why"`, `href="/runs/r0#why"`, "Ended runs, by outcome", "<svg class=\"timeline\"", "3 runs", "undo-isolate: runs /usr/bin/pool in"},
		"/episodes":          {"1 open", `href="/episodes/e1"`},
		"/episodes?all=true": {"Only the open ones"},
		"/episodes/e1":       {`id="why"`, "quorum", "it would be lost", "Passes by itself", `href="/docs/guards/quorum"`, "about this guard", "7 records in the middle", "newest records may be missing", "&lt;b&gt;bold", "run ended: blocked", `b\u202e`, "What a person has to approve", "bob"},
		"/runs/r1":           {`id="why"`, "it would be lost", "member-start", "run opened"},
	} {
		w := s.get(path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s lacks %q:\n%s", path, text, w.Body)
			}
		}
		// A viewer is shown no form and no button.
		for _, not := range []string{"<form", "<button", "/confirm/", "class=\"button"} {
			if strings.Contains(w.Body.String(), not) {
				t.Errorf("%s shows a viewer %q", path, not)
			}
		}
	}
	for path, want := range map[string]int{
		"/episodes/e2": 404, "/runs/r2": 404, "/repairs?page=0": 400, "/repairs?page=x": 400, "/confirm/x": 404, "/confirm/close?id=e2": 404,
		"/confirm/unpause?id=p2": 404, "/confirm/close": 400,
		"/confirm/pause?id=gone": 404, "/confirm/undo?id=r2": 409, "/confirm/leave?id=r2": 404, "/episodes?page=3": 404, "/episodes?page=1000001": 400,
	} {
		if w := s.get(path); w.Code != want || !strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s: %d, want %d with a page:\n%s", path, w.Code, want, w.Body)
		}
	}
	s.b.broken = errors.New("secret")
	for _, path := range []string{"/", "/repairs", "/episodes"} {
		if w := s.get(path); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// Each form is reached from a page, says what it does, and does it in the name of who
// sends it.
func TestForms(t *testing.T) {
	s := newSite(t, access.Operator)
	home, story, run, repairs := s.get("/").Body.String(), s.get("/episodes/e1").Body.String(), s.get("/runs/r1").Body.String(), s.get("/repairs").Body.String()
	for what, tc := range map[string]struct {
		from, path string
		fields     url.Values
		told, back string
	}{
		"pause":       {home, "/confirm/pause?id=demo", url.Values{"cluster": {"demo"}, "reason": {"upgrade"}}, `pause "demo" by alice: upgrade`, "/?done=pause"},
		"unpause":     {home, "/confirm/unpause?id=p1", url.Values{"id": {"p1"}}, "unpause p1 by alice", "/?done=unpause"},
		"acknowledge": {story, "/confirm/acknowledge?id=e1", url.Values{"id": {"e1"}, "reason": {""}}, "acknowledge e1 by alice: ", "/episodes/e1?done=acknowledge"},
		"release":     {story, "/confirm/release?id=e1", url.Values{"id": {"e1"}}, "release e1 by alice", "/episodes/e1?done=release"},
		"close":       {story, "/confirm/close?id=e1", url.Values{"id": {"e1"}, "reason": {"by hand"}}, "close e1 by alice: by hand", "/episodes/e1?done=close"},
		"approve":     {story, "/confirm/approve?id=e1", url.Values{"id": {"e1"}, "premise": {"sha256:abc"}, "reason": {"go"}}, "approve e1 sha256:abc by alice: go", "/episodes/e1?done=approve"},
		"undo":        {run, "/confirm/undo?id=r1", url.Values{"id": {"r1"}, "reason": {"it was right"}}, "undo r1 by alice: it was right", "/runs/r1?done=undo"},
		"leave":       {repairs, "/confirm/leave?id=r1", url.Values{"id": {"r1"}}, "leave r1 by alice", "/runs/r1?done=leave"},
	} {
		if !strings.Contains(tc.from, `href="`+tc.path+`"`) {
			t.Errorf("%s: no page leads to %s", what, tc.path)
		}
		form := s.get(tc.path)
		if form.Code != http.StatusOK || !strings.Contains(form.Body.String(), `action="/act/`+what+`"`) {
			t.Errorf("%s: %d %s", what, form.Code, form.Body)
		}
		if len(s.b.told) > 0 {
			t.Fatalf("GET made it %q", s.b.told)
		}
		for name := range tc.fields {
			if !strings.Contains(form.Body.String(), `name="`+name+`"`) {
				t.Errorf("%s: the form has no %s", what, name)
			}
		}
		_, id, _ := strings.Cut(tc.path, "?id=")
		w := s.post("/act/"+what, s.form(what, id, tc.fields))
		back := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(back, tc.back+".") || !slices.Equal(s.b.told, []string{tc.told}) {
			t.Errorf("%s: %d to %s, told %q", what, w.Code, w.Header().Get("Location"), s.b.told)
		}
		s.b.told = nil
		if after := s.get(back); !strings.Contains(after.Body.String(), `role="status"`) {
			t.Errorf("%s: nothing is said afterwards", what)
		}
		// It is said only of what was done, here, by who asks, a moment ago.
		here, done, _ := strings.Cut(back, "?done=")
		elsewhere := map[string]string{"/episodes/e1": "/runs/r1", "/runs/r1": "/", "/": "/repairs"}[here]
		for _, path := range []string{tc.back, back + "x", elsewhere + "?done=" + done, here + "?done=" + strings.Replace(done, what, "pausex", 1)} {
			if strings.Contains(s.get(path).Body.String(), `role="status"`) {
				t.Errorf("%s: %s says that it was done", what, path)
			}
		}
		s.now = s.now.Add(2 * time.Minute)
		if strings.Contains(s.get(back).Body.String(), `role="status"`) {
			t.Errorf("%s: it is still said after two minutes", what)
		}
	}
}

func TestFormsRefuse(t *testing.T) {
	good := url.Values{"id": {"e1"}, "reason": {"by hand"}}
	for name, tc := range map[string]struct {
		path   string
		fields url.Values
		set    func(*http.Request)
		want   int
	}{
		"no origin":         {"/act/close", good, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }, 403},
		"json":              {"/act/close", good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415},
		"unknown field":     {"/act/close", url.Values{"id": {"e1"}, "reason": {"x"}, "by": {"bob"}}, nil, 400},
		"twice":             {"/act/close", url.Values{"id": {"e1", "e2"}, "reason": {"x"}}, nil, 400},
		"no reason":         {"/act/close", url.Values{"id": {"e1"}}, nil, 400},
		"two lines":         {"/act/close", url.Values{"id": {"e1"}, "reason": {"a\nb"}}, nil, 400},
		"no id":             {"/act/unpause", url.Values{}, nil, 403}, // the form was one of p1
		"no reason, pause":  {"/act/pause", url.Values{"cluster": {""}}, nil, 400},
		"no premise":        {"/act/approve", good, nil, 400},
		"too long":          {"/act/close", url.Values{"id": {"e1"}, "reason": {strings.Repeat("x", 20<<10)}}, nil, 400},
		"unknown deed":      {"/act/reload", good, nil, 404},
		"in the path alone": {"/act/close?id=e1&reason=x", url.Values{}, nil, 403},
		"of another one":    {"/act/close", url.Values{"id": {"e2"}, "reason": {"x"}}, nil, 403},
		"no reason, undo":   {"/act/undo", url.Values{"id": {"r1"}}, nil, 400},
	} {
		s := newSite(t, access.Operator)
		set := tc.set
		if set == nil {
			set = func(*http.Request) {}
		}
		what, _, _ := strings.Cut(strings.TrimPrefix(tc.path, "/act/"), "?")
		id := map[string]string{"pause": "demo", "unpause": "p1", "undo": "r1"}[what]
		fields := tc.fields
		if what != "reload" {
			fields = s.form(what, cmp.Or(id, "e1"), fields)
		}
		if w := s.post(tc.path, fields, set); w.Code != tc.want || len(s.b.told) > 0 {
			t.Errorf("%s: %d, want %d; told %q\n%s", name, w.Code, tc.want, s.b.told, w.Body)
		}
	}
	// Nobody in particular approves nothing.
	s := newSite(t, access.Anonymous)
	if w := s.post("/act/approve", url.Values{"id": {"e1"}, "premise": {"sha256:abc"}}); w.Code != http.StatusForbidden || len(s.b.told) > 0 {
		t.Errorf("anonymous: %d, told %q", w.Code, s.b.told)
	}
	if strings.Contains(s.get("/episodes/e1").Body.String(), "/confirm/approve") || s.get("/confirm/approve?id=e1").Code != http.StatusForbidden {
		t.Error("an approval is offered to nobody in particular")
	}
	s.who.Role, s.b.notAny = access.Operator, true
	if w := s.get("/confirm/approve?id=e1"); w.Code != http.StatusConflict {
		t.Errorf("nothing to approve: %d", w.Code)
	}
}
