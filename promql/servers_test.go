//go:build servers

package promql

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
)

// startPrometheus starts a real Prometheus that scrapes what exporter answers
// every 200 ms, and gives its address and its log's name.
func startPrometheus(t *testing.T, exporter http.HandlerFunc) (address, logFile string) {
	t.Helper()
	p, err := programs.Find(t.Context(), "prometheus", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target := httptest.NewServer(exporter)
	t.Cleanup(target.Close)

	dir := t.TempDir()
	conf := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 200ms}\nscrape_configs:\n- job_name: fettle_exporter\n  static_configs: [{targets: ['" + strings.TrimPrefix(target.URL, "http://") + "']}]\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ports, err := port.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	address, logFile = fmt.Sprint("127.0.0.1:", ports[0]), filepath.Join(dir, "log")
	servertest.Of(t, servertest.Process{
		Name: "Prometheus", Argv: []string{p.Path, "--config.file=" + conf, "--storage.tsdb.path=" + dir, "--web.listen-address=" + address}, Log: logFile,
	}).Start()
	return address, logFile
}

func TestRealPrometheus(t *testing.T) {
	var value atomic.Int32 // -1: the target is down
	value.Store(1)
	address, log := startPrometheus(t, func(w http.ResponseWriter, _ *http.Request) {
		v := value.Load()
		if v < 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "fettle_raft_member_reachable{cluster=\"demo\",member=\"m1\"} %d\n", v)
	})
	c, err := New(Options{URL: "http://" + address, ScrapeInterval: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	await := func(what string, member string, wantReachable, wantKnown bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			reachable, known := c.MemberReachable(t.Context(), "demo", member)
			if reachable == wantReachable && known == wantKnown {
				return
			}
			if time.Now().After(deadline) {
				out, _ := os.ReadFile(log)
				t.Fatalf("%s: after a minute reachable %v, known %v\n%s", what, reachable, known, out)
			}
		}
	}
	await("reached", "m1", true, true)
	await("another member", "m2", false, false)
	value.Store(0)
	await("not reached", "m1", false, true)
	value.Store(-1)
	await("its exporter is down: nothing young enough is known", "m1", false, false)
	value.Store(1)
	await("reached again", "m1", true, true)
}

// An expression is not believed until everything in it was scraped twice since,
// and a value that would be hostile as text is only a value.
func TestRealVerify(t *testing.T) {
	var up, extra atomic.Bool
	up.Store(true)
	address, log := startPrometheus(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		v := 0
		if up.Load() {
			v = 1
		}
		fmt.Fprintf(w, "api_ready{member=\"m1\"} %d\napi_ready{member=\"\\\"} or vector(1) #\"} 0\n", v)
		if extra.Load() {
			fmt.Fprint(w, "api_errors{member=\"m1\"} 0\n")
		}
	})
	c, err := New(Options{URL: "http://" + address, Timeout: 20 * time.Second}) // patient: some answers are asked for once
	if err != nil {
		t.Fatal(err)
	}
	filled := func(text, member string) string {
		t.Helper()
		x, err := ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		expr, err := x.Fill(map[string]string{"member": member})
		if err != nil {
			t.Fatal(err)
		}
		return expr
	}
	await := func(what, expr string, since time.Duration, want func(Result) bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			got := c.Verify(t.Context(), expr, since)
			if want(got) {
				return
			}
			if time.Now().After(deadline) {
				out, _ := os.ReadFile(log)
				t.Fatalf("%s: after a minute %+v\n%s", what, got, out)
			}
		}
	}
	holds := func(r Result) bool { return r.Believed && r.True }
	denied := func(r Result) bool { return r.Believed && !r.True }

	const ready = `min(api_ready{member="$member"}) == 1`
	await("ready", filled(ready, "m1"), time.Minute, holds)
	await("a hostile name is another member, and not ready", filled(ready, `"} or vector(1) #`), time.Minute, denied)
	up.Store(false)
	await("not ready", filled(ready, "m1"), time.Minute, denied)
	up.Store(true)
	await("ready again", filled(ready, "m1"), time.Minute, holds)

	if r := c.Verify(t.Context(), filled(ready, "m1"), time.Millisecond); r.Believed || !strings.Contains(r.Says, `api_ready{member="m1"}[1ms] has `) {
		t.Errorf("believed by samples from before: %+v", r)
	}
	both := filled(ready+` unless on () max_over_time(api_errors{member="$member"}[1m]) > 0`, "m1")
	if r := c.Verify(t.Context(), both, time.Minute); r.Believed || r.Says != `api_errors{member="m1"}[1m] has no sample, and 2 of one series are needed` {
		t.Errorf("believed without one of its selectors: %+v", r)
	}
	extra.Store(true)
	await("both", both, time.Minute, holds)
}
