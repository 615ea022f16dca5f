package repair_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// hungWorld is a cluster of three with a hung member, in a fleet that storms.
func hungWorld(t *testing.T) *fakeWorld {
	w := newWorld(t, 3)
	w.member("m2").hung = true
	w.fleet = &repair.Fleet{Running: 30, Failing: 20}
	return w
}

// What a storm holds opens no run: one record has the answer for all its episodes,
// each is asked again, and goes on by itself when the storm is over.
func TestStormHoldsWithoutRuns(t *testing.T) {
	w := hungWorld(t)
	const n = 600
	alerts := make([]alert.Alert, n)
	for i := range alerts {
		labels := downLabels("m2")
		labels["n"] = fmt.Sprint(i)
		alerts[i] = alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Labels: labels}
	}
	w.step(repair.Alerts{Message: "storm", Actor: "test", Alerts: alerts, End: &repair.MessageEnd{}})
	w.run(10 * time.Minute)
	if got := w.count(repair.TypePlanned); got != 0 {
		t.Errorf("%d runs were opened in a storm", got)
	}
	named := map[string]bool{}
	w.each(repair.TypeHeld, func(b []byte) {
		var h repair.HeldData
		w.decode(b, &h)
		if h.Guard != "storm" || h.Reason != "storm" || !h.Passing || len(h.Episodes) > 500 {
			t.Errorf("held by %s(%s), passing %v, %d episodes", h.Guard, h.Reason, h.Passing, len(h.Episodes))
		}
		for _, id := range h.Episodes {
			if named[id] {
				t.Errorf("episode %s was recorded twice within the hour", id)
			}
			named[id] = true
		}
	})
	if len(named) != n {
		t.Errorf("%d of %d episodes have the answer in the journal", len(named), n)
	}
	if got := w.count(repair.TypeHeld); got > n/500+1 {
		t.Errorf("%d records for %d episodes", got, n)
	}
	for _, ep := range w.engine.State().Episodes() {
		if ep.Last == nil || ep.Last.Reason != "storm" {
			t.Fatalf("episode %s does not say why it waits: %+v", ep.ID, ep.Last)
		}
	}
	if got := w.count(repair.TypeEscalate); got != 1 {
		t.Errorf("people were told %d times of one storm", got)
	}
	if m := w.member("m2"); m.killed != 0 {
		t.Fatalf("the hung member was ended %d times in a storm", m.killed)
	}

	w.restart() // the answer is in the fold
	if got, want := carried(t, w.engine.State(), w.reading()), carried(t, fold(t, w.drafts), w.reading()); got != want {
		t.Error("held episodes fold to another state")
	}
	w.fleet = nil
	w.run(3 * time.Minute)
	if m := w.member("m2"); m.killed != 1 || !w.serving(m) {
		t.Errorf("after the storm: ended %d times, serving %v; outcomes %v", m.killed, w.serving(m), tail(w.finished(), 4))
	}
}

// One look at the inventory serves all who want to know, and is taken only where
// everything else says go.
func TestOneSurveyForAll(t *testing.T) {
	w := hungWorld(t)
	surveys := 0
	w.watch = func(f repair.Effect) {
		if _, ok := f.(repair.Survey); ok {
			surveys++
		}
	}
	w.step(repair.SetPause{Actor: "op"})
	for i := range 20 {
		labels := downLabels("m2")
		labels["n"] = fmt.Sprint(i)
		w.send(alert.Firing, labels)
	}
	w.run(10 * time.Second)
	if surveys != 0 {
		t.Errorf("%d looks at the inventory while paused", surveys)
	}
	w.step(repair.ClearPause{Actor: "op"})
	w.run(20 * time.Second)
	if surveys < 2 || surveys > 6 { // one for each ask, every 5 s
		t.Errorf("%d looks at the inventory for 20 episodes in 20 s", surveys)
	}
}

// A start takes nothing away: no storm holds it back (rule 13).
func TestStormDoesNotHoldStarts(t *testing.T) {
	w := hungWorld(t)
	w.member("m2").hung = false
	w.kill("m2")
	fire(w, "m2")
	w.run(2 * time.Minute)
	if got := w.finished(); len(got) != 1 || got[0] != "repaired" {
		t.Errorf("outcomes %v", got)
	}
}

// What cannot be told is a refusal, and so is a monitoring that cannot be relied on.
func TestStormCannotTell(t *testing.T) {
	for reason, fleet := range map[string]repair.Fleet{
		"unseen":  {Err: errors.New("not over in time")},
		"suspect": {Running: 3, Suspect: "prometheus does not answer"},
	} {
		w := hungWorld(t)
		w.fleet = &fleet
		fire(w, "m2")
		w.run(time.Minute)
		eps := w.engine.State().Episodes()
		if len(eps) != 1 || eps[0].Last == nil || eps[0].Last.Reason != reason || w.member("m2").killed != 0 {
			t.Errorf("%s: %+v, killed %d", reason, eps[0].Last, w.member("m2").killed)
		}
		if reason == "unseen" && !strings.Contains(eps[0].Last.Detail, "not over in time") {
			t.Errorf("the detail is %q", eps[0].Last.Detail)
		}
	}
}

// A journal without room, or with damage, lets nothing new begin, records nothing of
// it for each ask, and goes on by itself.
func TestHeldJournal(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.held = "the disk is full"
	fire(w, "m2")
	w.run(10 * time.Minute)
	if n := w.count(repair.TypePlanned); n != 0 || w.member("m2").applied != 0 {
		t.Fatalf("%d runs, %d starts while the journal is full", n, w.member("m2").applied)
	}
	w.held = ""
	w.run(2 * time.Minute)
	if got := w.finished(); len(got) != 1 || got[0] != "repaired" {
		t.Errorf("outcomes %v", got)
	}

	// In the middle of a run: what was begun is followed to its end, the next intent
	// is not written.
	w = newWorld(t, 3)
	w.member("m2").hung = true
	w.drawn = func(d journal.Draft) {
		if d.Type == repair.TypeIntent {
			w.held = "the disk is full"
		}
	}
	fire(w, "m2")
	w.run(time.Minute)
	w.drawn = nil
	if got := w.finished(); len(got) == 0 || got[0] != "blocked(journal/journal)" {
		t.Errorf("outcomes %v", got)
	}
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d intents", n)
	}
	w.held = ""
	w.run(15 * time.Minute)
	allServe(t, w)
}
