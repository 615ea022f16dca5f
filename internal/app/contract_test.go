package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// received are the records of alerts, in order.
func received(t *testing.T, a *App) (all []repair.Received) {
	t.Helper()
	err := a.seq.Read(t.Context(), func(*repair.Engine) {})
	if err != nil {
		t.Fatal(err)
	}
	records, err := backend{a}.Journal(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Type != repair.TypeReceived {
			continue
		}
		var got repair.Received
		if err := json.Unmarshal(r.Data, &got); err != nil {
			t.Fatal(err)
		}
		all = append(all, got)
	}
	return all
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// What a message left out is fetched from the configured Alertmanagers, after the
// answer; never from where the message says that it came from.
func TestTruncatedMessageIsCompleted(t *testing.T) {
	var asked, elsewhere atomic.Int64
	answered := make(chan struct{})
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v2/alerts" {
			http.NotFound(w, r)
			return
		}
		if asked.Add(1) == 1 {
			<-answered // the webhook's answer does not wait for this one
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[`) //nolint:errcheck // fettle would say so
		for i, member := range []string{"m2", "m3"} {
			if i > 0 {
				fmt.Fprint(w, `,`) //nolint:errcheck // the same
			}
			fmt.Fprintf(w, `{"annotations":{},"endsAt":"2026-11-21T09:00:00Z","fingerprint":"x","receivers":[{"name":"w"}],"startsAt":"2026-11-21T02:00:00Z","status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T02:00:00Z","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","member":%q}}`, member) //nolint:errcheck // the same
		}
		fmt.Fprint(w, `]`) //nolint:errcheck // the same
	}))
	t.Cleanup(am.Close)
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(evil.Close)
	a := start(t, plain+"alertmanager: {urls: ["+am.URL+"]}\n")
	body := strings.Replace(firing, `"version":"4"`, `"version":"4","truncatedAlerts":1,"externalURL":"`+evil.URL+`"`, 1)
	if code, said := post(t, a, body); code != http.StatusOK {
		t.Fatalf("%d %s", code, said)
	}
	close(answered)
	until(t, "m3 is fetched", func() bool {
		return slices.ContainsFunc(received(t, a), func(r repair.Received) bool {
			return r.Labels["member"] == "m3" && strings.HasPrefix(r.Actor, "alertmanager:")
		})
	})
	if n := len(received(t, a)); n != 2 {
		t.Errorf("%d alerts were received, want m2 from the message and m3 from Alertmanager", n)
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("externalURL was asked %d times", n)
	}
}

// A message that is refused for its length has its alerts fetched as well.
func TestTooLargeMessageIsCompleted(t *testing.T) {
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"annotations":{},"endsAt":"2026-11-21T09:00:00Z","fingerprint":"x","receivers":[{"name":"w"}],"startsAt":"2026-11-21T02:00:00Z","status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T02:00:00Z","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","member":"m9"}}]`) //nolint:errcheck // fettle would say so
	}))
	t.Cleanup(am.Close)
	a := start(t, strings.Replace(plain, "web: {", "web: {max_body: 64KiB, ", 1)+"alertmanager: {urls: ["+am.URL+"]}\n")
	if code, said := post(t, a, strings.Replace(firing, `"annotations":{}`, `"annotations":{"a":"`+strings.Repeat("x", 64<<10)+`"}`, 1)); code != http.StatusRequestEntityTooLarge {
		t.Fatalf("%d %s", code, said)
	}
	until(t, "m9 is fetched", func() bool { return len(received(t, a)) == 1 })
}

// The same alert is the same episode, whatever startsAt, annotations and fields that
// fettle does not know say; another Alertmanager may see it begin at another time.
func TestMovingStartsAt(t *testing.T) {
	a := start(t, plain)
	for i, starts := range []string{"2026-11-21T02:24:51Z", "2026-11-21T02:24:50.999Z", "2026-11-21T09:00:00+05:00", "0001-01-01T00:00:00Z", "2027-01-01T00:00:00Z"} {
		body := strings.Replace(firing, "2026-11-21T02:24:51Z", starts, 1)
		body = strings.Replace(body, `"version":"4"`, fmt.Sprintf(`"version":"4","notification_reason":"repeat interval elapsed","routeLabels":{"n":"%d"},"receivedBy":[%d]`, i, i), 1)
		body = strings.Replace(body, `"annotations":{}`, fmt.Sprintf(`"annotations":{"value":"%d"}`, i), 1)
		if code, said := post(t, a, body); code != http.StatusOK || i > 0 && !strings.Contains(said, `"received":0,"repeats":1`) {
			t.Errorf("%s: %d %s", starts, code, said)
		}
	}
	episodes, err := backend{a}.Episodes(t.Context(), api.Filter{Limit: 10})
	if err != nil || len(episodes) != 1 || len(received(t, a)) != 1 {
		t.Errorf("%d episodes, %d received (%v)", len(episodes), len(received(t, a)), err)
	}
}

// `resolved` says where to look, and ends nothing that still has to be looked at: no
// run is called repaired for it.
func TestResolvedIsAHint(t *testing.T) {
	a := start(t, plain)
	resolved := strings.ReplaceAll(firing, `"status":"firing"`, `"status":"resolved"`)
	for _, step := range []struct{ body, want string }{
		{resolved, `"received":1,"repeats":0`}, // nothing is known of it: it opens nothing
		{firing, `"received":1,"repeats":0`},
		{resolved, `"received":1,"repeats":0`},
		{resolved, `"received":0,"repeats":1`},
		{firing, `"received":1,"repeats":0`}, // another episode
	} {
		if code, said := post(t, a, step.body); code != http.StatusOK || !strings.Contains(said, step.want) {
			t.Errorf("%d %s, want %s", code, said, step.want)
		}
	}
	records, err := backend{a}.Journal(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(records, func(r journal.Record) bool { return strings.Contains(string(r.Data), `"outcome":"repaired"`) }) {
		t.Error("repaired, by a message")
	}
}

// A custom payload is refused with words that say what to take out.
func TestCustomPayloadIsRefused(t *testing.T) {
	a := start(t, plain)
	for _, body := range []string{`{"text":"m2 is down"}`, `{"alerts":[],"status":"firing"}`, `[{"labels":{}}]`, `"down"`} {
		if code, said := post(t, a, body); code != http.StatusBadRequest || !strings.Contains(said, "`payload:`") {
			t.Errorf("%s: %d %s", body, code, said)
		}
	}
	if n := len(received(t, a)); n != 0 {
		t.Errorf("%d records", n)
	}
}
