package repair_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// fakeUnits are fake units by the hundred, dead until they are started.
type fakeUnits struct {
	w     *fakeWorld
	up    map[string]bool
	looks int
}

func (u *fakeUnits) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	u.looks++
	state := cluster.ServiceDead
	if u.up[t.String()] {
		state = cluster.ServiceRunning
	}
	o, err := repair.Observed("unit/1", string(state), u.up[t.String()])
	return repair.Sighting{Asked: u.w.reading(), Observation: o, Facts: repair.Facts{
		Sights: []cluster.Sight{{Member: t.Member.Name, Service: cluster.Service{State: state}}},
	}}, err
}

func (u *fakeUnits) Done(_ *repair.Observation, now repair.Observation) bool {
	up, _ := repair.Unpack[bool](now, "unit/1")
	return up
}

func (u *fakeUnits) Apply(_ context.Context, in repair.Intent) error {
	u.up[in.Target.String()] = true
	return nil
}

// fleetWorld has clusters of dead units, with so many alerts for each of them.
func fleetWorld(t *testing.T, clusters, members, alerts int) (*fakeWorld, *fakeUnits) {
	w := newWorld(t, 0)
	units := &fakeUnits{w: w, up: map[string]bool{}}
	w.cfg.Inventory = cluster.Inventory{}
	var all []alert.Alert
	for c := range clusters {
		one := cluster.Cluster{Name: fmt.Sprintf("c%d", c), Kind: cluster.KindService}
		for m := range members {
			one.Members = append(one.Members, cluster.Member{Name: fmt.Sprintf("u%d", m), Host: fmt.Sprintf("h%d-%d", c, m)})
			for n := range alerts {
				labels := map[string]string{"alertname": "UnitDown", "cluster": one.Name, "unit": one.Members[m].Name, "n": fmt.Sprint(n)}
				all = append(all, alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Labels: labels})
			}
		}
		w.cfg.Inventory.Clusters = append(w.cfg.Inventory.Clusters, one)
	}
	w.cfg.Actions = map[string]repair.ActionSpec{
		"unit-start": {Name: "unit-start", Sees: "unit/1", Kind: cluster.KindService, Disturbs: cluster.DisturbsUnit, Does: repair.Starts, Action: units},
	}
	p, err := repair.LoadPlaybook("unit-restart", []byte(`
name: unit-restart
version: 1
description: A dead unit is started.
on: ['alertname="UnitDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  unit: {pattern: '[a-z0-9-]+'}
target: {kind: service, cluster: $cluster, member: $unit}
tier: P2
autonomy: auto
steps:
  - {name: start, action: unit-start}
`), w.cfg.Actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Playbooks = []*repair.Playbook{p}
	w.restart()
	w.step(repair.SetPause{Actor: "op", Reason: "the night shift sleeps"})
	for some := range len(all)/500 + 1 {
		part := all[some*500 : min(len(all), (some+1)*500)]
		w.step(repair.Alerts{Message: fmt.Sprintf("m%d", some), Actor: "test", Alerts: part, End: &repair.MessageEnd{}})
	}
	return w, units
}

// Paused for eight hours with 10,000 open episodes the journal hardly grows; every
// episode says why it waits, and goes on by itself.
func TestPausedForEightHours(t *testing.T) {
	const clusters, members, alerts, hours = 10, 50, 20, 8
	w, units := fleetWorld(t, clusters, members, alerts)
	w.set.Look, w.set.Deadline = 5*time.Minute, 30*time.Minute // of P2
	episodes, _ := w.engine.State().Open()
	if episodes != clusters*members*alerts {
		t.Fatalf("%d episodes are open", episodes)
	}
	most, before := 0, len(w.drafts)
	for hour := range hours {
		w.run(time.Hour)
		grew := len(w.drafts) - before
		if grew >= 100 {
			t.Errorf("hour %d: the journal grew by %d records", hour+1, grew)
		}
		most, before = max(most, grew), len(w.drafts)
	}
	if n := w.count(repair.TypePlanned); n != 10 {
		t.Errorf("%d runs of their own, want 10", n)
	}
	if n := w.count(repair.TypeEscalate); n != clusters {
		t.Errorf("%d records of what people are told, want one for each of %d clusters", n, clusters)
	}
	for _, ep := range w.engine.State().Episodes() {
		if ep.Last == nil || ep.Last.Guard != "pause" || ep.Last.Reason != "paused" {
			t.Fatalf("episode %s does not say why it waits: %+v", ep.ID, ep.Last)
		}
	}
	if got, want := carried(t, w.engine.State(), w.reading()), carried(t, fold(t, w.drafts), w.reading()); got != want {
		t.Error("the journal folds to another state")
	}
	t.Logf("paused for %d h with %d open episodes: at most %d records an hour", hours, episodes, most)
	w.set.LiveRuns = 1000
	w.step(repair.ClearPause{Actor: "op"})
	w.run(15 * time.Second)
	if n := len(units.up); n != clusters*members {
		t.Errorf("%d of %d units were started after the pause", n, clusters*members)
	}
}

