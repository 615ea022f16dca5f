package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Whoever has an alert's link reads its page, without a credential.
func TestDocs(t *testing.T) {
	engine := newEngine(t, &fakeBackend{}, slog.New(slog.DiscardHandler))
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	for path, want := range map[string]string{
		"/docs/":                     "<h1>Documentation</h1>",
		"/docs/README.md":            "<h1>Documentation</h1>",
		"/docs/alerts/FettleDown":    `<h1 id="fettledown">FettleDown</h1>`,
		"/docs/alerts/FettleDown.md": `<h1 id="fettledown">FettleDown</h1>`,
		"/docs/FettleDown":           `<h1 id="fettledown">FettleDown</h1>`,
		"/docs/guards":               `<h1 id="guards">Guards</h1>`,
		"/docs/guards/README":        `<h1 id="guards">Guards</h1>`,
		"/docs/engine":               `<h2 id="outcomes">Outcomes</h2>`,
	} {
		w := get(path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d, %s", path, w.Code, w.Body)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s has a script", path)
		}
	}
	for _, path := range []string{"/docs/nothing", "/docs/../api/api.go", "/docs/%2e%2e/go.mod", "/docs/../docs/engine"} {
		if w := get(path); w.Code == http.StatusOK {
			t.Errorf("%s: got %d, %s", path, w.Code, w.Body)
		}
	}
	if w := get("/docs/<b>x"); strings.Contains(w.Body.String(), "<b>x") {
		t.Errorf("what was asked for is in the answer: %s", w.Body)
	}
}

// Every link of every page leads to a page, from wherever it is read.
func TestDocsLinks(t *testing.T) {
	server := newServer(t, &fakeBackend{})
	href := regexp.MustCompile(`href="([^"#]+)(#[^"]*)?"`)
	seen, next := map[string]bool{}, []string{server.URL + "/docs/"}
	for len(next) > 0 {
		url := next[0]
		next = next[1:]
		if seen[url] {
			continue
		}
		seen[url] = true
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		w, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body := read(t, w)
		if w.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", url, w.StatusCode)
		}
		for _, m := range href.FindAllStringSubmatch(body, -1) {
			to, err := w.Request.URL.Parse(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if to.Host == w.Request.URL.Host {
				next = append(next, to.String())
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d pages are reached", len(seen))
	}
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close() //nolint:errcheck // only read from
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
