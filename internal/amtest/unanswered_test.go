//go:build servers

package amtest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// What was cut off is fetched also when no Alertmanager answers at first, and when
// fettle is killed before one does: the message was answered 200, and Alertmanager
// does not send it again.
func TestTruncatedWhileNobodyAnswers(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %t", killed), func(t *testing.T) {
			t.Parallel()
			w := newWard(t, 12, routing{groupBy: "alertname", maxAlerts: 1}, "")
			w.polls.answer(false)
			w.crash(t, "s1", "s2", "s3")
			faults := []fault{down("s1"), down("s2"), down("s3")}
			w.fire(faults...)
			w.arrived(faults[0])
			w.polls.again(t)
			if killed {
				w.proc.Kill()
				w.serve()
				w.polls.again(t)
			}
			w.polls.answer(true)
			w.settled(repair.Repaired, faults...)
			w.once(faults...)
		})
	}
}

// The pair is parted, and only one knows of the silence: it holds while that one
// does not answer.
func TestSilenceHoldsWhileWhoKnowsOfItDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{relays: true}, "")
	must(t, os.WriteFile(w.path("pause"), nil, 0o600))
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.refused("s1", "pause", "brake")
	w.cut()
	w.alone()
	id := w.a.silence("s1")
	w.a.silenced("s1", true)
	w.polls.again(t)
	must(t, os.Remove(w.path("pause")))
	w.refused("s1", "on-purpose", "silenced")
	w.polls.off[0].Store(true)
	w.polls.again(t)
	stays(t, 3*time.Second, func() error {
		if n := w.restarts("s1"); n != 0 {
			return fmt.Errorf("restarted %d times while its silence may hold", n)
		}
		return nil
	})
	w.a.unsilence(id)
	w.polls.answer(true)
	w.settled(repair.Repaired, f)
	w.once(f)
}
