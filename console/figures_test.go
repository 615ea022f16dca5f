package console

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/dashboards"
	"github.com/fettle-io/fettle/promql"
)

// chosen is what only a dashboard has: matchers with its variables.
var chosen = regexp.MustCompile(`,?[a-z]+=~"\$[a-z]+\|?"`)

// What the console says and what a dashboard shows is one question.
func TestQueriesAreTheDashboards(t *testing.T) {
	var all strings.Builder
	err := fs.WalkDir(dashboards.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dashboards.FS(), name)
		if err != nil {
			return err
		}
		var board any
		if err := json.Unmarshal(b, &board); err != nil {
			return err
		}
		collect(board, &all)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	queries := strings.ReplaceAll(chosen.ReplaceAllString(all.String(), ""), "{}", "")
	for _, q := range []string{queryMargin, queryLeader, queryReachable, queryAlerts, queryCPU, queryMemory, queryOutcomes, queryRefusals} {
		if !strings.Contains(queries, q+"\n") {
			t.Errorf("no panel of the dashboards asks %s", q)
		}
	}
}

// collect writes every expression in a dashboard on a line of its own.
func collect(v any, out *strings.Builder) {
	switch v := v.(type) {
	case map[string]any:
		if expr, ok := v["expr"].(string); ok {
			out.WriteString(expr + "\n")
		}
		for _, inner := range v {
			collect(inner, out)
		}
	case []any:
		for _, inner := range v {
			collect(inner, out)
		}
	}
}

// fakePrometheus answers queries by what they contain.
func fakePrometheus(t *testing.T, h http.HandlerFunc) func() (*promql.Client, time.Duration) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	client, err := promql.New(promql.Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return func() (*promql.Client, time.Duration) { return client, 5 * time.Second }
}

func vector(labels string, value string) string {
	return `{"metric":{` + labels + `},"value":[1700000000,"` + value + `"]}`
}

