package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestPost(t *testing.T) {
	var got []map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v2/alerts" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	c, err := New(srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 2, 34, 0, 0, time.UTC)
	err = c.Post(t.Context(), []Post{{
		Labels: map[string]string{"alertname": "FettleEscalation"}, Annotations: map[string]string{"summary": "s"},
		StartsAt: at, EndsAt: at.Add(4 * time.Minute), GeneratorURL: "http://fettle.example/",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0]["startsAt"] != "2026-11-21T02:34:00.000Z" || got[0]["endsAt"] != "2026-11-21T02:38:00.000Z" || got[0]["generatorURL"] != "http://fettle.example/" {
		t.Errorf("posted %v", got)
	}
}

func TestFailure(t *testing.T) {
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for _, tt := range []struct {
		want   string
		answer http.HandlerFunc
	}{
		{FailedRejected, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`"no"`))
		}},
		{FailedRejected, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }},
		{FailedTimeout, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hung:
			case <-r.Context().Done():
			}
		}},
		{FailedConnect, nil},
	} {
		srv := httptest.NewServer(tt.answer)
		if tt.answer == nil {
			srv.Close()
		}
		c, err := New(srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if tt.want == FailedTimeout {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		err = c.Post(ctx, []Post{{Labels: map[string]string{"alertname": "A"}}})
		cancel()
		if err == nil || Failure(err) != tt.want {
			t.Errorf("%v: failure %q, want %s", err, Failure(errors.Join(err)), tt.want)
		}
		if tt.answer != nil && tt.want != FailedTimeout {
			srv.Close()
		}
	}
}
