package escalate_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fettle-io/fettle/escalate"
	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/repair"
)

func TestAlert(t *testing.T) {
	at := time.Date(2026, 11, 21, 2, 34, 0, 0, time.UTC)
	one := repair.Escalation{
		Cluster: "demo", Reason: "deadline", Tier: repair.P0, Since: at, Ends: at.Add(4 * time.Minute), Detail: "not in order within 1m0s", Episodes: 12,
		Sample: []repair.EscalatedEpisode{{Episode: "e1", Target: "demo/m2", Answer: "pause(paused): paused by alice"}, {Episode: "e2"}},
	}
	a := escalate.Alert(one, "https://fettle.example/at")
	want := map[string]string{"alertname": "FettleEscalation", "origin": "fettle", "severity": "critical", "tier": "P0", "cluster": "demo", "reason": "deadline"}
	if !reflect.DeepEqual(a.Labels, want) {
		t.Errorf("labels %v", a.Labels)
	}
	for _, say := range []string{
		"not in order within 1m0s", "demo/m2 (episode e1): pause(paused): paused by alice", "no target (episode e2)", "and 10 more", "fettle ack EPISODE",
	} {
		if !strings.Contains(a.Annotations["description"], say) {
			t.Errorf("the description does not say %q:\n%s", say, a.Annotations["description"])
		}
	}
	if a.Annotations["runbook_url"] != "https://fettle.example/at/docs/escalation" || a.GeneratorURL != "https://fettle.example/at" {
		t.Errorf("runbook %s, generator %s", a.Annotations["runbook_url"], a.GeneratorURL)
	}
	if !a.StartsAt.Equal(at) || !a.EndsAt.Equal(one.Ends) {
		t.Errorf("from %s to %s", a.StartsAt, a.EndsAt)
	}
	again := one
	again.Episodes, again.Sample, again.Detail, again.Over = 0, nil, "", true
	if !reflect.DeepEqual(escalate.Alert(again, "").Labels, a.Labels) {
		t.Error("its end is another alert than it")
	}
	long := one
	long.Detail = strings.Repeat("é", 5000)
	if n := len(escalate.Alert(long, "").Annotations["description"]); n > 1000 {
		t.Errorf("a description of %d bytes", n)
	}
	storm := escalate.Alert(repair.Escalation{Reason: "storm", Tier: repair.P2, Episodes: 1}, "")
	if _, ok := storm.Labels["cluster"]; ok || storm.Labels["severity"] != "warning" || !strings.Contains(storm.Annotations["summary"], "whole inventory") {
		t.Errorf("a storm: %v %s", storm.Labels, storm.Annotations["summary"])
	}
	if !strings.HasPrefix(storm.Annotations["runbook_url"], "https://github.com/") || storm.GeneratorURL != "" {
		t.Errorf("without an external URL: %s, %s", storm.Annotations["runbook_url"], storm.GeneratorURL)
	}
}

// Every Alertmanager is told, also where another one of them does not answer; no secret
// goes with it.
func TestTell(t *testing.T) {
	var mu sync.Mutex
	var got []map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	var managers []*alertmanager.Client
	for _, u := range []string{gone.URL, srv.URL} {
		m, err := alertmanager.New(u, nil)
		if err != nil {
			t.Fatal(err)
		}
		managers = append(managers, m)
	}
	reg := prometheus.NewRegistry()
	teller := escalate.New(escalate.Options{
		Managers: func() ([]*alertmanager.Client, string) { return managers, "" },
		Redact:   func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
		Metrics:  reg, Log: slog.New(slog.DiscardHandler),
	})
	teller.Tell(t.Context(), []repair.Escalation{{Cluster: "demo", Reason: "failed", Tier: repair.P1, Detail: "it said hunter2", Episodes: 1}})
	if len(got) != 1 {
		t.Fatalf("%d alerts came", len(got))
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "hunter2") || !strings.Contains(string(b), "it said [redacted]") {
		t.Errorf("posted %s", b)
	}
	err = testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP fettle_escalation_post_failures_total Posts of what people are told that an Alertmanager has not taken, by reason.
# TYPE fettle_escalation_post_failures_total counter
fettle_escalation_post_failures_total{reason="connect"} 1
fettle_escalation_post_failures_total{reason="rejected"} 0
fettle_escalation_post_failures_total{reason="timeout"} 0
# HELP fettle_escalation_posts_total Posts of what people are told that an Alertmanager has taken.
# TYPE fettle_escalation_posts_total counter
fettle_escalation_posts_total 1
`))
	if err != nil {
		t.Error(err)
	}
}
