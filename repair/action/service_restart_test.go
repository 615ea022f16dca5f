package action

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// fakeManager has one service, which a restart gives another identity.
type fakeManager struct {
	state    cluster.Service
	err      error
	restarts int
}

func (f *fakeManager) Status(context.Context, cluster.Target) (cluster.Service, error) {
	return f.state, f.err
}
func (f *fakeManager) Start(context.Context, cluster.Target) error { return errors.ErrUnsupported }
func (f *fakeManager) Restart(context.Context, cluster.Target) error {
	f.restarts++
	f.state = cluster.Service{State: cluster.ServiceRunning, Identity: f.state.Identity + "+"}
	return f.err
}
func (f *fakeManager) Kill(context.Context, cluster.Target, string) error {
	return errors.ErrUnsupported
}

func TestServiceRestart(t *testing.T) {
	code := http.StatusServiceUnavailable
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer web.Close()
	m := &fakeManager{state: cluster.Service{State: cluster.ServiceRunning, Identity: "1"}}
	now := journal.Reading{Boot: "b", Since: time.Minute}
	spec := Table(Deps{Services: m, Clock: func() journal.Reading { return now }})["service-restart"]
	member := cluster.Member{Name: "web1", Endpoint: web.URL}
	target := cluster.Target{Cluster: cluster.Cluster{Name: "web", Kind: cluster.KindService}, Member: member}
	look := func() repair.Sighting {
		t.Helper()
		s, err := spec.Action.Observe(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	before := look()
	if want := "web1 is running and does not answer: " + web.URL + " answers 503 Service Unavailable"; before.Observation.Says != want {
		t.Errorf("says %q", before.Observation.Says)
	}
	if spec.Action.Done(nil, before.Observation) || before.Asked != now || before.Facts.View != nil || before.Facts.Sights[0].Service != m.state {
		t.Errorf("look %+v", before)
	}
	in := repair.Intent{Target: target, Before: before.Observation, NotAfterBoot: "b", NotAfterSince: now.Since}
	if err := spec.Action.Apply(t.Context(), in); err != nil || m.restarts != 1 {
		t.Fatalf("apply: %v, %d restarts", err, m.restarts)
	}
	if s := look(); spec.Action.Done(&before.Observation, s.Observation) {
		t.Errorf("done while it answers 503: %+v", s)
	}
	code = http.StatusFound // an answer, not followed
	if s := look(); !spec.Action.Done(&before.Observation, s.Observation) || s.Observation.Says != "web1 is running and answers" {
		t.Errorf("not done: %+v", s)
	}
	web.Close()
	if s := look(); spec.Action.Done(nil, s.Observation) || !strings.Contains(s.Observation.Says, "connection refused") {
		t.Errorf("nobody answers: %s", s.Observation.Says)
	}
	target.Member.Endpoint = ""
	if s := look(); !spec.Action.Done(nil, s.Observation) || s.Observation.Says != "web1 is running" {
		t.Errorf("no endpoint declared: %s", s.Observation.Says)
	}
	m.err = service.ErrNoAgent
	if _, err := spec.Action.Observe(t.Context(), target); !errors.Is(err, repair.ErrAgent) {
		t.Errorf("got %v", err)
	}
}
