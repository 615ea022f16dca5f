package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/probe"
)

// prober is one that can be made.
func prober(t *testing.T, p probe.Probe) *probe.Prober {
	t.Helper()
	made, err := probe.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// mute accepts connections and never answers.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // what nobody accepts, the kernel does
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// What is counted over several probes, what is logged of them, and what is absent.
func TestProbeCounts(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusOK)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	defer site.Close()
	var log bytes.Buffer
	c := newProbe(Host{
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
		Probes: []*probe.Prober{prober(t, probe.Probe{Name: "shop", Kind: probe.HTTP, Target: site.URL, Cluster: "web", Member: "w1", Failures: 2})},
	})
	const labels = `{cluster="web",kind="http",member="w1",probe="shop"}`
	since := float64(time.Now().Unix())
	for i, step := range []struct {
		status                     int
		success, failures, failing float64
	}{
		{http.StatusOK, 1, 0, 0},
		{http.StatusBadGateway, 0, 1, 0},
		{http.StatusServiceUnavailable, 0, 2, 1},
		{http.StatusBadGateway, 0, 3, 1},
		{http.StatusOK, 1, 0, 0},
	} {
		status.Store(int32(step.status)) //nolint:gosec // three digits
		got := gathered(t, c)
		for name, want := range map[string]float64{
			"success": step.success, "failures": step.failures, "failing": step.failing, "http_status_code": float64(step.status),
		} {
			if v, there := got["fettle_probe_"+name+labels]; !there || v != want {
				t.Errorf("step %d: %s is %v, want %v", i, name, v, want)
			}
		}
		failed := got[`fettle_probe_failure{cluster="web",kind="http",member="w1",probe="shop",reason="status"}`]
		if failed != 1-step.success {
			t.Errorf("step %d: reason status %v", i, failed)
		}
		if last := got["fettle_probe_last_success_timestamp_seconds"+labels]; last < since {
			t.Errorf("step %d: last success %v", i, last)
		}
		for name := range got {
			for _, not := range []string{"certificate", "dns", "icmp"} {
				if strings.Contains(name, not) {
					t.Errorf("step %d: there is %s", i, name)
				}
			}
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), `msg="A probe fails" probe=shop kind=http reason=status err="status 502"`) ||
		!strings.Contains(log.String(), `msg="A probe succeeds again" probe=shop`) {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}

// One that never succeeded has no time of its last success, and state all the same.
func TestProbeNeverSucceeded(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	got := gathered(t, newProbe(Host{Probes: []*probe.Prober{prober(t, probe.Probe{Name: "db", Kind: probe.TCP, Target: closed.Addr().String()})}}))
	const labels = `{cluster="",kind="tcp",member="",probe="db"}`
	if len(got) != 4+len(probe.Reasons()) || got["fettle_probe_failures"+labels] != 1 {
		t.Errorf("%v", got)
	}
	if _, there := got["fettle_probe_duration_seconds"+labels]; !there {
		t.Errorf("no duration: %v", got)
	}
}

// Twenty targets that accept and never answer cost themselves alone: the scrape is
// there within Prometheus' own limit, with all other values.
func TestTwentyMuteTargets(t *testing.T) {
	var probes []*probe.Prober
	for i := range 20 {
		p := probe.Probe{Name: fmt.Sprintf("mute%d", i), Target: mute(t), Timeout: time.Minute}
		switch p.Kind = []probe.Kind{probe.TCP, probe.HTTP, probe.GRPC, probe.DNS}[i%4]; p.Kind {
		case probe.TCP:
			p.TCP.Expect = "."
		case probe.DNS:
			p.DNS = probe.DNSOptions{Name: "a.test", TCP: true}
		case probe.HTTP:
			p.Target = "http://" + p.Target
		case probe.GRPC, probe.ICMP:
		}
		probes = append(probes, prober(t, p))
	}
	probes = append(probes, prober(t, probe.Probe{Name: "open", Kind: probe.TCP, Target: mute(t)}))
	e, err := newExporter(Options{Host: Host{Probes: probes}}, []Entry{{Name: "probe", Default: true, New: newProbe}, {Name: "other", Default: true, New: func(Host) Collector { return works("other") }}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	defer server.Close()
	const limit = 4 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	text := scrapedWithin(ctx, t, server.URL, limit)
	for i := range 20 {
		for _, want := range []string{`member="",probe="mute%d"} 0`, `member="",probe="mute%d",reason="timeout"} 1`} {
			if want = fmt.Sprintf(want, i); !strings.Contains(text, want) {
				t.Errorf("no %s", want)
			}
		}
	}
	for _, want := range []string{
		`fettle_probe_success{cluster="",kind="tcp",member="",probe="open"} 1`, "fettle_test_other 1",
		`fettle_collector_success{collector="probe"} 1`, `fettle_collector_timeout{collector="probe"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// scrapedWithin scrapes as Prometheus does with this limit, which ends ctx.
func scrapedWithin(ctx context.Context, t *testing.T, url string, limit time.Duration) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(timeoutHeader, fmt.Sprint(limit.Seconds()))
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, text.String())
	}
	return text.String()
}

// A probe that is stuck is not made a second time, and what is told of it is that it
// did not come back.
func TestProbeThatIsLate(t *testing.T) {
	c := &probeCollector{}
	if made, ok := newProbe(Host{}).(*probeCollector); ok {
		c = made
	}
	p := &watchedProbe{Prober: prober(t, probe.Probe{Name: "a", Kind: probe.TCP, Target: "a:1"}), labels: []string{"a", "tcp", "", ""}}
	p.count(probe.Result{Reason: cluster.Refused, Why: "refused", Took: time.Second}, time.Unix(1, 0), slog.New(slog.DiscardHandler))
	got := map[string]float64{}
	c.tell(p, probed{failures: p.seen.failures}, errLate, func(m *Metric, v float64, labels ...string) { got[m.Name+" "+labels[len(labels)-1]] = v })
	if got["fettle_probe_success "] != 0 || got["fettle_probe_failure timeout"] != 1 || got["fettle_probe_failures "] != 1 {
		t.Errorf("%v", got)
	}
	if _, there := got["fettle_probe_duration_seconds "]; there {
		t.Error("a probe that did not come back has a duration")
	}
}

// Who scrapes in a hurry makes nobody else's probe fail more often than it did.
func TestProbeInAHurryDoesNotCount(t *testing.T) {
	t.Parallel()
	c, ok := newProbe(Host{Probes: []*probe.Prober{prober(t, probe.Probe{Name: "mute", Kind: probe.HTTP, Target: "http://" + mute(t), Failures: 2})}}).(*probeCollector)
	if !ok {
		t.Fatal("another collector")
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), fairProbe-10*time.Millisecond)
		got := map[*Metric]float64{}
		err := c.Collect(ctx, nil, func(m *Metric, v float64, _ ...string) { got[m] = v })
		cancel()
		if err != nil && !errors.Is(err, errLate) { // on a busy machine it may not even come back
			t.Fatal(err)
		}
		if got[c.success] != 0 || got[c.failures] != 0 || got[c.failing] != 0 {
			t.Fatalf("success %v, failures %v, failing %v", got[c.success], got[c.failures], got[c.failing])
		}
	}
}
