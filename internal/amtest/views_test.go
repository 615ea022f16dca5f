//go:build servers

package amtest

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// The pair is parted, and the two disagree on when the alert began: each delivers
// it, and there is one run.
func TestPartitionAndDisagreementOnStartsAt(t *testing.T) {
	t.Parallel()
	w := newWard(t, 4, routing{relays: true}, "")
	w.cut()
	w.alone()
	w.crash(t, "s1")
	early, late := down("s1"), down("s1")
	early.starts = early.starts.Add(-time.Minute)
	w.a.post(false, early)
	w.b.post(false, late)
	until(t, "both have delivered", func() error {
		starts := map[time.Time]bool{}
		by := map[string]bool{}
		for _, d := range w.deliveries() {
			if d.status == http.StatusOK {
				by[d.from], starts[d.body.Alerts[0].StartsAt] = true, true
			}
		}
		if len(by) < 2 || len(starts) < 2 {
			return errNotYet
		}
		return nil
	})
	w.settled(repair.Repaired, early)
	w.heal()
	w.joined()
	w.polls.again(t)
	w.once(early)
	w.open(0)

	// Together again, and still at odds.
	w.crash(t, "s2")
	early, late = down("s2"), down("s2")
	early.starts = early.starts.Add(-time.Minute)
	w.a.post(false, late)
	w.b.post(false, early)
	w.settled(repair.Repaired, early)
	w.polls.again(t)
	w.once(down("s1"), early)
	w.end(down("s1"), early)
	w.closed(2)
}

// One of the pair is killed and comes back with nothing. The other one's alert is
// active, and what comes meanwhile is delivered by whoever is there.
func TestOneOfThePairForgets(t *testing.T) {
	t.Parallel()
	w := newWard(t, 4, routing{}, "")
	w.crash(t, "s1")
	one := down("s1")
	w.fire(one)
	w.settled(repair.Repaired, one)
	w.a.forget()
	two := down("s2")
	w.crash(t, "s2")
	w.b.post(false, two)
	w.settled(repair.Repaired, two)
	w.a.start()
	w.joined()
	w.polls.again(t) // a knows of no alert, and that is not enough
	w.open(2 * time.Second)
	w.fire(one, two) // as Prometheus does, every minute or so
	w.polls.again(t)
	w.once(one, two)
	w.open(0)
	w.end(one, two)
	for _, c := range w.closed(2) {
		if c.Reason != "in_order" || !c.Mutated {
			t.Errorf("closed %+v", c)
		}
	}
}

// What both have forgotten is no longer active, though no end was ever sent.
func TestBothForget(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{}, "")
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.settled(repair.Repaired, f)
	w.a.forget()
	w.b.forget()
	w.a.start()
	w.b.start()
	if c := w.closed(1)[0]; c.Reason != "in_order" || !c.Mutated {
		t.Errorf("closed %+v", c)
	}
	for _, r := range of[repair.Received](t, w.story(), repair.TypeReceived) {
		if r.Status == "resolved" {
			t.Error("an end was sent after all")
		}
	}
	w.once(f)
}

// One that does not answer holds an episode open until it is left out, and people
// are told.
func TestOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{}, "poll_left_out: 8s")
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.settled(repair.Repaired, f)
	gone := time.Now()
	w.a.proc.Kill()
	w.b.forget()
	w.b.start()
	c := w.closed(1)[0]
	if c.Reason != "in_order" {
		t.Errorf("closed %+v", c)
	}
	// By the record's own time: how long the other one takes to start is not known.
	for _, r := range w.story() {
		if d := r.At.Wall.Sub(gone); r.Type == repair.TypeClosed && d < 8*time.Second {
			t.Errorf("closed %s after it was gone, before it was left out", d)
		}
	}
	told := false
	for _, e := range of[repair.EscalatedData](t, w.story(), repair.TypeEscalate) {
		told = told || e.Reason == "alertmanager" && strings.Contains(e.Detail, "has not answered for 8s")
	}
	if !told {
		t.Error("nobody was told")
	}
	w.once(f)
}

// Silenced in Alertmanager: refused, and taken up by itself when the silence ends.
func TestSilenced(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{}, "")
	must(t, os.WriteFile(w.path("pause"), nil, 0o600))
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.refused("s1", "pause", "brake")
	id := w.a.silence("s1")
	w.b.silenced("s1", true) // by gossip
	w.polls.again(t)
	must(t, os.Remove(w.path("pause")))
	w.refused("s1", "on-purpose", "silenced")
	w.polls.again(t)
	if n := w.restarts("s1"); n != 0 {
		t.Fatalf("restarted %d times while it is silenced", n)
	}
	w.a.unsilence(id)
	w.b.silenced("s1", false)
	w.settled(repair.Repaired, f)
	w.end(f)
	w.closed(1)
	w.once(f)
}

// A silence holds while no Alertmanager can say whether it is over.
func TestSilenceHoldsWhileNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{}, "")
	must(t, os.WriteFile(w.path("pause"), nil, 0o600))
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.refused("s1", "pause", "brake")
	id := w.a.silence("s1")
	w.b.silenced("s1", true)
	w.polls.again(t)
	must(t, os.Remove(w.path("pause")))
	w.refused("s1", "on-purpose", "silenced")
	w.polls.answer(false)
	w.polls.again(t)
	stays(t, 3*time.Second, func() error {
		if n := w.restarts("s1"); n != 0 {
			return fmt.Errorf("restarted %d times while nobody can say that its silence is over", n)
		}
		return nil
	})
	w.a.unsilence(id)
	w.b.silenced("s1", false)
	w.polls.answer(true)
	w.settled(repair.Repaired, f)
	w.once(f)
}
