//go:build servers

package promql

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

func TestRealPrometheus(t *testing.T) {
	p, err := programs.Find(t.Context(), "prometheus", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var value atomic.Int32 // -1: the target is down
	value.Store(1)
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v := value.Load()
		if v < 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "fettle_raft_member_reachable{cluster=\"demo\",member=\"m1\"} %d\n", v)
	}))
	defer exporter.Close()

	dir := t.TempDir()
	conf := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 200ms}\nscrape_configs:\n- job_name: fettle_exporter\n  static_configs: [{targets: ['" + strings.TrimPrefix(exporter.URL, "http://") + "']}]\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), p.Path, "--config.file="+conf, "--storage.tsdb.path="+dir, "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()

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
				out, _ := os.ReadFile(log.Name())
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

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
