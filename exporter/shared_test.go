package exporter

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
)

// slowViewer answers when it is let go, or says of everybody that the time was too
// short, as drivers do.
type slowViewer struct {
	looks   atomic.Int32
	entered chan struct{}
	awake   chan struct{}
}

func (v *slowViewer) View(ctx context.Context) cluster.View {
	v.looks.Add(1)
	v.entered <- struct{}{}
	select {
	case <-v.awake:
		return view(member("m1", "id-m1"))
	case <-ctx.Done():
		return view(with(down("m1"), func(m *cluster.MemberView) { m.Error = cluster.Timeout }))
	}
}

func slow(t *testing.T) (*slowViewer, *Exporter) {
	t.Helper()
	viewer := &slowViewer{entered: make(chan struct{}, 16), awake: make(chan struct{})}
	c := cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1"}}}
	e, err := New(Options{Sources: []Source{{c, viewer}}})
	if err != nil {
		t.Fatal(err)
	}
	return viewer, e
}

const reachableOne = `fettle_raft_member_reachable{cluster="c",member="m1"} 1` + "\n"

// A client that goes away takes nothing from who shares what it began.
func TestWhoGoesAwayBlindsNobodyElse(t *testing.T) {
	defer goleak.VerifyNone(t)
	viewer, e := slow(t)
	defer closed(t, e)
	ctx, leave := context.WithCancel(t.Context())
	var scrapes sync.WaitGroup
	scrapes.Go(func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics?collect[]=raft", nil)
		e.ServeHTTP(httptest.NewRecorder(), r)
	})
	<-viewer.entered
	var got string
	scrapes.Go(func() { got = scraped(t, e, "?collect[]=raft", "60") })
	raft := e.collectors[0]
	for _, c := range e.collectors {
		if c.Name == "raft" {
			raft = c
		}
	}
	waitFor(t, "the second scrape to join", func() bool {
		raft.flight.mu.Lock()
		defer raft.flight.mu.Unlock()
		return raft.flight.current != nil && raft.flight.current.users.Load() == 2
	})
	leave()
	time.AfterFunc(50*time.Millisecond, func() { close(viewer.awake) }) // the one that left is gone by then
	scrapes.Wait()
	if !strings.Contains(got, reachableOne) {
		t.Errorf("who stayed got\n%s", got)
	}
}

// Who has little time shortens nobody else's look.
func TestWhoIsInAHurryBlindsNobodyElse(t *testing.T) {
	defer goleak.VerifyNone(t)
	viewer, e := slow(t)
	defer closed(t, e)
	var scrapes sync.WaitGroup
	scrapes.Go(func() { scraped(t, e, "?collect[]=raft", "0.5") })
	<-viewer.entered
	var got string
	scrapes.Go(func() { got = scraped(t, e, "?collect[]=raft", "60") })
	waitFor(t, "a look with time enough", func() bool { return viewer.looks.Load() == 2 })
	close(viewer.awake)
	scrapes.Wait()
	if !strings.Contains(got, reachableOne) {
		t.Errorf("who has time got\n%s", got)
	}
}

// Close comes after what a client that went away has begun.
func TestCloseWaitsForWhatGoesOn(t *testing.T) {
	defer goleak.VerifyNone(t)
	viewer, e := slow(t)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics?collect[]=raft", nil)
		e.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-viewer.entered
	leave()
	<-gone
	time.AfterFunc(50*time.Millisecond, func() { close(viewer.awake) })
	closed(t, e)
	if !e.clusters[0].flight.idle() {
		t.Error("the look is still under way, and its driver would be closed")
	}
}
