//go:build servers

package rafttest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/servertest"
)

// run starts a program and ends it with the test; what it said is shown if it fails.
func run(t *testing.T, argv ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var said logs
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(argv[0]), &said)
		}
	})
}

// fakeAlertmanager is no Alertmanager: it takes a Prometheus' alerts, and keeps the
// labels of those that fire, by name and fingerprint.
type fakeAlertmanager struct {
	mu    sync.Mutex
	fired map[string]map[model.Fingerprint]model.LabelSet
}

func (f *fakeAlertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var alerts []struct {
		Labels model.LabelSet `json:"labels"`
		EndsAt time.Time      `json:"endsAt"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&alerts); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range alerts {
		name := string(a.Labels[model.AlertNameLabel])
		if f.fired[name] == nil {
			f.fired[name] = map[model.Fingerprint]model.LabelSet{}
		}
		f.fired[name][a.Labels.Fingerprint()] = a.Labels
	}
}

// of are the alerts of that name that have come.
func (f *fakeAlertmanager) of(name string) []model.LabelSet {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []model.LabelSet
	for _, l := range f.fired[name] {
		all = append(all, l)
	}
	return all
}

// Three exporters with one inventory, one Prometheus with the shipped rules: a fault of
// one member is one alert with one fingerprint, however many exporters see it.
func TestOneFaultOneFingerprint(t *testing.T) {
	c := etcds(t, etcdproc.Options{}, "m1", "m2", "m3")
	dir := scratch(t)
	var config strings.Builder
	config.WriteString("clusters:\n  - name: c\n    kind: etcd\n    etcd: {canary: {prefix: /fettle/canary/}}\n    members:\n")
	for _, s := range c.Specs() {
		fmt.Fprintf(&config, "      - {name: %s, endpoint: %q}\n", s.Name, s.Client)
	}
	exporterYML := filepath.Join(dir, "exporter.yml")
	must(t, os.WriteFile(exporterYML, []byte(config.String()), 0o600))
	binary := filepath.Join(dir, "fettle_exporter")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../cmd/fettle_exporter").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var targets []string
	for range 3 {
		a := servertest.FreeAddress(t)
		targets = append(targets, a)
		run(t, binary, "--web.listen-address="+a, "--config.file="+exporterYML, "--collector.disable-defaults", "--collector.raft", "--collector.sync", "--collector.member")
	}
	taker := &fakeAlertmanager{fired: map[string]map[model.Fingerprint]model.LabelSet{}}
	alertmanager := httptest.NewServer(taker)
	t.Cleanup(alertmanager.Close)
	rules, err := filepath.Abs("../../rules")
	must(t, err)
	prometheusYML := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(prometheusYML, fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs: [{job_name: fettle_exporter, static_configs: [{targets: ["%s"]}]}]
`, filepath.Join(rules, "*.rules.yml"), strings.TrimPrefix(alertmanager.URL, "http://"), strings.Join(targets, `", "`)), 0o600))
	at := servertest.FreeAddress(t)
	run(t, program(t, "prometheus"), "--config.file="+prometheusYML, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+at)

	query(t, at, `count(fettle_raft_member_reachable == 1) == 9 and sum(fettle_raft_canary_success) == 9`)
	must(t, c.Kill("m2"))
	query(t, at, `count(fettle_raft_member_reachable{member="m2"} == 0) == 3`)
	query(t, at, `ALERTS{alertname="FettleRaftMemberDown",alertstate="firing"}`)
	end := time.Now().Add(time.Minute)
	for len(taker.of("FettleRaftMemberDown")) == 0 {
		if time.Now().After(end) {
			t.Fatal("no alert came")
		}
		time.Sleep(50 * time.Millisecond)
	}
	// And again with all exporters at it, for as long as a scrape and an evaluation of each take.
	query(t, at, `count(count_over_time(fettle_raft_member_reachable{member="m2"}[10s]) >= 5) == 3 and on () min(min_over_time(fettle_raft_margin[4s])) == 0`)
	alerts := taker.of("FettleRaftMemberDown")
	if len(alerts) != 1 || alerts[0]["member"] != "m2" || alerts[0]["cluster"] != "c" {
		t.Errorf("one fault, and these alerts: %v", alerts)
	}
	// By now etcd has measured round trips: it does so every 30 s.
	query(t, at, `count(fettle_raft_peer_round_trips_total{member="m1",peer="m3"} > 0 and fettle_raft_peer_round_trip_seconds_total > 0) == 3`)
	taker.mu.Lock()
	defer taker.mu.Unlock()
	for name, all := range taker.fired {
		for _, labels := range all {
			if _, ok := labels["instance"]; ok && labels["cluster"] == "c" {
				t.Errorf("%s names the exporter that saw it: %v", name, labels)
			}
		}
	}
}

// query waits until an expression has a result.
func query(t *testing.T, prometheus, expr string) {
	t.Helper()
	last := ""
	for ctx := patience(t); ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+prometheus+"/api/v1/query", strings.NewReader(url.Values{"query": {expr}}.Encode()))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			body, rerr := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			_ = resp.Body.Close()
			must(t, rerr)
			var got struct {
				Data struct {
					Result []json.RawMessage `json:"result"`
				} `json:"data"`
			}
			if last = string(body); json.Unmarshal(body, &got) == nil && len(got.Data.Result) > 0 {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no result of %s: %v; last was %s", expr, err, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
