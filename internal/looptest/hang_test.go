package looptest

import (
	"errors"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

var errNotYet = errors.New("not yet")

// seenServing waits until fettle has looked at its cluster once: a process that was
// seen serving can be taken for hung.
func (w *ward) seenServing() {
	w.Helper()
	w.send(down("m2"))
	w.ended("m2", repair.Noop)
	w.send(down("m2").over())
	w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
}

func TestHungMemberIsEndedAndStarted(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.seenServing()
	w.hang("m2")
	w.send(down("m2"))
	w.repaired("m2")
	w.startedOnce("m2")
	w.with("m2", func(p *patient) {
		if p.kills != 1 {
			t.Errorf("%d processes were killed, want the hung one", p.kills)
		}
	})
	st := w.story()
	intents := of[repair.IntentData](t, st, repair.TypeIntent)
	if len(intents) != 2 || intents[0].Action != "member-end-hung" || intents[1].Action != "member-start" {
		t.Fatalf("intents: %+v", intents)
	}
}

// A member that has not served since its start may be replaying its log, here for a
// minute. (That it may take 90 s, and no longer, is for the action's own tests.)
func TestReplayingMemberIsNotTakenForHung(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.crash("m2")
	w.with("m2", func(p *patient) { p.frozen = true })
	w.bring("m2")
	w.start()
	w.send(down("m2"))
	w.refused("m2", "proof", "process-runs")
	w.quiet(time.Minute)
	w.with("m2", func(p *patient) { p.frozen = false })
	w.healthy() // it goes on, and serves
	w.send(down("m2").over())
	st := w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
	if c := of[repair.ClosedData](t, st, repair.TypeClosed)[0]; c.Reason != "recovered_by_itself" || c.Mutated {
		t.Errorf("closed %+v", c)
	}
}
