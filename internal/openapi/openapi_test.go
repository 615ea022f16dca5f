package openapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/openapi"
	"github.com/fettle-io/fettle/webhook"
)

var update = flag.Bool("update", false, "write docs/openapi.json")

const (
	root    = "../.."
	page    = "../../docs/openapi.json"
	version = "1"
)

// The published description is that of the code.
func TestPublished(t *testing.T) {
	want, err := openapi.Document(root, version, false)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(page); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not current (%v): go test ./internal/openapi -update", page, err)
	}
}

const token = "operator-0123456789abcdef"

// newEngine wires API and webhook as the program does.
func newEngine(t *testing.T, b api.Backend) *gin.Engine {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	file := filepath.Join(dir, "operator.token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	policy, err := access.New(access.Options{Grants: []access.Grant{{Role: access.Operator, TokenFile: file}}, Table: access.Routes()})
	if err != nil {
		t.Fatal(err)
	}
	hook := webhook.New(webhook.Options{Metrics: webhook.NewMetrics(prometheus.NewRegistry()), Log: log, NewID: func() string { return "id" }})
	engine, err := api.NewEngine(log, hook.Count, policy.Check)
	if err != nil {
		t.Fatal(err)
	}
	hook.Register(engine)
	api.New(api.Options{Backend: b, Log: log, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprintln(w, "fettle_build_info 1")
	})}).Register(engine)
	return engine
}

