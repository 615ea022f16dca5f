//go:build servers

package consoletest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/app"
)

// payloads are those of CVE-2023-40577 and its kind: each runs alert() where it is
// taken for more than text.
var payloads = []string{ //nolint:gochecknoglobals // a table that is read only
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `</title><svg onload=alert(1)>`,
	`<iframe srcdoc="<script>parent.alert(1)</script>">`, `<a href="javascript:alert(1)">x</a>`, `javascript:alert(1)`,
	`{{constructor.constructor('alert(1)')()}}`, `<style>@import 'http://127.0.0.1:1/x'</style>`, `<meta http-equiv=refresh content="0;url=javascript:alert(1)">`,
	`<base href="http://127.0.0.1:1/">`, `</script><script>alert(1)</script>`, "\u202e<img src=x onerror=alert(1)>\x07",
}

// serve serves a fettle with an operator and a viewer.
func serve(t *testing.T) (url string) {
	t.Helper()
	dir := t.TempDir()
	var roles strings.Builder
	for _, role := range []string{"webhook", "viewer", "operator"} {
		file := filepath.Join(dir, role+".token")
		if err := os.WriteFile(file, []byte(token(role)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&roles, "    - {role: %s, token_file: %s}\n", role, file)
	}
	config := fmt.Sprintf(`journal: {dir: %[1]s/journal, key_file: %[1]s/journal.key}
brake: %[1]s/pause
web:
  socket: %[1]s/s
  roles:
%[2]sclusters:
  - name: demo
    kind: etcd
    members:
      - {name: m1, endpoint: "http://127.0.0.1:1", peer: "http://127.0.0.1:2", host: h1, unit: etcd.service}
      - {name: m2, endpoint: "http://127.0.0.1:3", peer: "http://127.0.0.1:4", host: h2, unit: etcd.service}
`, dir, &roles)
	file := filepath.Join(dir, "fettle.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "1.2.3", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + a.Addr()
}

func token(role string) string { return role + "-0123456789abcdef" }

func as(role string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token(role)}
}

func ask(t *testing.T, method, url, role, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(role))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, b, err)
	}
	return string(b)
}

// incident sends an alert with every payload in every text of it, and returns the
// episode that it opened.
func incident(t *testing.T, url string) string {
	t.Helper()
	labels := map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": "m2"}
	annotations := map[string]string{"summary": strings.Join(payloads, " "), "description": payloads[0]}
	for i, p := range payloads {
		labels[fmt.Sprintf("x%d", i)] = p
	}
	one := map[string]any{"status": "firing", "labels": labels, "annotations": annotations, "startsAt": time.Now().UTC(), "endsAt": time.Time{}, "generatorURL": "javascript:alert(1)"}
	body, err := json.Marshal(map[string]any{"version": "4", "groupKey": "{}", "status": "firing", "receiver": "fettle", "externalURL": "javascript:alert(1)", "alerts": []any{one}})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, http.MethodPost, url+"/api/v1/alertmanager", "webhook", string(body))
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var list struct{ Episodes []api.Episode }
		if err := json.Unmarshal([]byte(ask(t, http.MethodGet, url+"/api/v1/episodes?open=true", "viewer", "")), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Episodes) == 1 && list.Episodes[0].LastAnswer != nil {
			return list.Episodes[0].ID
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal("no episode is refused")
	return ""
}

