package looptest

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
)

func TestKilledMemberIsRepaired(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	w.repaired("m2")
	w.startedOnce("m2")
	st := w.story()
	st.inOrder(t, repair.TypeReceived, repair.TypePlanned, repair.TypeIntent, repair.TypeStep, repair.TypeFinished)
	if n := st.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d intents", n)
	}
	if got := w.metric(`fettle_run_outcomes_total{outcome="repaired",playbook="etcd-member-restart"}`); got != 1 {
		t.Errorf("outcomes_total is %v", got)
	}
	t.Log(w.verify())
}