func answer(w http.ResponseWriter, kind string, results ...string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"` + kind + `","result":[` + strings.Join(results, ",") + `]}}`))
}

// settled asks until the round under way has ended.
func settled(t *testing.T, a *asker) figures {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		f := a.get(t.Context())
		a.mu.Lock()
		busy := a.busy
		a.mu.Unlock()
		if busy == nil {
			return a.get(t.Context())
		}
		if !strings.Contains(f.Missing, "being asked") && f.Missing != "" && time.Now().After(deadline) {
			t.Fatal(f.Missing)
		}
		<-busy
	}
}

func TestFiguresAreNeverBetterThanKnown(t *testing.T) {
	var dead atomic.Bool
	prometheus := fakePrometheus(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		switch {
		case dead.Load():
			http.Error(w, "out of order", http.StatusInternalServerError)
		case strings.Contains(query, "$"):
			t.Errorf("a variable of the dashboards is left in %s", query)
		case strings.Contains(query, "fettle_raft_member_reachable"):
			answer(w, "vector", vector(`"cluster":"demo","member":"m1"`, "1"), vector(`"cluster":"demo","member":"m2"`, "0"))
		case strings.Contains(query, "fettle_raft_has_leader"):
			answer(w, "vector", vector(`"cluster":"demo"`, "1"))
		case strings.Contains(query, "fettle_raft_margin"):
			http.Error(w, "too much", http.StatusUnprocessableEntity)
		case strings.HasSuffix(r.URL.Path, "query_range"):
			answer(w, "matrix", `{"metric":{"outcome":"repaired","guard":"quorum","reason":"quorum"},"values":[[1700000000,"2.5"],[1700000600,"NaN"]]}`)
		default:
			answer(w, "vector")
		}
	})
	now := time.Unix(1700000000, 0)
	a := &asker{prometheus: prometheus, now: func() time.Time { return now }}
	f := settled(t, a)
	if f.Missing != "" || len(f.Failed) != 1 || !f.Asked.Equal(now) {
		t.Fatalf("got %+v", f)
	}
	clusters := []cluster.Cluster{
		{Name: "demo", Kind: "etcd", Members: []cluster.Member{{Name: "m1"}, {Name: "m2"}, {Name: "m3"}}},
		{Name: "other", Kind: "etcd", Members: []cluster.Member{{Name: "a"}}},
	}
	rows := clusterRows(clusters, f, nil, []api.Run{{ID: "r", Target: "demo/m1"}}, []api.Pause{{ID: "p", Cluster: "other"}})
	if d := rows[0]; d.State != "1 of 3 members not reachable" || d.Level != "bad" || d.Margin != "not known" || d.Leader != "yes" || d.Pause != nil ||
		d.Members[0].State != "reachable, under repair" || d.Members[0].Level != "warn" || d.Members[1].Level != "bad" || d.Members[2].State != "not known" {
		t.Errorf("demo: %+v", d)
	}
	if o := rows[1]; o.State != "not known" || o.Level != "none" || o.Leader != "not known" || o.Pause == nil {
		t.Errorf("other: %+v", o)
	}
	if c := newAsked(f.Outcomes, f.Asked, "outcome"); c == nil || c.Names[0] != "repaired" || c.Classes[0] != "repaired" || c.Highest != "2.5" {
		t.Errorf("outcomes %+v", c)
	}
	if c := newAsked(f.Refusals, f.Asked, "guard", "reason"); c == nil || c.Names[0] != "quorum" {
		t.Errorf("refusals %+v", c)
	}
	// Answers are shown while they are young, and no longer.
	dead.Store(true)
	now = now.Add(30 * time.Second)
	if f := settled(t, a); f.Missing != "" || !f.Asked.Equal(now.Add(-30*time.Second)) {
		t.Errorf("half a minute later: %+v", f)
	}
	now = now.Add(45 * time.Second)
	if f := settled(t, a); !strings.Contains(f.Missing, "does not answer") || f.reachable != nil {
		t.Errorf("a minute later: %+v", f)
	}
	if rows := clusterRows(clusters, settled(t, a), nil, nil, nil); rows[0].State != "not known" || rows[0].Leader != "not known" {
		t.Errorf("without answers: %+v", rows[0])
	}
}

// A page does not wait for a Prometheus that hangs.
func TestAHangingPrometheusIsNotWaitedFor(t *testing.T) {
	release := make(chan struct{})
	prometheus := fakePrometheus(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	a := &asker{prometheus: prometheus, now: time.Now}
	if f := a.get(t.Context()); !strings.Contains(f.Missing, "has not answered yet") {
		t.Errorf("got %+v", f)
	}
	if f := (&asker{prometheus: func() (*promql.Client, time.Duration) { return nil, 0 }, now: time.Now}).get(t.Context()); !strings.Contains(f.Missing, "prometheus.url") {
		t.Errorf("without one: %+v", f)
	}
}

func TestClusterState(t *testing.T) {
	member := func(levels ...string) (all []memberRow) {
		for _, l := range levels {
			all = append(all, memberRow{Level: l})
		}
		return all
	}
	for _, tc := range []struct {
		row                 clusterRow
		noLeader, noMargin  bool
		wantSays, wantLevel string
	}{
		{clusterRow{Members: member("good", "good")}, false, false, "all members reachable", "good"},
		{clusterRow{Members: member("good", "good")}, true, false, "no leader", "bad"},
		{clusterRow{Members: member("good", "good")}, false, true, "no failure tolerated", "warn"},
		{clusterRow{Members: member("good", "bad")}, false, true, "1 of 2 members not reachable", "bad"},
		{clusterRow{Members: member("good", "none")}, false, false, "1 of 2 members not known", "warn"},
		{clusterRow{Members: member("none", "none")}, false, false, "not known", "none"},
		{clusterRow{Members: member("none"), Episodes: 2}, false, false, "open episodes", "warn"},
	} {
		if says, level := clusterState(tc.row, tc.noLeader, tc.noMargin); says != tc.wantSays || level != tc.wantLevel {
			t.Errorf("%+v: %s, %s", tc.row, says, level)
		}
	}
}
