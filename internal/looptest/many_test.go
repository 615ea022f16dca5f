package looptest

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
)

func TestAllMembersKilledAtOnce(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.seenServing() // whose data directories they are, fettle has from the living
	w.crash("m1", "m2", "m3")
	w.send(down("m1"), down("m2"), down("m3"))
	w.allVerified("m1", "m2", "m3")
	w.startedOnce("m1", "m2", "m3")
}

func TestTwoKilledAndOneHung(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.seenServing()
	w.hang("m3")
	w.crash("m1", "m2")
	w.send(down("m1"), down("m2"), down("m3"))
	w.allVerified("m1", "m2", "m3")
	w.startedOnce("m1", "m2", "m3")
	w.with("m3", func(p *patient) {
		if p.kills != 1 {
			t.Errorf("%d processes of m3 were killed, want the hung one", p.kills)
		}
	})
}

func TestTwoOfFiveKilled(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3", "m4", "m5").sub(t, options{})
	w.start()
	w.crash("m2", "m4")
	w.send(down("m2"), down("m4"))
	w.repaired("m2", "m4")
	w.startedOnce("m2", "m4")
}

// allVerified waits until each member serves, and then, with its alert over, until
// fettle has seen it in order for the settle time and closed its episode.
func (w *ward) allVerified(members ...string) {
	w.Helper()
	w.serving(members...)
	for _, m := range members {
		w.send(down(m).over())
	}
	w.await("all episodes are closed", func(st story) bool {
		open := map[string]bool{}
		for _, r := range of[repair.Received](w, st, repair.TypeReceived) {
			if r.Opened {
				open[r.Episode] = true
			}
		}
		for _, c := range of[repair.ClosedData](w, st, repair.TypeClosed) {
			delete(open, c.Episode)
		}
		return len(open) == 0
	})
	closed := of[repair.ClosedData](w, w.story(), repair.TypeClosed)
	for _, c := range closed[len(closed)-len(members):] {
		if c.Reason != "in_order" || !c.Mutated {
			w.Errorf("an episode closed %s, mutated %t", c.Reason, c.Mutated)
		}
	}
}
