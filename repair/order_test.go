package repair_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// An ask answers in the order in which a run does: another answer than the run ends
// with would open a run at each look. All three were found by the simulation.
func TestAskAnswersAsARunDoes(t *testing.T) {
	for name, prepare := range map[string]func(*fakeWorld){
		"observe, and its slots are taken": func(w *fakeWorld) { w.level = repair.Observe },
		"looks that come too old, and it is stopped on purpose": func(w *fakeWorld) {
			w.member("m2").stopped, w.lookTook = "disabled", 6*time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 5)
			w.kill("m1")
			w.member("m1").startIn, w.set.Sample = 3*time.Hour, time.Second // its slot is taken for long
			fire(w, "m1")
			w.run(time.Second)
			w.kill("m2")
			prepare(w)
			fire(w, "m2")
			before := len(w.drafts)
			w.run(30 * time.Minute)
			if n := len(w.drafts) - before; n > 15 {
				t.Errorf("%d records in half an hour: %v", n, tail(w.finished(), 8))
			}
		})
	}
}

// A once-step that was verified is not done again where its target is out of order
// while it settles: that is for people.
func TestOnceIsNotDoneAgainAfterARelapse(t *testing.T) {
	w := onceWorld(t)
	w.kill("m2")
	fire(w, "m2")
	w.run(20 * time.Second)
	if w.count(repair.TypeStep) != 1 {
		t.Fatalf("it is not verified: %v", w.finished())
	}
	w.kill("m2")
	w.run(5 * time.Minute)
	if n := w.count(repair.TypeIntent); n != 1 || !has(w.finished(), "unknown") {
		t.Errorf("%d intents, outcomes %v", n, w.finished())
	}
}
