package cve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// site is a fettle that serves, with autonomy `auto`, a token for each role, and a
// service whose declared commands are the probe.
type site struct {
	dir, addr string
	tokens    map[string]string
	log       *logged
}

// logged is what fettle wrote to its log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func roles() []string { return []string{"webhook", "metrics", "viewer", "operator"} }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), tokens: map[string]string{}, log: &logged{}}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var web strings.Builder
	for _, role := range roles() {
		s.tokens[role] = rand.Text()
		write(t, s.file(role+".token"), s.tokens[role])
		fmt.Fprintf(&web, "    - {role: %s, token_file: %s}\n", role, s.file(role+".token"))
	}
	var members strings.Builder
	for member, act := range map[string]string{"w1": "restart", "w2": "fail"} {
		fmt.Fprintf(&members, "      - name: %s\n        host: %s\n        commands:\n", member, member)
		fmt.Fprintf(&members, "          status: [%s, %s, %s, status]\n", exe, probe, s.file(member))
		fmt.Fprintf(&members, "          restart: [%s, %s, %s, %s, \"$member; reboot\", \"{{ .Labels }}\"]\n", exe, probe, s.file(member), act)
	}
	write(t, s.file("fettle.yml"), fmt.Sprintf("clusters:\n  - name: web\n    kind: service\n    members:\n%sautonomy: {default: auto}\n"+
		"overrides: {all: {cooldown: 0, settle: 10ms, sample: 10ms, eager_gap: 10ms}}\n"+
		"journal: {dir: %s, key_file: %s}\nbrake: %s\nplaybooks: {dir: %s}\nweb:\n  max_body: 8MiB\n  socket: %s\n  roles:\n%s",
		members.String(), s.file("journal"), s.file("journal.key"), s.file("pause"), s.file("playbooks"), s.file("s"), web.String()))
	if err := os.Mkdir(s.file("playbooks"), 0o700); err != nil {
		t.Fatal(err)
	}
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	_, err = journal.Init(s.file("journal"), s.file("journal.key"), journal.InitOptions{
		Host: "cve", Now: clock(), NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.addr = s.serve(t, s.file("fettle.yml")).Addr()
	return s
}

// serve starts a fettle with one of the site's configurations.
func (s *site) serve(t *testing.T, config string) *app.App {
	t.Helper()
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{
		ConfigFile: config, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Survey: func(context.Context) repair.Fleet { return repair.Fleet{Asked: clock(), Running: 2} },
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// request is one to a site; empty fields are what a good client sends.
type request struct {
	method, path, body string
	as                 string // a role; empty: nobody
	host               string
	header             http.Header
}

func (s *site) do(t *testing.T, r request) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+s.addr+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.as != "" {
		req.Header.Set("Authorization", "Bearer "+s.tokens[r.as])
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.host != "" {
		req.Host = r.host
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// raw sends bytes as they are and returns the first answer, empty if there is none.
func (s *site) raw(t *testing.T, text string) (status int, body string) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // read to its end
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()       //nolint:errcheck // only read from
	b, _ := io.ReadAll(resp.Body) // what there is: an answer to HEAD has none
	return resp.StatusCode, string(b)
}

// alert is a message's only alert.
type alert struct {
	status      string // empty: firing
	labels      map[string]string
	annotations map[string]string
	generator   string
	more        string // further fields of the message, each with a comma behind it
}

func (a alert) message(t *testing.T) string {
	t.Helper()
	if a.status == "" {
		a.status = "firing"
	}
	if a.annotations == nil {
		a.annotations = map[string]string{}
	}
	b, err := json.Marshal(map[string]any{
		"status": a.status, "labels": a.labels, "annotations": a.annotations, "generatorURL": a.generator, "startsAt": "2026-11-21T02:24:51Z",
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{%s"alerts":[%s],"version":"4"}`, a.more, b)
}

// post sends an alert, which has to be taken.
func (s *site) post(t *testing.T, a alert) {
	t.Helper()
	if status, said := s.send(t, a.message(t)); status != http.StatusOK {
		t.Fatalf("%d %s", status, said)
	}
}

func (s *site) send(t *testing.T, body string) (int, string) {
	t.Helper()
	status, _, said := s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", as: "webhook", body: body})
	return status, said
}

// down is the alert that a playbook is for, on a member.
func down(member string) alert {
	return alert{labels: map[string]string{"alertname": "FettleServiceDown", "cluster": "web", "member": member}}
}

// with is the alert with one more label.
func (a alert) with(name, value string) alert {
	labels := map[string]string{name: value}
	for n, v := range a.labels {
		if n != name {
			labels[n] = v
		}
	}
	a.labels = labels
	return a
}

// record is one of the journal's, as the API shows it.
type record struct {
	Type string
	Data json.RawMessage
}

func (s *site) records(t *testing.T) []record {
	t.Helper()
	return s.since(t, 0)
}

// since are the records from sequence number from on.
func (s *site) since(t *testing.T, from int) (all []record) {
	t.Helper()
	for {
		status, _, body := s.do(t, request{path: fmt.Sprintf("/api/v1/journal?limit=1000&from=%d", from+len(all)), as: "viewer"})
		var page struct{ Records []record }
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Fatalf("%d %.200s: %v", status, body, err)
		}
		if len(page.Records) == 0 {
			return all
		}
		all = append(all, page.Records...)
	}
}

// calls are how a member's commands were called.
func (s *site) calls(t *testing.T, member string) []call {
	t.Helper()
	b, err := os.ReadFile(s.file(member))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var all []call
	for line := range bytes.Lines(b) {
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// hostile is text that means something to a shell, a template, a terminal, a log, a
// query, a page, a path, a pattern or a format.
func hostile() []string {
	return []string{
		"; reboot", "| reboot", "& reboot", "$(reboot)", "`reboot`", "&& reboot", "\nreboot", "\r\nreboot", "a b", "a\tb", "*", "?", "[a-z]", "~", "~root", "#", "!!", "%0a",
		"'", `"`, `\`, `'"'"'`, `";reboot;"`, "$IFS", "${HOME}", "$HOME", "$member", "%s%n%x", "%!s(int=1)", "{{ . }}", "{{ .Secrets }}", "{{range .}}{{end}}", "${{ env }}", "<%= 1 %>", "{identity}", "{0}",
		"-rf", "--help", "-", "--", "-oProxyCommand=reboot", "@/etc/passwd", "</etc/passwd", ">/tmp/x", "../../etc/passwd", "/etc/passwd", `..\..\x`, "file:///etc/passwd", "%2e%2e%2f", "a/../b", ".", "..",
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", `"><svg onload=alert(1)>`, "</title><script>", "&lt;b&gt;", "data:text/html,<b>",
		"\x1b[2J", "\x1b]0;title\x07", "\u009b31m", "\u202egnp.exe", "\u2028", "\ufeff", "\u200b", "\x7f", "\x01", "\x00",
		`"} or vector(1) #`, `",job=~".*`, `a" or up{instance!="`, ".*", "^$", "(a+)+$", "(?s).*", "a|b", "' OR 1=1 --", "*)(uid=*", "__proto__", "constructor", "=cmd|' /C calc'!A0", "+1", "@SUM(1)",
		"é", "日本", "🔥", "ﬀ", "K", "İ", "A\u030a", strings.Repeat("A", 5000), strings.Repeat("../", 300), strings.Repeat("(", 500),
	}
}

// plain tells whether text plays no tricks on a terminal or a log.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u2028' || r == '\ufeff'
	})
}