// What a browser is told to hold back is seen here, or the other tests show nothing.
func TestTheBrowserSees(t *testing.T) {
	t.Parallel()
	policy := ""
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!DOCTYPE html><p onclick="x()">a page<script>alert("ran")</script><img src=x onerror='alert("ran too")'>`)
	}))
	t.Cleanup(page.Close)
	free := look(t, visit{URL: page.URL, Width: 800, Height: 600})[0]
	if len(free.Dialogs) != 2 || free.Handlers == 0 {
		t.Errorf("without a policy: %+v", free)
	}
	resp, err := http.Get(serveAnonymous(t) + "/") //nolint:noctx // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	policy = resp.Header.Get("Content-Security-Policy")
	held := look(t, visit{URL: page.URL, Width: 800, Height: 600})[0]
	if len(held.Dialogs) != 0 || !strings.Contains(strings.Join(held.Console, "\n"), "Content Security Policy") {
		t.Errorf("under the console's policy %q: %+v", policy, held)
	}
}

func serveAnonymous(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "fettle.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "journal: {dir: %[1]s/journal, key_file: %[1]s/journal.key}\nbrake: %[1]s/pause\nweb: {socket: %[1]s/s}\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "1.2.3", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + a.Addr()
}

// Every page, calm and in an incident whose alert tries to run something: nothing runs,
// nothing is even tried, nothing is asked from elsewhere; dark and light; readable on a
// screen of 320 pixels; headings in order and every field with a label.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	url := serve(t)
	all := func(paths ...string) (visits []visit) {
		for _, path := range paths {
			visits = append(visits,
				visit{URL: url + path, Width: 1280, Height: 800, Headers: as("operator")},
				visit{URL: url + path, Width: 1280, Height: 800, Headers: as("operator"), Dark: true, NoScript: true},
				visit{URL: url + path, Width: 320, Height: 640, Headers: as("operator"), Dark: true})
		}
		return visits
	}
	visits := all("/", "/repairs", "/episodes")
	calm := look(t, visits...)
	check(t, url, visits, calm)
	if !strings.Contains(calm[0].Text, "no alert that a playbook is for is open") {
		t.Errorf("calm: %s", calm[0].Text)
	}
	episode := incident(t, url)
	visits = all("/", "/repairs", "/episodes", "/episodes/"+episode, "/confirm/pause", "/confirm/close?id="+episode, "/confirm/nothing")
	sights := look(t, visits...)
	check(t, url, visits, sights)
	for i, s := range sights {
		switch strings.TrimPrefix(visits[i].URL, url) {
		case "/episodes/" + episode:
			for _, want := range []string{"Why nothing was done", payloads[0], payloads[3], `\u202e`} {
				if !strings.Contains(s.Text, want) {
					t.Errorf("%s does not show %q: %s", s.URL, want, s.Text)
				}
			}
		case "/", "/episodes":
			if !strings.Contains(s.Text, "Why not: agent") {
				t.Errorf("%s: no way to the reason: %s", s.URL, s.Text)
			}
		}
	}
	read := look(t, visit{URL: url + "/episodes/" + episode, Width: 1280, Height: 800, Headers: as("viewer")})[0]
	if strings.Contains(read.Text, "Close the episode") || !strings.Contains(read.Text, "Why nothing was done") {
		t.Errorf("a viewer sees %s", read.Text)
	}
}

func check(t *testing.T, url string, visits []visit, sights []sight) {
	t.Helper()
	const light, dark = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
	for i, s := range sights {
		v := visits[i]
		if len(s.Dialogs) > 0 || s.Handlers > 0 {
			t.Errorf("%s ran something: %q, %d handlers", v.URL, s.Dialogs, s.Handlers)
		}
		for _, line := range s.Console {
			if !strings.HasSuffix(v.URL, "/confirm/nothing") || !strings.Contains(line, "404") {
				t.Errorf("%s: %s", v.URL, line)
			}
		}
		if len(s.Hosts) != 1 || "http://"+s.Hosts[0] != url {
			t.Errorf("%s asks %q", v.URL, s.Hosts)
		}
		if s.URL != v.URL {
			t.Errorf("%s leads to %s", v.URL, s.URL)
		}
		if s.ScrollWidth > v.Width {
			t.Errorf("%s is %d pixels wide on a screen of %d", v.URL, s.ScrollWidth, v.Width)
		}
		if want := map[bool]string{false: light, true: dark}[v.Dark]; s.Background != want || s.Foreground == want {
			t.Errorf("%s: %s on %s, dark %v", v.URL, s.Foreground, s.Background, v.Dark)
		}
		if len(s.Faint) > 0 {
			t.Errorf("%s, dark %v: hard to see: %q", v.URL, v.Dark, s.Faint)
		}
		if len(s.Unnamed) > 0 {
			t.Errorf("%s: without a name: %q", v.URL, s.Unnamed)
		}
		if s.Unlabelled > 0 || len(s.Headings) == 0 || s.Headings[0] != "H1" || strings.Count(strings.Join(s.Headings, " "), "H1") != 1 {
			t.Errorf("%s: %d fields without a label, headings %v", v.URL, s.Unlabelled, s.Headings)
		}
	}
}

// By keyboard alone, and without a script: repairs are paused, the story of an episode
// is reached, and the episode is closed. Each stop of the Tab key is seen.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	url := serve(t)
	episode := incident(t, url)
	sights := look(t,
		visit{URL: url + "/", Width: 1280, Height: 800, NoScript: true, Headers: as("viewer"), Keys: []key{{Walk: 12}}},
		visit{URL: url + "/", Width: 1280, Height: 800, NoScript: true, Headers: as("operator"), Keys: []key{
			{TabTo: "Pause repairs"}, {Enter: true}, {TabTo: "reason"}, {Type: "by keyboard"}, {TabTo: "Pause"}, {Enter: true},
		}},
		visit{URL: url + "/", Width: 1280, Height: 800, NoScript: true, Headers: as("operator"), Keys: []key{
			{TabTo: "/episodes/" + episode + "#why"}, {Enter: true}, {TabTo: "/episodes/" + episode}, {Enter: true},
			{TabTo: "Close the episode"}, {Enter: true}, {TabTo: "reason"}, {Type: "it is gone"}, {TabTo: "Close this episode"}, {Enter: true},
		}},
	)
	for i, f := range sights[0].Focus {
		if f.Tag == "BODY" || !f.InView || !strings.HasPrefix(f.Outline, "3px") {
			t.Errorf("stop %d of the Tab key: %+v", i, f)
		}
	}
	if f := sights[0].Focus[0]; f.Href != "#main" {
		t.Errorf("the first stop is %+v, and not the way to the content", f)
	}
	if s := sights[1]; !strings.HasPrefix(s.URL, url+"/?done=pause.") || !strings.Contains(s.Text, "Paused.") {
		t.Errorf("paused: %s\n%s", s.URL, s.Text)
	}
	if pauses := ask(t, http.MethodGet, url+"/api/v1/pauses", "viewer", ""); !strings.Contains(pauses, `"by":"operator"`) || !strings.Contains(pauses, "by keyboard") {
		t.Errorf("pauses: %s", pauses)
	}
	if s := sights[2]; !strings.HasPrefix(s.URL, url+"/episodes/"+episode+"?done=close.") || !strings.Contains(s.Text, "it is gone") {
		t.Errorf("closed: %s\n%s", s.URL, s.Text)
	}
}
