//go:build servers

package amtest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

// An Alertmanager that has 100,000 other active alerts, asked every second while an
// episode is open, and once for all of them because a message was cut short: fettle
// stays below 256 MiB.
func TestManyActiveAlerts(t *testing.T) {
	const others = 100_000
	services := newServices(t, 1)
	var polls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/alerts") {
			_, _ = w.Write([]byte(`{}`))
			return
		}
		fakeAlerts(w, others)
		polls.Add(1)
	}))
	t.Cleanup(srv.Close)
	s := configure(t, services.inventory(), []string{srv.URL}, "poll_left_out: 10m")
	s.start()
	g := newGate(t)
	w := &ward{T: t, fakeServices: services, server: s, gate: g}
	services.crash(t, "s1")
	f := down("s1")
	message := fmt.Sprintf(`{"version":"4","groupKey":"{}:{}","truncatedAlerts":%d,"receiver":"fettle","status":"firing","alerts":[{"status":"firing","labels":`+
		`{"alertname":"FettleServiceDown","cluster":"s1","member":"web","severity":"critical","tier":"P1"},"annotations":{},"startsAt":"2026-11-21T02:00:00Z"}]}`, others)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/alertmanager", strings.NewReader(message))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(webhookRole))
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	w.settled(repair.Repaired, f)
	until(t, "it was polled", func() error {
		if polls.Load() < 4 {
			return errNotYet
		}
		return nil
	})
	peak := peakRSS(t, s.proc.PID())
	t.Logf("%d MiB resident at most, %d records", peak>>20, len(w.story()))
	if peak > 256<<20 {
		t.Errorf("%d MiB resident", peak>>20)
	}
}

// fakeAlerts writes n active alerts as Alertmanager does.
func fakeAlerts(w http.ResponseWriter, n int) {
	b := bufio.NewWriterSize(w, 64<<10)
	defer b.Flush()
	for i := range n {
		sep := byte(',')
		if i == 0 {
			sep = '['
		}
		fmt.Fprintf(b, `%c{"annotations":{"description":"Member m%d of cluster c%d cannot be reached.","runbook_url":"https://fettle.example/runbooks/x","summary":"m%d is down"},`+
			`"endsAt":"2026-11-21T03:00:00.000Z","fingerprint":"%016x","receivers":[{"name":"fettle"}],"startsAt":"2026-11-21T02:00:00.000Z",`+
			`"status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T02:00:00.000Z",`+
			`"generatorURL":"http://prometheus.example:9090/graph?g0.expr=up+%%3D%%3D+0&g0.tab=1",`+
			`"labels":{"alertname":"SomethingElse","cluster":"c%d","member":"m%d","severity":"critical","tier":"P1"}}`, sep, i, i/5, i, i, i/5, i)
	}
	_, _ = b.WriteString(`,{"annotations":{},"startsAt":"2026-11-21T02:00:00.000Z","status":{"silencedBy":[],"state":"active"},` +
		`"labels":{"alertname":"FettleServiceDown","cluster":"s1","member":"web","severity":"critical","tier":"P1"}}]`)
}

// peakRSS is the most that a process ever had resident, in bytes.
func peakRSS(t testing.TB, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
