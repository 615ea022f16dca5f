package action

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
)

func TestMemberInOrderForReal(t *testing.T) {
	w := newWard(t)
	s := w.until("it is in order", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", nil, s) })
	_, m, sight := w.look("m2")
	if !w.done("member-end-hung", nil, s) {
		t.Error("a member in order counts as hung")
	}
	if want := "m2 is member " + m.ID + ", serves reads, applied "; !strings.HasPrefix(s.Observation.Says, want) {
		t.Errorf("says %q", s.Observation.Says)
	}
	if sight.GoneByProbe != cluster.No || !sight.Alive || sight.Hung || sight.Proof.Reason != "process-runs" || len(s.Facts.Sights) != 1 {
		t.Errorf("sights %+v", s.Facts.Sights)
	}
}

func TestKilledMemberIsStarted(t *testing.T) {
	w := newWard(t)
	w.look("m2")
	check(t, w.Kill("m2"))
	before := w.until("its peers miss it", "m2", func(_ repair.Sighting, _ Member, s cluster.Sight) bool { return s.GoneByPeer == cluster.Yes })
	_, m, sight := w.look("m2")
	if sight.GoneByProbe != cluster.Yes || sight.GoneByPrometheus != cluster.Unknown || sight.Alive || sight.Hung {
		t.Errorf("sight %+v", sight)
	}
	if sight.Proof.Answer != cluster.Yes || sight.Service.State != cluster.ServiceDead {
		t.Errorf("proof %+v, service %+v", sight.Proof, sight.Service)
	}
	if m.WantID == "" || m.LeaderCommit == 0 || m.Error != "refused" {
		t.Errorf("observation %+v", m)
	}
	if w.done("member-start", nil, before) || !w.done("member-end-hung", nil, before) {
		t.Error("a dead member counts as in order, or as hung")
	}
	check(t, w.apply("member-start", "m2", before))
	now := w.until("it is started", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", &before, s) })
	if w.table["member-start"].Action.(repair.Starter).Started(&before.Observation, now.Observation) {
		t.Error("what can be verified counts as merely started")
	}
}

func TestHungMemberIsEndedAndStarted(t *testing.T) {
	w := newWard(t)
	healthy, _, _ := w.look("m2") // seen serving
	check(t, w.Hang(t.Context(), "m2"))
	before, m, sight := w.look("m2")
	if !m.Hung || !sight.Hung || sight.Alive || sight.Proof.Reason != "process-runs" {
		t.Fatalf("hung: %s\n%+v\n%+v", before.Observation.Says, m, sight)
	}
	if w.done("member-end-hung", nil, before) || w.done("member-end-hung", &before, before) {
		t.Error("a hung process counts as ended")
	}
	if before.Facts.View.VotersReachable() != 2 || before.Asked.Since <= healthy.Asked.Since {
		t.Errorf("the View is not the last one: %+v", before)
	}
	if again, m, _ := w.look("m2"); !m.Hung || w.deps.Clock().Since-again.Asked.Since > 5*time.Second {
		t.Errorf("looked at again: %+v", m)
	}
	check(t, w.Signal("m2", syscall.SIGCONT))
	w.until("it is heard again", "m2", func(s repair.Sighting, m Member, _ cluster.Sight) bool {
		return !m.Hung && w.done("member-start", nil, s)
	})
	check(t, w.Hang(t.Context(), "m2"))
	before = w.until("it hangs again", "m2", func(_ repair.Sighting, m Member, _ cluster.Sight) bool { return m.Hung })
	check(t, w.apply("member-end-hung", "m2", before))
	ended := w.until("it is ended", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-end-hung", &before, s) })
	if err := w.apply("member-end-hung", "m2", before); !errors.Is(err, service.ErrIdentity) {
		t.Errorf("ended twice: %v", err)
	}
	w.until("its peers miss it", "m2", func(_ repair.Sighting, _ Member, s cluster.Sight) bool { return s.GoneByPeer == cluster.Yes })
	check(t, w.apply("member-start", "m2", ended))
	w.until("it is started", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", &ended, s) })
	if err := w.apply("member-end-hung", "m2", before); !errors.Is(err, service.ErrIdentity) {
		t.Errorf("the next process was to be ended: %v", err)
	}
}

func TestHungLeaderIsFound(t *testing.T) {
	w := newWard(t)
	s, _, _ := w.look("m1")
	leader, ok := s.Facts.View.Leader()
	if !ok {
		t.Fatalf("no leader: %+v", s.Facts.View)
	}
	w.look(leader.Name) // seen serving
	check(t, w.Hang(t.Context(), leader.Name))
	found := w.until("it is found hung", leader.Name, func(_ repair.Sighting, m Member, _ cluster.Sight) bool { return m.Hung && m.ClusterLeader != "" })
	check(t, w.apply("member-end-hung", leader.Name, found))
	w.until("it is ended", leader.Name, func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-end-hung", &found, s) })
}

func TestYoungMemberIsNotHung(t *testing.T) {
	w := newWard(t) // nobody has seen it serving, and it is younger than a replay may take
	check(t, w.Hang(t.Context(), "m2"))
	s, m, sight := w.look("m2")
	if m.Hung || sight.Hung || !sight.Alive || !w.done("member-end-hung", nil, s) {
		t.Errorf("%s\n%+v\n%+v", s.Observation.Says, m, sight)
	}
	if sight.GoneByProbe != cluster.Yes {
		t.Errorf("it does not answer: %+v", sight)
	}
}

func TestHungMemberElsewhereIsNotShown(t *testing.T) {
	w := newWard(t)
	w.look("m2")
	w.deps.Local = func(string) bool { return false }
	w.table = Table(w.deps)
	check(t, w.Hang(t.Context(), "m2"))
	if s, m, _ := w.look("m2"); m.Hung {
		t.Errorf("probed from another host: %s", s.Observation.Says)
	}
}

func TestWrongDataDirIsRefused(t *testing.T) {
	w := newWard(t)
	_, healthy, _ := w.look("m2")
	_, other, _ := w.look("m3")
	check(t, w.Kill("m2"))
	dir := w.target("m2").Member.DataDir
	for _, c := range []struct {
		name    string
		prepare func() error
		reason  string
		detail  []string
	}{
		{"emptied", func() error { return errors.Join(os.Rename(dir, dir+".kept"), os.Mkdir(dir, 0o700)) }, "empty-data-dir", []string{dir}},
		{"not there", func() error { return os.Remove(dir) }, "no-data-dir", []string{dir}},
		{"another member's", func() error { return os.CopyFS(dir, os.DirFS(w.target("m3").Member.DataDir)) }, "other-member", []string{dir, other.ID, healthy.ID}},
	} {
		check(t, c.prepare())
		s, _, sight := w.look("m2")
		if sight.Proof.Answer != cluster.No || sight.Proof.Reason != c.reason || w.done("member-start", nil, s) {
			t.Errorf("%s: %+v", c.name, sight.Proof)
		}
		for _, part := range c.detail {
			if !strings.Contains(sight.Proof.Detail, part) {
				t.Errorf("%s: %q does not name %s", c.name, sight.Proof.Detail, part)
			}
		}
	}
	check(t, errors.Join(os.RemoveAll(dir), os.Rename(dir+".kept", dir)))
	if _, _, sight := w.look("m2"); sight.Proof.Answer != cluster.Yes {
		t.Errorf("its own again: %+v", sight.Proof)
	}
}

func TestAllDeadAreStartedOneAfterTheOther(t *testing.T) {
	w := newWard(t)
	for _, name := range []string{"m1", "m2", "m3"} {
		check(t, w.Kill(name))
	}
	w.connect() // whose data directories they are is told by their own names
	first, m, _ := w.look("m1")
	if _, ok := first.Facts.View.Leader(); ok || len(first.Facts.Sights) != 3 || m.ClusterLeader != "" {
		t.Fatalf("no leader, so all are looked at: %+v", first.Facts)
	}
	for _, s := range first.Facts.Sights {
		if s.Proof.Answer != cluster.Yes || s.GoneByProbe != cluster.Yes || s.Alive || s.Service.State != cluster.ServiceDead {
			t.Errorf("sight %+v", s)
		}
	}
	check(t, w.apply("member-start", "m1", first))
	starter := w.table["member-start"].Action.(repair.Starter)
	w.until("it waits for a quorum", "m1", func(s repair.Sighting, m Member, sight cluster.Sight) bool {
		if w.done("member-start", &first, s) || m.Hung || sight.GoneByProbe == cluster.Yes && m.PeerPort {
			t.Fatalf("without a quorum: %+v", m)
		}
		return starter.Started(&first.Observation, s.Observation)
	})
	second, _, _ := w.look("m2")
	if s, _ := second.Facts.Sight("m1"); !s.Alive || s.Hung {
		t.Errorf("the started one: %+v", s)
	}
	check(t, w.apply("member-start", "m2", second))
	for name, before := range map[string]repair.Sighting{"m1": first, "m2": second} {
		w.until(name+" is verified", name, func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", &before, s) })
	}
}

func TestMemberWithoutAgent(t *testing.T) {
	w := newWard(t)
	w.deps.Services = service.Route{Local: func(string) bool { return false }}
	w.table = Table(w.deps)
	w.until("it is in order, as its own answers show", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", nil, s) })
	check(t, w.Kill("m2"))
	if _, err := w.table["member-start"].Action.Observe(t.Context(), w.target("m2")); !errors.Is(err, repair.ErrAgent) {
		t.Errorf("dead, and nobody there to ask: %v", err)
	}
}

func TestWatch(t *testing.T) {
	w := newWard(t)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { Watch(ctx, w.deps, []cluster.Cluster{w.inventory}) })
	defer watching.Wait()
	defer cancel()
	served := func(name string) bool {
		s, err := w.deps.Services.Status(t.Context(), w.target(name))
		check(t, err)
		return w.deps.Served.note("demo/"+name, s.Identity, false, w.deps.Clock()).served
	}
	for deadline := time.Now().Add(time.Minute); !served("m1") || !served("m2") || !served("m3"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("watched for a minute, and not seen serving")
		}
	}
}
