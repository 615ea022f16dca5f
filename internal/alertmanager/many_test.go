package alertmanager

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// fakeMany answers with n active alerts, as Alertmanager writes them: 600 bytes each.
func fakeMany(t testing.TB, n int) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		b := bufio.NewWriterSize(w, 64<<10)
		defer b.Flush()
		for i := range n {
			sep := byte(',')
			if i == 0 {
				sep = '['
			}
			fmt.Fprintf(b, `%c{"annotations":{"description":"Member m%d of cluster c%d cannot be reached.","runbook_url":"https://fettle.example/runbooks/FettleRaftMemberDown","summary":"m%d is down"},`+
				`"endsAt":"2026-11-21T03:00:00.000Z","fingerprint":"%016x","receivers":[{"name":"people"},{"name":"fettle"}],"startsAt":"2026-11-21T02:00:00.000Z",`+
				`"status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T02:00:00.000Z",`+
				`"generatorURL":"http://prometheus.example:9090/graph?g0.expr=fettle_raft_member_reachable+%%3D%%3D+0&g0.tab=1",`+
				`"labels":{"alertname":"FettleRaftMemberDown","cluster":"c%d","member":"m%d","severity":"critical","tier":"P0"}}`, sep, i, i/5, i, i, i/5, i)
		}
		_ = b.WriteByte(']')
	}))
	t.Cleanup(srv.Close)
	c, err := New(srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const many = 100_000

// What an answer of 100,000 alerts costs at its highest, in bytes of heap.
func TestPollOfManyAlertsIsBounded(t *testing.T) {
	c := fakeMany(t, many)
	for _, tt := range []struct {
		fetch bool
		most  uint64
	}{{false, 48 << 20}, {true, 192 << 20}} {
		var n int
		peak := heapOf(func() {
			s := c.Poll(t.Context(), tt.fetch)
			if s.Err != nil || len(s.Active) != many || tt.fetch && len(s.Alerts) != many {
				t.Errorf("%d active, %d fetched: %v", len(s.Active), len(s.Alerts), s.Err)
			}
			n = len(s.Alerts)
		})
		t.Logf("fetch %t: %d MiB at most (%d alerts kept)", tt.fetch, peak>>20, n)
		if peak > tt.most {
			t.Errorf("fetch %t: %d MiB of heap, %d are the most", tt.fetch, peak>>20, tt.most>>20)
		}
	}
}

// heapOf is how far the heap grew while f ran, at its highest.
func heapOf(f func()) uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, peak := read(), uint64(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-tick.C:
			peak = max(peak, read()-min(before, read()))
		}
	}
}

func BenchmarkPoll(b *testing.B) {
	c := fakeMany(b, many)
	for _, fetch := range []bool{false, true} {
		b.Run(fmt.Sprintf("fetch=%t", fetch), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s := c.Poll(b.Context(), fetch); s.Err != nil {
					b.Fatal(s.Err)
				}
			}
		})
	}
}
