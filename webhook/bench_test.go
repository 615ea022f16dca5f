package webhook

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/alert"
)

// fakeSink takes everything and keeps nothing.
type fakeSink struct{ alerts int }

func (s *fakeSink) Take(_ context.Context, _ Message, alerts iter.Seq2[alert.Alert, error]) (Taken, error) {
	var t Taken
	for _, err := range alerts {
		if err != nil {
			return Taken{}, err
		}
		t.Received++
	}
	s.alerts += t.Received
	return t, nil
}

func (s *fakeSink) Overflow(context.Context, string, int64) error { return nil }

// message is one as Alertmanager sends it, with n different alerts.
func message(n int) string {
	var b strings.Builder
	b.WriteString(`{"receiver":"fettle","status":"firing","alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","instance":"host-%d:9773","job":"fettle","member":"m%d","severity":"critical","tier":"P0"},`+
			`"annotations":{"description":"Member m%d of demo has not been reachable for 10s: its process is gone, or it does not answer.","playbook":"etcd-member-start","runbook_url":"http://127.0.0.1:9774/runbooks/FettleRaftMemberDown","summary":"etcd member m%d of demo is down"},`+
			`"startsAt":"2026-11-21T02:31:07.421Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1:9090/graph?g0.expr=fettle_raft_member_reachable+%%3D%%3D+0&g0.tab=1","fingerprint":"16c5b08d79aa2e85"}`, i, i, i, i)
	}
	b.WriteString(`],"groupLabels":{"alertname":"FettleRaftMemberDown"},"commonLabels":{"alertname":"FettleRaftMemberDown","cluster":"demo","job":"fettle"},"commonAnnotations":{"playbook":"etcd-member-start"},` +
		`"externalURL":"http://127.0.0.1:9093","version":"4","groupKey":"{}/{tier=~\"P[012]\"}:{alertname=\"FettleRaftMemberDown\"}","truncatedAlerts":0}`)
	return b.String()
}

// BenchmarkReceive is the handler alone, without the network and with a sink that
// does nothing: what the webhook itself costs a message.
func BenchmarkReceive(b *testing.B) {
	for _, n := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("alerts=%d", n), func(b *testing.B) {
			body := message(n)
			sink := &fakeSink{}
			h := New(Options{
				Sink: sink, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
				NewID: func() string { return "0199a000-0000-7000-8000-000000000001" }, SpoolDir: b.TempDir(),
			})
			gin.SetMode(gin.ReleaseMode)
			e := gin.New()
			e.Use(h.Count)
			h.Register(e)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, Path, strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				e.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/alert")
		})
	}
}