// Every route is described, and nothing else is.
func TestEveryRouteIsDescribed(t *testing.T) {
	var routes, described []string
	for _, r := range newEngine(t, fakeBackend{}).Routes() {
		routes = append(routes, r.Method+" "+r.Path)
	}
	for _, op := range openapi.Operations() {
		described = append(described, op.Method+" "+op.Path)
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("routes    %q\ndescribed %q: add it to api.Operations", routes, described)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/http-api.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range openapi.Operations() {
		path := strings.NewReplacer(":id", "ID", "*page", "PAGE").Replace(op.Path)
		if op.Path != webhook.Path && !strings.Contains(string(text), "| `"+op.Method+" "+path+"` |") {
			t.Errorf("docs/http-api.md has no row %s %s", op.Method, path)
		}
	}
}

// exchange is a request and its answer, as tools/openapicheck reads it.
type exchange struct {
	Name, Method, URL, Body string
	Header                  http.Header
	Status                  int
	AnswerHeader            http.Header
	Answer                  string

	refused bool // the description refuses the request, as the server does
}

// bodies are what is sent: good ones.
func bodies() map[string]string {
	return map[string]string{
		"POST /api/v1/alertmanager":     `{"version":"4","groupKey":"{}","status":"firing","receiver":"fettle","alerts":[{"status":"firing","labels":{"alertname":"A","cluster":"demo"},"annotations":{},"startsAt":"2026-11-21T02:24:51Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"x"}]}`,
		"POST /api/v1/plans":            `{"labels":{"alertname":"A"}}`,
		"POST /api/v1/pauses":           `{"cluster":"demo","reason":"upgrade"}`,
		"POST /api/v1/releases":         `{"episode":"e1"}`,
		"POST /api/v1/closures":         `{"episode":"e1","reason":"known"}`,
		"POST /api/v1/undos":            `{"run":"r1","comment":"it was wrong"}`,
		"POST /api/v1/approvals":        `{"episode":"e1","premise":"sha256:0","comment":"seen"}`,
		"POST /api/v1/acknowledgements": `{"episode":"e1","comment":"seen"}`,
	}
}

func record(engine http.Handler, name, method, url, body string, set ...func(*http.Request)) exchange {
	r := httptest.NewRequest(method, "http://127.0.0.1:9774"+url, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for _, f := range set {
		f(r)
	}
	header := r.Header.Clone()
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, r)
	return exchange{
		Name: fmt.Sprintf("%s %s %s: %d", method, url, name, w.Code), Method: method, URL: "http://127.0.0.1:9774" + url, Body: body, Header: header,
		Status: w.Code, AnswerHeader: w.Result().Header, Answer: w.Body.String(),
	}
}

// What the server takes and says is what the description says, held against a
// validator that is not ours: every operation with full and with empty answers, every
// error, and requests that both refuse.
func TestExchanges(t *testing.T) {
	var all []exchange
	covered := map[string]bool{}
	for name, b := range map[string]fakeBackend{
		"full": {full: true}, "empty": {}, "broken": {err: errBroken}, "not found": {err: errNotFound}, "conflict": {err: errConflict},
	} {
		engine := newEngine(t, b)
		for _, op := range openapi.Operations() {
			url := strings.NewReplacer(":id", "x1", "*page", "FettleRaftMemberDown").Replace(op.Path)
			key := op.Method + " " + op.Path
			if op.Path != webhook.Path { // whose sink is another's
				x := record(engine, name, op.Method, url, bodies()[key])
				all = append(all, x)
				covered[key] = covered[key] || x.Status == op.Status
			}
			if name != "full" {
				continue
			}
			for _, q := range op.Query {
				all = append(all, record(engine, "query", op.Method, url+"?"+q.Name+"="+value(q), ""))
				if q.Type == "integer" {
					x := record(engine, "bad query", op.Method, url+"?"+q.Name+"=many", "")
					x.refused = true
					all = append(all, x)
				}
			}
			if op.Body != nil {
				for what, body := range map[string]string{"no JSON": "{", "a list": "[]", "unknown field": `{"unknown":1}`, "wrong type": `{"episode":1,"run":1,"id":1,"cluster":1,"version":4}`} {
					x := record(engine, what, op.Method, url, body)
					x.refused = x.Status >= 400
					if !x.refused {
						t.Errorf("%s is taken", x.Name)
					}
					all = append(all, x)
				}
			}
			if op.Method == http.MethodPost {
				all = append(all, record(engine, "nobody", op.Method, url, bodies()[key], func(r *http.Request) { r.Header.Del("Authorization") }))
				all = append(all, record(engine, "a page elsewhere", op.Method, url, bodies()[key], func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
			}
		}
	}
	for _, op := range openapi.Operations() {
		if key := op.Method + " " + op.Path; !covered[key] && op.Path != webhook.Path {
			t.Errorf("%s: no exchange succeeds", key)
		}
	}
	all = append(all, served(t)...)
	compare(t, all)
	t.Logf("%d exchanges", len(all))
}

func value(p api.Parameter) string {
	switch {
	case p.Enum != nil:
		return p.Enum[0]
	case p.Type == "integer":
		return "5"
	case p.Format == "date-time":
		return "2026-11-21T02:34:00Z"
	}
	return "x"
}

// served are exchanges with a fettle that really serves.
func served(t *testing.T) (all []exchange) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "fettle.yml")
	var roles strings.Builder
	for _, role := range []string{"webhook", "operator"} {
		path := filepath.Join(dir, role+".token")
		if err := os.WriteFile(path, []byte(role+"-0123456789abcdef"), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&roles, "    - {role: %s, token_file: %s}\n", role, path)
	}
	text := fmt.Sprintf("journal: {dir: %[1]s/journal, key_file: %[1]s/key}\nbrake: %[1]s/pause\nweb:\n  socket: %[1]s/s\n  roles:\n%[2]s", dir, &roles)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	proxy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", a.Addr(), ""
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		if _, err := io.Copy(w, resp.Body); err != nil {
			t.Error(err)
		}
	})
	as := func(role string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+role+"-0123456789abcdef") }
	}
	all = append(all, record(proxy, "a message", "POST", webhook.Path, bodies()["POST "+webhook.Path], as("webhook")))
	if all[0].Status != http.StatusOK {
		t.Errorf("%s: %s", all[0].Name, all[0].Answer)
	}
	for _, op := range openapi.Operations() {
		if op.Path != webhook.Path && op.Path != "/metrics" {
			url := strings.NewReplacer(":id", "x1", "*page", "README").Replace(op.Path)
			all = append(all, record(proxy, "served", op.Method, url, bodies()[op.Method+" "+op.Path], as("operator")))
		}
	}
	return all
}

// compare asks the validator about each exchange.
func compare(t *testing.T, all []exchange) {
	t.Helper()
	doc, err := openapi.Document(root, version, true)
	if err != nil {
		t.Fatal(err)
	}
	var in, out, stderr bytes.Buffer
	lines := json.NewEncoder(&in)
	if err := lines.Encode(map[string]json.RawMessage{"document": doc}); err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if err := lines.Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	cmd.Dir, cmd.Env = filepath.Join(root, "tools/openapicheck"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("openapicheck: %v\n%s", err, &stderr)
	}
	answers := json.NewDecoder(&out)
	for _, x := range all {
		var said struct{ Name, Request, Answer string }
		if err := answers.Decode(&said); err != nil {
			t.Fatal(err)
		}
		if (said.Request != "") != x.refused {
			t.Errorf("%s: of the request %s the description says %q", x.Name, x.Body, said.Request)
		}
		if said.Answer != "" {
			t.Errorf("%s: of the answer %s the description says %s", x.Name, x.Answer, said.Answer)
		}
	}
}
