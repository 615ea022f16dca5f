package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/webhook"
)

// What real Alertmanagers sent, the oldest supported one and the newest.
func TestCapturedPayloads(t *testing.T) {
	paths, err := filepath.Glob("testdata/alertmanager-*.json")
	if err != nil || len(paths) < 2 {
		t.Fatalf("captured payloads: %v (%v)", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Receiver, GroupKey, ExternalURL string
				Reason                          string `json:"notification_reason"`
				Alerts                          []alert.Alert
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			sink := &fakeSink{}
			s := newServer(t, sink, 0)
			got := s.post(t, string(b), nil)
			if got.status != http.StatusOK {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if got.body != `{"received":1,"repeats":0,"seq":7,"unmatched":0}` {
				t.Errorf("got %s", got.body)
			}
			if len(sink.messages) != 1 || len(sink.alerts) != len(want.Alerts) {
				t.Fatalf("got %d messages, %d alerts", len(sink.messages), len(sink.alerts))
			}
			m := sink.messages[0]
			if m.ID == "" || m.Actor != "webhook" || m.Size != int64(len(b)) || m.Receiver != want.Receiver ||
				m.GroupKey != want.GroupKey || m.Reason != want.Reason || m.ExternalURL != want.ExternalURL || m.Truncated != 0 {
				t.Errorf("got message %+v", m)
			}
			for i, a := range sink.alerts {
				if a.Fingerprint != want.Alerts[i].Fingerprint || !maps.Equal(a.Labels, want.Alerts[i].Labels) || a.Status != want.Alerts[i].Status ||
					!a.StartsAt.Equal(want.Alerts[i].StartsAt) || !a.EndsAt.Equal(want.Alerts[i].EndsAt) || a.GeneratorURL != want.Alerts[i].GeneratorURL {
					t.Errorf("alert %d: got %+v, want %+v", i, a, want.Alerts[i])
				}
			}
			if n := counter(t, s.metrics, "fettle_webhook_alerts_total", "result", "received"); n != 1 {
				t.Errorf("alerts_total{result=received} is %v, want 1", n)
			}
		})
	}
}

func TestTaken(t *testing.T) {
	for _, tc := range []struct{ name, body string }{
		{"unknown fields", with(`"groupLabels":{}`, `"new":{"Alerts":1},"groupLabels":{}`)},
		{"unknown fields of an alert", with(`"annotations":{}`, `"new":[[1]],"annotations":{}`)},
		{"labels that differ in case", with(`"alertname":"Down"`, `"alertname":"Down","Alertname":"down","status":"x","STATUS":"y"`)},
		{"a charset", one},
		{"32 levels", with(`"groupLabels":{}`, `"x":`+strings.Repeat("[", 31)+strings.Repeat("]", 31))},
		{"no alerts", `{"version":"4","alerts":[]}`},
		{"another order", `{"version":"4","groupKey":"k","alerts":[]}`},
		{"blanks", "\r\n\t " + one + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sink := &fakeSink{}
			s := newServer(t, sink, 0)
			got := s.post(t, tc.body, http.Header{"Content-Type": {"application/json; charset=UTF-8"}, "Content-Encoding": {"identity"}})
			if got.status != http.StatusOK || len(sink.messages) != 1 {
				t.Errorf("got %d %s, %d messages", got.status, got.body, len(sink.messages))
			}
		})
	}
}

// Labels arrive as they were sent, whatever they look like.
func TestHostileLabelsAreText(t *testing.T) {
	for _, value := range []string{
		"a\nb", "a\x00b", "{{ .Secrets }}", "${{ env }}", "$(reboot)", "`reboot`", "; rm -rf /", "-rf", "--help", "a|b", "../../etc/passwd",
		"\x1b[31m", "\u202egnp", "'\"\\", "<script>alert(1)</script>", "", strings.Repeat("é", 5000),
	} {
		t.Run(fmt.Sprintf("%.20q", value), func(t *testing.T) {
			labels := map[string]string{"alertname": "Down", "value": value, "name " + value: "x"}
			b, err := json.Marshal(labels)
			if err != nil {
				t.Fatal(err)
			}
			sink := &fakeSink{}
			s := newServer(t, sink, 0)
			if got := s.post(t, with(`{"alertname":"Down"}`, string(b)), nil); got.status != http.StatusOK {
				t.Fatalf("got %d", got.status)
			}
			if got := sink.alerts[0]; !maps.Equal(got.Labels, labels) || got.Fingerprint != alert.FingerprintOf(labels) {
				t.Errorf("got %q", got.Labels)
			}
		})
	}
}

