package alertmanager

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fettle-io/fettle/alert"
)

// answer is what Alertmanager 0.25 answers: one alert active, one silenced.
const answer = `[
{"annotations":{},"endsAt":"2026-11-21T03:00:00Z","fingerprint":"ignored","receivers":[{"name":"w"}],"startsAt":"2026-11-21T02:00:00Z",
 "status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T02:00:00Z","generatorURL":"http://p/graph","labels":{"alertname":"Down","member":"m1"}},
{"annotations":{},"endsAt":"2026-11-21T03:00:00Z","fingerprint":"ignored","receivers":[{"name":"w"}],"startsAt":"2026-11-21T02:00:00Z",
 "status":{"inhibitedBy":[],"silencedBy":["s1"],"state":"suppressed"},"updatedAt":"2026-11-21T02:00:00Z","labels":{"alertname":"Down","member":"m2"}}]`

func fake(t *testing.T, status int, body string) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/am/api/v2/alerts" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	c, err := New(srv.URL+"/am/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPoll(t *testing.T) {
	one := alert.FingerprintOf(map[string]string{"alertname": "Down", "member": "m1"})
	two := alert.FingerprintOf(map[string]string{"alertname": "Down", "member": "m2"})
	s := fake(t, http.StatusOK, answer).Poll(t.Context(), true)
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	if silenced, ok := s.Active[one]; !ok || silenced {
		t.Errorf("m1: there %v, silenced %v", ok, silenced)
	}
	if silenced, ok := s.Active[two]; !ok || !silenced {
		t.Errorf("m2: there %v, silenced %v", ok, silenced)
	}
	if len(s.Alerts) != 1 || s.Alerts[0].Fingerprint != one || s.Alerts[0].Status != alert.Firing || s.Alerts[0].StartsAt.IsZero() {
		t.Errorf("fetched %+v, want m1 alone: a silenced alert starts nothing", s.Alerts)
	}
	if s := fake(t, http.StatusOK, answer).Poll(t.Context(), false); len(s.Alerts) != 0 || len(s.Active) != 2 {
		t.Errorf("a plain poll: %d alerts, %d active", len(s.Alerts), len(s.Active))
	}
}

func TestFetchEndsWithAnErrorOfTheTaker(t *testing.T) {
	full := errors.New("full")
	n := 0
	s := fake(t, http.StatusOK, answer).Fetch(t.Context(), func(alert.Alert) error { n++; return full })
	if !errors.Is(s.Err, full) || n != 1 || len(s.Active) > 0 {
		t.Errorf("%d taken, %+v", n, s)
	}
}

func TestPollThatFails(t *testing.T) {
	for name, c := range map[string]*Client{
		"500":                 fake(t, http.StatusInternalServerError, `"broken"`),
		"not json":            fake(t, http.StatusOK, `<html>`),
		"empty":               fake(t, http.StatusOK, ``),
		"null":                fake(t, http.StatusOK, `null`),
		"an object":           fake(t, http.StatusOK, `{}`),
		"ends in between":     fake(t, http.StatusOK, answer[:len(answer)-2]),
		"a label is a number": fake(t, http.StatusOK, `[{"labels":{"a":1},"status":{"silencedBy":[]}}]`),
		"redirect":            fake(t, http.StatusFound, ``),
	} {
		for _, fetch := range []bool{false, true} {
			if s := c.Poll(t.Context(), fetch); s.Err == nil || len(s.Active) > 0 || len(s.Alerts) > 0 {
				t.Errorf("%s, fetch %t: no error, or a part is believed: %+v", name, fetch, s)
			}
		}
	}
	for _, base := range []string{"", "127.0.0.1:9093", "http://"} {
		if _, err := New(base, nil); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}
