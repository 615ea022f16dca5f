package exporter

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
)

// fakeCollector does what collect says and counts how often it is asked.
type fakeCollector struct {
	value   *Metric
	collect func(ctx context.Context, s *Scrape, emit func(float64)) error
	calls   atomic.Int32
}

func (c *fakeCollector) Metrics() []*Metric { return []*Metric{c.value} }

func (c *fakeCollector) Collect(ctx context.Context, s *Scrape, emit Emit) error {
	c.calls.Add(1)
	return c.collect(ctx, s, func(v float64) { emit(c.value, v) })
}

func fake(name string, collect func(ctx context.Context, s *Scrape, emit func(float64)) error) *fakeCollector {
	return &fakeCollector{value: gauge("fettle_test_"+name, "A test."), collect: collect}
}

func works(name string) *fakeCollector {
	return fake(name, func(_ context.Context, _ *Scrape, emit func(float64)) error { emit(1); return nil })
}

// serving is an Exporter with these collectors, named as their metrics.
func serving(t *testing.T, o Options, collectors ...*fakeCollector) *Exporter {
	t.Helper()
	var table []Entry
	for _, c := range collectors {
		name := strings.TrimPrefix(c.value.Name, "fettle_test_")
		table = append(table, Entry{Name: name, Default: true, New: func(Host) Collector { return c }})
	}
	e, err := newExporter(o, table)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// get scrapes e as Prometheus does that has the timeout.
func get(t *testing.T, e *Exporter, query, timeout string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics"+query, nil)
	if timeout != "" {
		r.Header.Set(timeoutHeader, timeout)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// scraped are the lines of a scrape, without the durations, which differ.
func scraped(t *testing.T, e *Exporter, query, timeout string) string {
	t.Helper()
	w := get(t, e, query, timeout)
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	var text strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "fettle_collector_duration_seconds{") {
			text.WriteString(line)
		}
	}
	return text.String()
}

func TestStuckCollectorCostsOnlyItself(t *testing.T) {
	defer goleak.VerifyNone(t)
	awake := make(chan struct{})
	stuck := fake("stuck", func(_ context.Context, _ *Scrape, emit func(float64)) error {
		<-awake // heeds no context, as statfs does
		emit(1)
		return nil
	})
	e := serving(t, Options{}, works("ok"), stuck)
	const want = `fettle_collector_success{collector="ok"} 1
fettle_collector_success{collector="stuck"} 0
fettle_collector_timeout{collector="ok"} 0
fettle_collector_timeout{collector="stuck"} 1
fettle_test_ok 1
`
	for i := range 4 {
		if got := scraped(t, e, "", "2"); got != want {
			t.Errorf("scrape %d: got\n%swant\n%s", i+1, got, want)
		}
		if n := stuck.calls.Load(); n != 1 {
			t.Fatalf("scrape %d: the stuck collector was called %d times", i+1, n)
		}
	}
	close(awake)
	waitFor(t, "the stuck collector", e.collectors[1].flight.idle)
	const again = `fettle_collector_success{collector="ok"} 1
fettle_collector_success{collector="stuck"} 1
fettle_collector_timeout{collector="ok"} 0
fettle_collector_timeout{collector="stuck"} 0
fettle_test_ok 1
fettle_test_stuck 1
`
	if got := scraped(t, e, "", "60"); got != again {
		t.Errorf("afterwards: got\n%swant\n%s", got, again)
	}
	if n := stuck.calls.Load(); n != 2 {
		t.Errorf("called %d times", n)
	}
}

// A collector that heeds its context is in time to hand over what it got.
func TestCollectorsContextEndsBeforeTheScrape(t *testing.T) {
	defer goleak.VerifyNone(t)
	polite := fake("polite", func(ctx context.Context, _ *Scrape, emit func(float64)) error {
		emit(1)
		<-ctx.Done()
		return ctx.Err()
	})
	got := scraped(t, serving(t, Options{}, polite), "", "4")
	const want = `fettle_collector_success{collector="polite"} 0
fettle_collector_timeout{collector="polite"} 0
fettle_test_polite 1
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFailingCollectorsCostOnlyThemselves(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := serving(t, Options{},
		works("ok"),
		fake("panics", func(context.Context, *Scrape, func(float64)) error { panic("no such field") }),
		fake("fails", func(_ context.Context, _ *Scrape, emit func(float64)) error { emit(1); return errors.New("half of it") }),
		fake("nan", func(_ context.Context, _ *Scrape, emit func(float64)) error { emit(math.NaN()); return nil }),
	)
	const want = `fettle_collector_success{collector="fails"} 0
fettle_collector_success{collector="nan"} 0
fettle_collector_success{collector="ok"} 1
fettle_collector_success{collector="panics"} 0
fettle_collector_timeout{collector="fails"} 0
fettle_collector_timeout{collector="nan"} 0
fettle_collector_timeout{collector="ok"} 0
fettle_collector_timeout{collector="panics"} 0
fettle_test_fails 1
fettle_test_ok 1
`
	if got := scraped(t, e, "", ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Two series alike are an error of the registry, which must not cost the others.
func TestSeriesTwiceCostsOnlyItself(t *testing.T) {
	e := serving(t, Options{}, works("ok"),
		fake("twice", func(_ context.Context, _ *Scrape, emit func(float64)) error { emit(1); emit(2); return nil }))
	if got := scraped(t, e, "", ""); !strings.Contains(got, "fettle_test_ok 1\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestConcurrentScrapesShareOneCall(t *testing.T) {
	defer goleak.VerifyNone(t)
	entered, awake := make(chan struct{}), make(chan struct{})
	slow := fake("slow", func(_ context.Context, _ *Scrape, emit func(float64)) error {
		close(entered)
		<-awake
		emit(1)
		return nil
	})
	e := serving(t, Options{}, slow)
	var scrapes sync.WaitGroup
	scrapes.Go(func() { scraped(t, e, "", "60") })
	<-entered
	got := make([]string, 3)
	begun := make(chan struct{}, len(got))
	for i := range got {
		scrapes.Go(func() {
			begun <- struct{}{}
			got[i] = scraped(t, e, "", "60")
		})
	}
	for range got {
		<-begun
	}
	// Whether they join or come after it: no call beside the one under way.
	if n := slow.calls.Load(); n != 1 {
		t.Errorf("called %d times at once", n)
	}
	slow.collect = func(_ context.Context, _ *Scrape, emit func(float64)) error { emit(1); return nil }
	close(awake)
	scrapes.Wait()
	for i, text := range got {
		if !strings.Contains(text, "fettle_test_slow 1\n") {
			t.Errorf("scrape %d got\n%s", i+2, text)
		}
	}
}

// stuckViewer never comes back before it is let go.
type stuckViewer struct{ awake chan struct{} }

func (v stuckViewer) View(context.Context) cluster.View { <-v.awake; return cluster.View{} }

// The state of a cluster is told even if the look at it hangs, and it does not
// cost the other cluster.
func TestStuckLook(t *testing.T) {
	defer goleak.VerifyNone(t)
	viewer := stuckViewer{make(chan struct{})}
	inventory := cluster.Cluster{Name: "hangs", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1"}}}
	e, err := New(Options{
		Collectors: map[string]bool{"cpu": false, "memory": false, "load": false, "disk": false, "filesystem": false, "network": false, "boot": false},
		Sources:    []Source{{inventory, viewer}, {cluster.Cluster{Name: "c", Kind: cluster.KindEtcd}, fixedView(view(member("m1", "id-m1")))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	for range 2 {
		got := scraped(t, e, "", "2")
		for _, want := range []string{
			`fettle_collector_success{collector="raft"} 0`,
			`fettle_collector_success{collector="sync"} 0`,
			`fettle_collector_timeout{collector="raft"} 0`,
			`fettle_raft_member_reachable{cluster="hangs",member="m1"} 0`,
			`fettle_raft_voters{cluster="hangs"} 1`,
			`fettle_sync_up{cluster="hangs",member="m1"} 0`,
			`fettle_raft_has_leader{cluster="c"} 1`,
			`fettle_raft_applied_index{cluster="c",member="m1"} 100`,
		} {
			if !strings.Contains(got, want+"\n") {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
	}
	close(viewer.awake)
	waitFor(t, "the look", e.clusters[0].flight.idle)
}

// countingViewer counts the looks.
type countingViewer struct{ looks atomic.Int32 }

func (v *countingViewer) View(context.Context) cluster.View { v.looks.Add(1); return view() }

func TestOneLookPerScrape(t *testing.T) {
	viewer := &countingViewer{}
	e, err := New(Options{Sources: []Source{{cluster.Cluster{Name: "c", Kind: cluster.KindEtcd}, viewer}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	for i := range int32(3) {
		scraped(t, e, "?collect[]=raft&collect[]=sync", "")
		if n := viewer.looks.Load(); n != i+1 {
			t.Fatalf("%d looks after %d scrapes", n, i+1)
		}
	}
}