// Ten thousand targets out of order are looked at in turn, a hundred a second at most.
func TestManyTargetsDoNotSpin(t *testing.T) {
	w, units := fleetWorld(t, 10, 1000, 1)
	w.run(2 * time.Second) // each once
	if units.looks != 10000 {
		t.Fatalf("%d looks at 10,000 targets", units.looks)
	}
	units.looks = 0
	w.run(3 * time.Minute)
	if units.looks < 10000 || units.looks > 20000 {
		t.Errorf("%d looks in 3 minutes, want each target every 100 s", units.looks)
	}
	if n := w.count(repair.TypePlanned); n != 10 {
		t.Errorf("%d runs", n)
	}
}

// What is held is pending until its record is written, and the record is one a minute
// at most.
func TestHeldIsPendingFirst(t *testing.T) {
	w, _ := fleetWorld(t, 1, 40, 1)
	w.run(2 * time.Second)
	pending, written := 0, 0
	for _, ep := range w.engine.State().Episodes() {
		a, recorded := w.engine.LastAnswer(ep)
		if a == nil || a.Reason != "paused" {
			t.Fatalf("episode %s has no answer", ep.ID)
		}
		if recorded {
			written++
		} else {
			pending++
		}
	}
	if pending == 0 || written < 10 {
		t.Errorf("%d answers are pending, %d recorded", pending, written)
	}
	first := w.count(repair.TypeHeld)
	w.run(58 * time.Second)
	if n := w.count(repair.TypeHeld); n != first {
		t.Errorf("%d records within a minute", n)
	}
	w.run(5 * time.Second)
	if n := w.count(repair.TypeHeld); n != first+1 {
		t.Errorf("%d records after a minute, want %d", n, first+1)
	}
	for _, ep := range w.engine.State().Episodes() {
		if _, recorded := w.engine.LastAnswer(ep); !recorded {
			t.Errorf("episode %s is still pending", ep.ID)
		}
	}
}

// A first answer that changes before it is a record becomes one within a minute all the
// same: with the reason of that moment.
func TestHeldForReasonsThatChange(t *testing.T) {
	w, _ := fleetWorld(t, 1, 40, 1) // ten have a run, others the first record, and some are pending
	pending := func() (n int) {
		for _, ep := range w.engine.State().Episodes() {
			if ep.Last == nil && ep.LastOutcome == "" {
				n++
			}
		}
		return n
	}
	w.run(time.Second)
	if pending() == 0 {
		t.Fatal("every answer is a record at once")
	}
	w.set.Look = 5 * time.Second
	for n := range 7 { // pause/paused, pause/brake, in turns
		w.brake = n%2 == 0
		w.run(9 * time.Second)
	}
	if n := pending(); n > 0 {
		t.Errorf("%d episodes do not say why within a minute", n)
	}
}

// Where each episode was told another detail, none is given another one's.
func TestHeldDetailsVary(t *testing.T) {
	w, units := fleetWorld(t, 1, 40, 1)
	w.step(repair.ClearPause{Actor: "op"})
	w.run(2 * time.Minute) // all are repaired
	for name := range units.up {
		units.up[name] = false
	}
	w.run(2 * time.Minute) // and in cooldown
	held := 0
	w.each(repair.TypeHeld, func(b []byte) {
		var h repair.HeldData
		w.decode(b, &h)
		if h.Guard == "cooldown" && h.Varies {
			held += len(h.Episodes)
		}
	})
	if held == 0 {
		t.Fatalf("nothing was held by a cooldown; outcomes %v", tail(w.finished(), 5))
	}
	for _, ep := range fold(t, w.drafts).Episodes() {
		if ep.Last != nil && ep.Last.Guard == "cooldown" && ep.Last.Detail != "" && !strings.Contains(ep.Last.Detail, "/"+ep.Label("unit")+" ") {
			t.Errorf("the journal gives %s the answer %q", ep.Label("unit"), ep.Last.Detail)
		}
	}
	for _, ep := range w.engine.State().Episodes() {
		if a, _ := w.engine.LastAnswer(ep); a != nil && a.Guard == "cooldown" && !strings.Contains(a.Detail, "/"+ep.Label("unit")+" ") {
			t.Errorf("%s was told %q", ep.Label("unit"), a.Detail)
		}
	}
}
