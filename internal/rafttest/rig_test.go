package rafttest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program is one of the pinned servers, or one of the system's.
func program(t testing.TB, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // may build it
	defer cancel()
	p, err := programs.Find(ctx, name, programs.Options{})
	must(t, err)
	return p.Path
}

// patience bounds every wait of a test.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// etcds starts a cluster, and ends it with the test.
func etcds(t testing.TB, o etcdproc.Options, names ...string) *etcdproc.Cluster {
	t.Helper()
	c, err := etcdproc.Start(patience(t), program(t, "etcd"), t.TempDir(), names, o)
	must(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// withCanary is a cluster's inventory with the canary declared.
func withCanary(c *etcdproc.Cluster) cluster.Cluster {
	inventory := c.Inventory("c")
	inventory.Etcd.Canary.Prefix = "/fettle/canary/"
	return inventory
}

// logs collects what the exporter logs.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// watch is an exporter of these clusters and of nothing else, and its log.
func watch(t testing.TB, clusters ...cluster.Cluster) (*exporter.Exporter, *logs) {
	t.Helper()
	log := &logs{}
	o := exporter.Options{Collectors: map[string]bool{}, Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, e := range exporter.Collectors() {
		o.Collectors[e.Name] = slices.Contains([]string{"member", "raft", "sync"}, e.Name)
	}
	for _, c := range clusters {
		d, err := exporter.Open(c)
		must(t, err)
		t.Cleanup(func() { must(t, d.Close()) })
		o.Sources = append(o.Sources, exporter.Source{Cluster: c, Viewer: d})
	}
	e, err := exporter.New(o)
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e, log
}

// series are the values of a scrape, by `name{label="value",…}`.
type series map[string]float64

// String has the state that is not 0.
func (s series) String() string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] != 0 && state.MatchString(name) {
			fmt.Fprintf(&text, "\n%s %v", name, s[name])
		}
	}
	return text.String()
}

// scrape asks the exporter as a Prometheus with a timeout of ten seconds does.
func scrape(t testing.TB, e *exporter.Exporter) series {
	t.Helper()
	return parse(t, answer(t, e))
}

func answer(t testing.TB, e *exporter.Exporter) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Body.String()
}

func parse(t testing.TB, text string) series {
	t.Helper()
	all := series{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		must(t, err)
		all[name+"}"] = v
	}
	return all
}

// of is a metric of the cluster, or of one of its members, which must be there.
func (s series) of(t testing.TB, metric string, member ...string) float64 {
	t.Helper()
	v, ok := s[name(metric, member...)]
	if !ok {
		t.Errorf("no %s", name(metric, member...))
	}
	return v
}

func name(metric string, member ...string) string {
	if len(member) > 0 {
		return "fettle_" + metric + `{cluster="c",member="` + member[0] + `"}`
	}
	return "fettle_" + metric + `{cluster="c"}`
}

// state are the metrics that are there for every entry of the inventory, in every scrape.
var state = regexp.MustCompile(`^fettle_(raft_(voters|voters_reachable|quorum|margin|learners|has_leader|leaders_seen|membership_mismatch|members_unlisted|member_reachable|leader|page_read|vantage_peers|vantage_peers_connected|canary_success|canary_failure)|sync_(up|running|primary)|member_(reachable|failure|pause_seconds)|collector_(success|timeout))\{`) //nolint:gochecknoglobals // a constant

// kept checks that no state series of an earlier scrape is missing from a later one.
func kept(t testing.TB, before, now series) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := now[name]; !ok && state.MatchString(name) {
			t.Errorf("%s has vanished", name)
		}
	}
}

// unmeasured checks that nothing is told of a member beside its state, and what others
// tell of it: alarms, and whether the membership names it.
func unmeasured(t testing.TB, s series, member string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !strings.Contains(name, `member="`+member+`"`) || state.MatchString(name) {
			continue
		}
		if !strings.HasPrefix(name, "fettle_raft_alarm{") && !strings.HasPrefix(name, "fettle_raft_member_listed{") && !strings.HasPrefix(name, "fettle_raft_vantage_disagreement{") {
			t.Errorf("%s is told of a member that cannot be asked", name)
		}
	}
}

// await scrapes until is says yes.
func await(t testing.TB, e *exporter.Exporter, what string, is func(series) bool) series {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := patience(t); ; {
		s := scrape(t, e)
		if is(s) {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("did not come: %s; last was\n%v", what, s)
		case <-tick.C:
		}
	}
}

// inOrder waits until a cluster has a leader, takes writes through all voters and is
// seen whole by its members.
func inOrder(t testing.TB, e *exporter.Exporter, voters ...string) series {
	t.Helper()
	return await(t, e, "a cluster in order", func(s series) bool {
		for _, m := range voters {
			if s[name("raft_canary_success", m)] != 1 || s[name("raft_vantage_peers_connected", m)] != float64(len(voters)-1) || s[name("sync_running", m)] != 1 {
				return false
			}
		}
		return s[name("raft_has_leader")] == 1 && s[name("raft_margin")] == float64((len(voters)-1)/2)
	})
}

// leaderOf names the leader, and the others.
func leaderOf(t testing.TB, s series, members ...string) (leader string, followers []string) {
	t.Helper()
	for _, m := range members {
		if s.of(t, "raft_leader", m) == 1 {
			leader = m
		} else {
			followers = append(followers, m)
		}
	}
	if leader == "" {
		t.Fatal("no leader")
	}
	return leader, followers
}

// client connects as an etcd client that may write.
func client(t testing.TB, c *etcdproc.Cluster, member string) *grpc.ClientConn {
	t.Helper()
	s, _ := c.Spec(member)
	cc, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(s.Client, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, cc.Close()) })
	return cc
}

// revision is the store's, and how many keys it has.
func revision(t testing.TB, cc *grpc.ClientConn) (rev, keys int64) {
	t.Helper()
	r, err := pb.NewKVClient(cc).Range(patience(t), &pb.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0}, CountOnly: true})
	must(t, err)
	return r.GetHeader().GetRevision(), r.GetCount()
}

func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fettle-rafttest")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}
