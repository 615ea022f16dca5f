//go:build servers

package amtest

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/repair"
)

// An answer that comes later than the peer time-out (15 s) has the other one of the
// pair deliver as well; one that comes later than the flush (10 s at least) has the
// same one deliver again. Neither makes a second run.
func TestSlowAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, interval string
		want           int // deliveries
	}{
		{"later than the peer time-out", "30s", 2},
		{"later than the flush", "1s", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t, 2, routing{interval: tt.interval}, "")
			w.gate.set(func(g *gate) { g.delay = 20 * time.Second })
			w.crash(t, "s1")
			f := down("s1")
			w.fire(f)
			w.settled(repair.Repaired, f)
			until(t, "it was delivered often, by both", func() error {
				by := map[string]int{}
				for _, d := range w.deliveries() {
					by[d.from]++
				}
				if by["a"] == 0 || by["b"] == 0 || by["a"]+by["b"] < tt.want {
					return fmt.Errorf("delivered %v", by)
				}
				return nil
			})
			w.polls.again(t)
			w.once(f)
		})
	}
}

// Over 1,000 refusals, and nothing is lost: a hundred alerts, of which thirty are of
// services that are down and seventy of services that run.
func TestRefusedAThousandTimes(t *testing.T) {
	t.Parallel()
	const services, dead, refusals = 100, 30, 1000
	w := newWard(t, services, routing{}, "")
	w.gate.set(func(g *gate) { g.refuse = math.MaxInt })
	var faults []fault
	for i := range services {
		f := down(fmt.Sprintf("s%d", i+1))
		if i < dead {
			w.crash(t, f.labels["cluster"])
		}
		faults = append(faults, f)
	}
	start := time.Now()
	w.fire(faults...)
	until(t, "it was refused often enough", func() error {
		if n := w.count(func(d delivery) bool { return d.status == http.StatusServiceUnavailable }); n <= refusals {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	if n := len(of[repair.Received](t, w.story(), repair.TypeReceived)); n != 0 {
		t.Errorf("%d alerts came through a gate that was closed", n)
	}
	w.gate.set(func(g *gate) { g.refuse = 0 })
	w.arrived(faults...)
	took := time.Since(start).Round(100 * time.Millisecond)
	w.settled(repair.Noop, faults[dead:]...)
	w.settled(repair.Repaired, faults[:dead]...)
	w.end(faults...)
	w.closed(services)
	st := w.story()
	if n := w.mutatingRuns(st); n != dead {
		t.Errorf("%d runs changed something, want %d", n, dead)
	}
	var names []string
	for _, f := range faults[:dead] {
		names = append(names, f.labels["cluster"])
	}
	w.restartedOnce(t, names...)
	for _, f := range faults {
		if n := len(w.received(st, f)); n != 1 {
			t.Errorf("%d records of %s firing, want one", n, f.labels["cluster"])
		}
	}
	w.verified()
	refused := w.count(func(d delivery) bool { return d.status == http.StatusServiceUnavailable })
	scorecard.Row(t, 9, fmt.Sprintf("a pair of Alertmanager %s refused %d times with 503: all of %d alerts came again, the last %s after it fired; %d faults, %d restarts",
		alertmanager.Version, refused, services, took, dead, dead))
}

// fettle is killed again and again while alerts arrive and repairs run.
func TestFettleIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	const rounds, services = 5, 64
	w := newWard(t, services, routing{}, "")
	var all []fault
	for round := range rounds {
		var before, while []fault
		for i := range 4 {
			f := down(fmt.Sprintf("s%d", len(all)+1))
			all = append(all, f)
			w.crash(t, f.labels["cluster"])
			if i < 2 {
				before = append(before, f)
			} else {
				while = append(while, f)
			}
		}
		w.fire(before...)
		if round%2 == 0 { // at any moment of a delivery or a repair, and after it is on disk
			w.arrived(before...)
		}
		w.proc.Kill()
		w.fire(while...)
		until(t, "Alertmanager has met a fettle that is gone", func() error {
			if w.count(func(d delivery) bool { return d.status == http.StatusBadGateway }) <= round {
				return errNotYet
			}
			return nil
		})
		w.serve()
	}
	w.arrived(all...)
	w.settled(repair.Repaired, all...)
	var names []string
	for _, f := range all {
		names = append(names, f.labels["cluster"])
	}
	w.restartedOnce(t, names...)
	w.end(all...)
	w.closed(len(all))
	w.verified()
}

// An alert's end is a hint: while its service is down nothing is repaired, and its
// episode stays open.
func TestResolvedIsNotRepaired(t *testing.T) {
	t.Parallel()
	w := newWard(t, 2, routing{}, "attempts: 0, poll_left_out: 10m")
	w.setBroken("s1", true)
	w.crash(t, "s1")
	f := down("s1")
	w.fire(f)
	w.settled(repair.Failed, f)
	w.end(f)
	w.await("its end is received", func(st story) error {
		for _, r := range of[repair.Received](t, st, repair.TypeReceived) {
			if r.Status == "resolved" {
				return nil
			}
		}
		return errNotYet
	})
	w.polls.again(t)
	w.open(time.Second)
	if w.outcomes(w.story())["s1"][repair.Repaired] {
		t.Error("a service that is down counts as repaired")
	}
	w.setBroken("s1", false)
	w.settled(repair.Repaired, f)
	if c := w.closed(1)[0]; c.Reason != "in_order" || !c.Mutated {
		t.Errorf("closed %+v", c)
	}
}
