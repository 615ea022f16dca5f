package looptest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// The same message ten times from two senders at once, then out of order, and
// again after the repair: one run mutates, later ones find everything in order.
func TestSameMessageManyTimes(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.crash("m2")
	same := body(t, down("m2"))
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			sender := []string{"first", "second"}[i%2]
			if status, said := w.post(sender, same, nil); status != http.StatusOK {
				t.Errorf("%s got %d: %s", sender, status, said)
			}
		})
	}
	all.Wait()
	received := of[repair.Received](t, w.story(), repair.TypeReceived)
	if len(received) != 1 {
		t.Errorf("%d records of one alert that was delivered ten times", len(received))
	}
	// The end overtakes the beginning, more than once.
	w.send(down("m2").over())
	w.send(down("m2"))
	w.send(down("m2").over())
	w.send(down("m2"))
	w.repaired("m2")
	w.send(down("m2").over())
	w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
	w.send(down("m2")) // late
	w.ended("m2", repair.Noop)
	w.send(down("m2").over())
	st := w.await("the second episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 2 })
	mutating := 0
	for _, f := range w.finished(st) {
		if f.Mutated {
			mutating++
		} else if f.Outcome != repair.Noop {
			t.Errorf("a run that changed nothing ended %s (%s)", f.Outcome, f.Detail)
		}
	}
	if mutating != 1 {
		t.Errorf("%d runs mutated, want one", mutating)
	}
	if closed := of[repair.ClosedData](t, st, repair.TypeClosed); closed[0].Reason != "in_order" || closed[1].Reason != "recovered_by_itself" {
		t.Errorf("the episodes closed %s and %s", closed[0].Reason, closed[1].Reason)
	}
	actors := map[string]bool{}
	for _, r := range of[repair.Received](t, st, repair.TypeReceived) {
		actors[r.Actor] = true
	}
	if !actors["first"] && !actors["second"] {
		t.Errorf("no sender is named: %v", actors)
	}
	w.startedOnce("m2")
	if said := w.verify(); !strings.Contains(said, "verified") {
		t.Errorf("verify: %s", said)
	}
}

// A member that dies again a fraction of the settle time after it was verified has
// relapsed: that is told, its attempt counted, and nothing was repaired by then.
func TestRelapse(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{settle: "30s"})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	verified := w.await("m2 is verified", func(st story) bool { return st.count(repair.TypeStep) == 1 })
	at := verified[len(verified)-1].At.Wall
	until(t, "it has been well for 5 s", func() error {
		if time.Since(at) < 5*time.Second {
			return errNotYet
		}
		return nil
	})
	w.crash("m2")
	st := w.await("the relapse, and the next attempt's intent", func(st story) bool {
		return st.count(repair.TypeRelapsed) == 1 && st.count(repair.TypeIntent) == 2
	})
	if len(w.finished(st)) != 0 {
		t.Errorf("a run has ended by the relapse: %+v", w.finished(st))
	}
	st.inOrder(t, repair.TypeIntent, repair.TypeStep, repair.TypeRelapsed, repair.TypeIntent)
	if in := of[repair.IntentData](t, st, repair.TypeIntent); in[1].Attempt != in[0].Attempt+1 || in[1].Run != in[0].Run {
		t.Errorf("attempt %d of run %s after attempt %d of run %s", in[1].Attempt, in[1].Run, in[0].Attempt, in[0].Run)
	}
	w.await("m2 is verified again", func(st story) bool { return st.count(repair.TypeStep) == 2 })
	if n := w.starts("m2"); n != 2 {
		t.Errorf("%d starts, want two", n)
	}
	if got := w.metric(`fettle_run_outcomes_total{outcome="repaired",playbook="etcd-member-restart"}`); got != 0 {
		t.Errorf("%v runs are counted as repaired", got)
	}
}
