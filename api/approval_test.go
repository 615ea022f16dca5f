package api_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
)

// The approver and the one who knows are who the server finds the caller to be.
func TestClientApproves(t *testing.T) {
	b := &fakeBackend{}
	c := newClient(t, newServer(t, b).URL, tokens()[access.Operator])
	done, err := c.Approve(t.Context(), api.Word{Episode: "e1", Premise: "sha256:77", By: "somebody else", Comment: "go"})
	if err != nil || !slices.Equal(done.By, []string{"operator"}) || done.Needed != 1 {
		t.Errorf("approved %+v (%v)", done, err)
	}
	var e *api.Error
	if _, err := c.Approve(t.Context(), api.Word{Episode: "e1", Premise: "sha256:66"}); !errors.As(err, &e) || e.Status != http.StatusConflict {
		t.Errorf("another premise: %v", err)
	}
	if _, err := c.Approve(t.Context(), api.Word{Episode: "e1"}); !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		t.Errorf("no premise: %v", err)
	}
	if err := c.Acknowledge(t.Context(), api.Word{Episode: "e1", By: "somebody else"}); err != nil {
		t.Error(err)
	}
	if err := c.Acknowledge(t.Context(), api.Word{Episode: "e1", Comment: "two\nlines"}); !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		t.Errorf("a comment of two lines: %v", err)
	}
	if told := b.noted(); !slices.Equal(told, []string{"approve e1 sha256:77 by operator: go", "ack e1 by operator: "}) {
		t.Errorf("the backend heard %q", told)
	}
}

// Where nobody is known nobody approves.
func TestNobodyApproves(t *testing.T) {
	policy, err := access.New(access.Options{Table: access.Routes()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	engine, err := api.NewEngine(log, policy.Check)
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBackend{}
	api.New(api.Options{Backend: b, Log: log, Metrics: http.NotFoundHandler()}).Register(engine)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/approvals", strings.NewReader(`{"episode":"e1","premise":"sha256:77"}`))
	req.Header.Set("Content-Type", gin.MIMEJSON)
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, req)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "a known person's") || len(b.noted()) != 0 {
		t.Errorf("%d %s, the backend heard %q", w.Code, w.Body, b.noted())
	}
}
