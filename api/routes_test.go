package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/access"
)

// Every route that the program has is tried with every credential: who may use
// it is what access.Routes says, and a route without a role fails here.
func TestRoutesAndCredentials(t *testing.T) {
	engine := newEngine(t, &fakeBackend{}, slog.New(slog.DiscardHandler))
	table := access.Routes()
	seen := map[string]bool{}
	for _, route := range engine.Routes() {
		key := route.Method + " " + route.Path
		seen[key] = true
		roles := table.Roles(route.Method, route.Path)
		if len(roles) == 0 {
			t.Errorf("%s: no role in access.Routes", key)
		}
		path := strings.ReplaceAll(route.Path, ":id", "r1")
		credentials := tokens()
		credentials[""] = ""
		credentials["stranger"] = "stranger-0123456789abcdef"
		for role, token := range credentials {
			req := httptest.NewRequestWithContext(t.Context(), route.Method, path, nil)
			if token != "" {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			engine.ServeHTTP(w, req)
			known := role != "" && role != "stranger"
			passed := w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden
			switch {
			case slices.Contains(roles, access.Anyone) || slices.Contains(roles, role):
				if !passed {
					t.Errorf("%s as %q: got %d, should pass", key, role, w.Code)
				}
			case known && w.Code != http.StatusForbidden:
				t.Errorf("%s as %q: got %d, want 403", key, role, w.Code)
			case !known && w.Code != http.StatusUnauthorized:
				t.Errorf("%s as %q: got %d, want 401", key, role, w.Code)
			}
		}
		// What changes something is for operators and the webhook, and not for
		// a page elsewhere even with an operator's credentials.
		if route.Method == http.MethodGet || key == "POST /api/v1/plans" { // that one asks, with a body
			continue
		}
		for _, role := range []access.Role{access.Viewer, access.Metrics, access.Anyone} {
			if slices.Contains(roles, role) {
				t.Errorf("%s is open to %s", key, role)
			}
		}
		req := httptest.NewRequestWithContext(t.Context(), route.Method, path, nil)
		req.Header.Set("Authorization", "Bearer "+tokens()[access.Operator])
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, req)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s from a page elsewhere: got %d, want 403", key, w.Code)
		}
	}
	for key := range table {
		if !seen[key] {
			t.Errorf("access.Routes has %s, which is no route", key)
		}
	}
	// GET never changes anything.
	b := &fakeBackend{}
	engine = newEngine(t, b, slog.New(slog.DiscardHandler))
	for _, route := range engine.Routes() {
		if route.Method == http.MethodGet {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.ReplaceAll(route.Path, ":id", "r1"), nil)
			req.Header.Set("Authorization", "Bearer "+tokens()[access.Operator])
			engine.ServeHTTP(httptest.NewRecorder(), req)
		}
	}
	if told := b.noted(); !slices.Equal(told, []string{"journal 0 100"}) {
		t.Errorf("GET made it %q", told)
	}
}
