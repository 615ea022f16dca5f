//go:build servers

package consoletest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func everywhere() []string {
	return []string{
		"/", "/repairs", "/episodes", "/episodes?all=true", "/episodes/e1", "/runs/r1", "/confirm/pause?id=demo", "/confirm/unpause?id=p1", "/confirm/approve?id=e1",
		"/confirm/acknowledge?id=e1", "/confirm/release?id=e1", "/confirm/close?id=e1", "/confirm/undo?id=r1", "/confirm/leave?id=r1", "/confirm/nothing",
	}
}

// Every page with a payload in every text: titles, attributes, charts, legends, labels of
// series, names, details. Nothing runs, nothing is even tried, and the text stands there.
func TestPayloadsEverywhere(t *testing.T) {
	t.Parallel()
	url := serveFake(t, new(fakeBackend))
	var visits []visit
	for _, path := range everywhere() {
		visits = append(visits,
			visit{URL: url + path, Width: 1280, Height: 800, Headers: as("operator")},
			visit{URL: url + path, Width: 360, Height: 740, Headers: as("operator"), Dark: true})
	}
	sights := look(t, visits...)
	check(t, url, visits, sights)
	shown := map[string][]string{
		"/": payloads[:10], "/repairs": payloads[:3], "/episodes": payloads[:1], "/episodes/e1": payloads[:10], "/runs/r1": payloads[:10],
		"/confirm/approve?id=e1": payloads[:10], "/confirm/undo?id=r1": payloads[:10],
	}
	for i, s := range sights {
		path := strings.TrimPrefix(visits[i].URL, url)
		for _, p := range shown[path] {
			if !strings.Contains(s.Text, p) {
				t.Errorf("%s does not show %q", path, p)
			}
		}
		if path == "/episodes/e1" && !strings.Contains(s.Title, "</title><svg onload=alert(1)><script>alert(1)</script>") {
			t.Errorf("the title of %s is %q", path, s.Title)
		}
	}
}

// The Tab key comes to everything that can be pressed or typed in, in the order in which it
// stands there, and out again; each stop is seen.
func TestTheTabKeyComesToEverything(t *testing.T) {
	t.Parallel()
	url := serveFake(t, new(fakeBackend))
	var visits []visit
	for _, path := range everywhere() {
		visits = append(visits, visit{URL: url + path, Width: 1280, Height: 800, NoScript: true, Headers: as("operator"), Keys: []key{{Walk: 200}}})
	}
	for i, s := range look(t, visits...) {
		if s.Stops < 10 || len(s.Focus) != s.Stops {
			t.Errorf("%s: the Tab key comes to %d of %d", visits[i].URL, len(s.Focus), s.Stops)
		}
		for n, f := range s.Focus {
			if f.Place != n || !f.InView || !strings.HasPrefix(f.Outline, "3px") {
				t.Errorf("%s: stop %d is %+v", visits[i].URL, n, f)
			}
		}
	}
}

// Everything that an operator may do is done by keyboard alone, without a script.
func TestEachDeedByKeyboard(t *testing.T) {
	t.Parallel()
	b := new(fakeBackend)
	url := serveFake(t, b)
	var visits []visit
	var told, back []string
	deed := func(from, link, reason, button, tells, leads string) {
		keys := []key{{TabTo: link}, {Enter: true}}
		if reason != "" {
			keys = append(keys, key{TabTo: "reason"}, key{Type: reason})
		}
		visits = append(visits, visit{URL: url + from, Width: 1280, Height: 800, NoScript: true, Headers: as("operator"), Keys: append(keys, key{TabTo: button}, key{Enter: true})})
		told, back = append(told, tells), append(back, url+leads)
	}
	deed("/", "/confirm/pause", "upgrade", "Pause", `pause "" by operator: upgrade`, "/?done=pause.")
	deed("/", "/confirm/unpause?id=p1", "", "End this pause", "unpause p1 by operator", "/?done=unpause.")
	deed("/episodes/e1", "/confirm/approve?id=e1", "go", "Approve exactly this", "approve e1 sha256:abc by operator: go", "/episodes/e1?done=approve.")
	deed("/episodes/e1", "/confirm/acknowledge?id=e1", "", "Acknowledge", "acknowledge e1 by operator: ", "/episodes/e1?done=acknowledge.")
	deed("/episodes/e1", "/confirm/release?id=e1", "", "Release", "release e1 by operator", "/episodes/e1?done=release.")
	deed("/episodes/e1", "/confirm/close?id=e1", "by hand", "Close this episode", "close e1 by operator: by hand", "/episodes/e1?done=close.")
	deed("/runs/r1", "/confirm/undo?id=r1", "it was right", "Take it back", "undo r1 by operator: it was right", "/runs/r9?done=undo.")
	deed("/repairs", "/confirm/leave?id=r1", "", "Leave it as it is", "leave r1 by operator", "/runs/r1?done=leave.")
	for i, s := range look(t, visits...) {
		if !strings.HasPrefix(s.URL, back[i]) {
			t.Errorf("%s leads to %s, want %s\n%s", visits[i].URL, s.URL, back[i], s.Text)
		}
	}
	if !slices.Equal(b.told, told) {
		t.Errorf("told %q,\nwant %q", b.told, told)
	}
}

// A page loads itself again for who wants that, without a script and under the policy.
func TestAPageLoadsItselfAgain(t *testing.T) {
	t.Parallel()
	url := serveFake(t, new(fakeBackend))
	began := time.Now()
	s := look(t, visit{URL: url + "/runs/r1", Width: 1280, Height: 800, NoScript: true, Headers: as("operator"), Keys: []key{{TabTo: "keep loading it again"}, {Enter: true}, {Wait: true}}})[0]
	if s.URL != url+"/runs/r1?refresh=10" || len(s.Console) > 0 || time.Since(began) < 10*time.Second {
		t.Errorf("after %s at %s: %q", time.Since(began), s.URL, s.Console)
	}
}

// What pages link for programs shows the payloads as text as well.
func TestPayloadsInTheAPI(t *testing.T) {
	t.Parallel()
	url := serve(t)
	episode := incident(t, url)
	var visits []visit
	for _, path := range []string{"/api/v1/state", "/api/v1/episodes?open=true", "/api/v1/episodes/" + episode, "/api/v1/runs", "/api/v1/plans", "/api/v1/journal", "/api/v1/journal?from=2&limit=1", "/metrics", "/docs/"} {
		visits = append(visits, visit{URL: url + path, Width: 1280, Height: 800, Headers: as("operator")})
	}
	for i, s := range look(t, visits...) {
		if len(s.Dialogs) > 0 || s.Handlers > 0 || len(s.Hosts) != 1 || "http://"+s.Hosts[0] != url || s.Text == "" {
			t.Errorf("%s: %q, %d handlers, from %q", visits[i].URL, s.Dialogs, s.Handlers, s.Hosts)
		}
	}
	if body := ask(t, http.MethodGet, url+"/api/v1/episodes?open=true", "viewer", ""); !strings.Contains(body, "alert(1)") {
		t.Error("the payloads are not there")
	}
}

// The headers that hold a browser back are on every page.
func TestHeaders(t *testing.T) {
	t.Parallel()
	url := serveFake(t, new(fakeBackend))
	for _, path := range everywhere() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", as("operator")["Authorization"])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // nothing was read
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}
