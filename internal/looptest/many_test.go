package looptest

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
)

func TestAllMembersKilledAtOnce(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
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

// allVerified waits until each member serves, and the last run on it found it in
// order: it repaired, or another one's repair did.
func (w *ward) allVerified(members ...string) {
	w.Helper()
	w.await("all are in order", func(st story) bool {
		last := map[string]repair.Outcome{}
		for _, f := range w.finished(st) {
			last[f.Target] = f.Outcome
		}
		for _, m := range members {
			if o := last["demo/"+m]; o != repair.Repaired && o != repair.Noop {
				return false
			}
		}
		return true
	})
	w.serving(members...)
}
