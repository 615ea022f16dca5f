package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/access"
)

func TestBadInput(t *testing.T) {
	for _, tc := range []struct {
		method, target, body string
		header               http.Header
		status               int
		text                 string
	}{
		{method: "POST", target: "/api/v1/pauses", body: `{"cluster":"demo"}`, status: 400, text: "the reason is missing"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"  "}`, status: 400, text: "the reason is missing"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"a\nb"}`, status: 400, text: "without control characters"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"\u001b[31m"}`, status: 400, text: "without control characters"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"\u202egnp"}`, status: 400, text: "without control characters"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"` + strings.Repeat("x", 501) + `"}`, status: 400, text: "at most 500 bytes"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"r","cluster":"a\u0000"}`, status: 400, text: "no name or id"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"r","by":"root"}`, status: 400, text: `unknown field "by"`},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"r","Reason":"s"}`, status: 400, text: `unknown field "Reason"`},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"r","reason":"s"}`, status: 400, text: "duplicate"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":1}`, status: 400, text: `at "/reason"`},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"r"} {}`, status: 400, text: "not the JSON object that is wanted"},
		{method: "POST", target: "/api/v1/pauses", body: ``, status: 400, text: "not the JSON object that is wanted"},
		{method: "POST", target: "/api/v1/pauses", body: `{"reason":"` + strings.Repeat("x", 70_000) + `"}`, status: 413, text: "longer than 65536 bytes"},
		{method: "POST", target: "/api/v1/pauses", body: `reason=r`, header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, status: 415, text: "not application/json"},
		{method: "POST", target: "/api/v1/releases", body: `{}`, status: 400, text: "no name or id"},
		{method: "POST", target: "/api/v1/closures", body: `{"episode":"e1"}`, status: 400, text: "the reason is missing"},
		{method: "POST", target: "/api/v1/undos", body: `{"run":"r1"}`, status: 400, text: "the reason is missing"},
		{method: "POST", target: "/api/v1/undos", body: `{"comment":"c"}`, status: 400, text: "no name or id"},
		{method: "POST", target: "/api/v1/undos", body: `{"run":"r1","comment":"c","actor":"root"}`, status: 400, text: `unknown field "actor"`},
		{method: "GET", target: "/api/v1/undos/a%0ab", status: 400, text: "no name or id"},
		{method: "DELETE", target: "/api/v1/pauses/a%0ab", status: 400, text: "no name or id"},
		{method: "GET", target: "/api/v1/runs?limit=0", status: 400, text: "limit is from 1 to 1000"},
		{method: "GET", target: "/api/v1/runs?limit=1001", status: 400, text: "limit is from 1 to 1000"},
		{method: "GET", target: "/api/v1/runs?limit=-1", status: 400, text: "no whole number"},
		{method: "GET", target: "/api/v1/runs?limit=1&limit=2", status: 400, text: "more than once"},
		{method: "GET", target: "/api/v1/runs?open=maybe", status: 400, text: "open="},
		{method: "GET", target: "/api/v1/runs?Limit=1", status: 400, text: `unknown query parameter "Limit"`},
		{method: "GET", target: "/api/v1/runs?playbook=a%00", status: 400, text: "no name or id"},
		{method: "GET", target: "/api/v1/runs?a;b", status: 400, text: "the query cannot be read"},
		{method: "GET", target: "/api/v1/runs/" + strings.Repeat("x", 201), status: 400, text: "no name or id"},
		{method: "GET", target: "/api/v1/episodes?outcome=x", status: 400, text: `unknown query parameter "outcome"`},
		{method: "GET", target: "/api/v1/journal?from=x", status: 400, text: "no whole number"},
		{method: "GET", target: "/api/v1/journal?about=e1&limit=1", status: 400, text: "does not go together"},
		{method: "GET", target: "/api/v1/nothing", status: 404, text: "no such path"},
		{method: "GET", target: "/api/v1/runs/", status: 404, text: "no such path"},
		{method: "PUT", target: "/api/v1/runs", status: 405, text: "does not take PUT"},
		{method: "GET", target: "/api/v1/alertmanager", status: 405, text: "does not take GET"},
	} {
		t.Run(tc.method+" "+tc.target[:min(len(tc.target), 40)]+" "+tc.body[:min(len(tc.body), 30)], func(t *testing.T) {
			b := &fakeBackend{}
			req := httptest.NewRequestWithContext(t.Context(), tc.method, tc.target, strings.NewReader(tc.body))
			req.Header.Set("Authorization", "Bearer "+tokens()[access.Operator])
			req.Header.Set("Content-Type", "application/json")
			for name, values := range tc.header {
				req.Header[name] = values
			}
			w := httptest.NewRecorder()
			newEngine(t, b, slog.New(slog.DiscardHandler)).ServeHTTP(w, req)
			var got struct{ Error, Hint string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			if w.Code != tc.status || !strings.Contains(got.Error, tc.text) {
				t.Errorf("got %d %q, want %d %q", w.Code, got.Error, tc.status, tc.text)
			}
			if told := b.noted(); len(told) > 0 {
				t.Errorf("it reached the backend: %q", told)
			}
		})
	}
}

// A panic costs its request only, and the log does not show the credentials.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	engine := newEngine(t, &fakeBackend{}, slog.New(slog.NewTextHandler(&log, nil)))
	req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/runs/panic", nil)
	req.Header.Set("Authorization", "Bearer "+tokens()[access.Viewer])
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, req)
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret-token") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "on purpose") || strings.Contains(log.String(), tokens()[access.Viewer]) {
		t.Errorf("log: %s", log.String())
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	engine := newEngine(t, &fakeBackend{}, slog.New(slog.DiscardHandler))
	for _, target := range []string{"/", "/-/healthy", "/api/v1/state", "/nothing", "/metrics"} {
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", target, nil))
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", target, w.Header())
		}
	}
}