// The fingerprint in a message is not believed, and a long alert is bounded.
func TestAlertsAreBounded(t *testing.T) {
	sink := &fakeSink{}
	s := newServer(t, sink, 0)
	long := strings.Repeat("x", 100<<10)
	for _, body := range []string{
		with(`"16c5b08d79aa2e85"`, `"0000000000000000"`),
		with(`"Down"`, `"`+long+`"`),
		with(`"annotations":{}`, `"annotations":{"description":"`+long+`"}`),
		with(`"groupKey":"{}:{}"`, `"groupKey":"`+long+`"`),
	} {
		if got := s.post(t, body, nil); got.status != http.StatusOK {
			t.Fatalf("got %d", got.status)
		}
	}
	down := alert.FingerprintOf(map[string]string{"alertname": "Down"})
	if got := sink.alerts[0].Fingerprint; got != down {
		t.Errorf("fingerprint %s, want %s", got, down)
	}
	if got := sink.alerts[1]; !got.Oversize || len(got.Labels) != 0 || got.Fingerprint != alert.FingerprintOf(map[string]string{"alertname": long}) {
		t.Errorf("long labels: got oversize %v, %d labels, fingerprint %s", got.Oversize, len(got.Labels), got.Fingerprint)
	}
	if got := sink.alerts[2]; got.Oversize || got.Cut["/annotations/description"].Length != len(long) {
		t.Errorf("long annotation: got oversize %v, cuts %v", got.Oversize, got.Cut)
	}
	if got := sink.messages[3].GroupKey; len(got) > webhook.MaxField {
		t.Errorf("group key of %d bytes", len(got))
	}
}

// countingSink keeps nothing, and measures.
type countingSink struct {
	n    int
	peak *atomic.Uint64
}

func (s *countingSink) Take(_ context.Context, _ webhook.Message, alerts iter.Seq2[alert.Alert, error]) (webhook.Taken, error) {
	for _, err := range alerts {
		if err != nil {
			return webhook.Taken{}, err
		}
		if s.n++; s.n%10_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.peak.Store(max(s.peak.Load(), m.HeapAlloc))
		}
	}
	return webhook.Taken{Received: s.n}, nil
}

func (s *countingSink) Overflow(context.Context, string, int64) error { return nil }

// 50,000 alerts, about 30 MB, go through without being held.
func TestLargeMessageStreams(t *testing.T) {
	const n = 50_000
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, `{"receiver":"fettle","alerts":[`)
		for i := 0; i < n && err == nil; i++ {
			if i > 0 {
				_, err = io.WriteString(w, ",")
			}
			if err == nil {
				_, err = fmt.Fprintf(w, `{"status":"firing","labels":{"alertname":"Down","instance":"host-%d:9100"},"annotations":{"description":%q},"startsAt":"2026-11-21T02:31:07Z"}`,
					i, strings.Repeat("text ", 100))
			}
		}
		if err == nil {
			_, err = io.WriteString(w, `],"version":"4","truncatedAlerts":3}`)
		}
		w.CloseWithError(err)
	}()
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sink := &countingSink{peak: new(atomic.Uint64)}
	s := newServer(t, sink, 0)
	if got := s.send(t, r, nil); got.status != http.StatusOK || sink.n != n {
		t.Fatalf("got %d %s, %d alerts", got.status, got.body, sink.n)
	}
	if grown := int64(sink.peak.Load()) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d MiB of heap in use while streaming", grown>>20)
	}
}

// Messages of nearly 1 MiB, many at once: what there is room for is held in memory,
// the others are read from files, and all of them are taken.
func TestManyLargeMessages(t *testing.T) {
	const n, alerts = 24, 1500
	var b strings.Builder
	for i := range alerts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"Down","instance":"host-%d:9100"},"annotations":{"description":%q},"startsAt":"2026-11-21T02:31:07Z"}`, i, strings.Repeat("text ", 100))
	}
	body := `{"receiver":"fettle","alerts":[` + b.String() + `],"version":"4"}`
	if len(body) > 1<<20 || len(body) < 900<<10 {
		t.Fatalf("%d bytes", len(body))
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sink := &slowSink{}
	s := newServer(t, sink, 0)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if got := s.post(t, body, nil); got.status != http.StatusOK {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if got := sink.n.Load(); got != n*alerts {
		t.Errorf("%d alerts were taken of %d", got, n*alerts)
	}
	if grown := int64(sink.peak.Load()) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MiB of heap in use", grown>>20)
	} else {
		t.Logf("%d MiB of heap in use at most", grown>>20)
	}
}

// slowSink is in no hurry, so that messages gather before it, and measures.
type slowSink struct {
	n, peak   atomic.Uint64
	measuring sync.Mutex
}

func (s *slowSink) Take(_ context.Context, _ webhook.Message, alerts iter.Seq2[alert.Alert, error]) (webhook.Taken, error) {
	taken := webhook.Taken{}
	for _, err := range alerts {
		if err != nil {
			return webhook.Taken{}, err
		}
		taken.Received++
	}
	s.n.Add(uint64(taken.Received)) //nolint:gosec // it counts
	<-time.After(20 * time.Millisecond)
	s.measuring.Lock()
	defer s.measuring.Unlock()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.peak.Store(max(s.peak.Load(), m.HeapAlloc))
	return taken, nil
}

func (s *slowSink) Overflow(context.Context, string, int64) error { return nil }

// counter reads one counter with one label.
func counter(t *testing.T, g prometheus.Gatherer, name, label, value string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	t.Fatalf("no %s{%s=%q}", name, label, value)
	return 0
}
