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

// fakeHost is an action that sees something else than the member's own.
type fakeHost struct {
	w     *fakeWorld
	ready bool
}

func (a *fakeHost) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	seen, err := a.w.look(t)
	if err != nil {
		return seen, err
	}
	seen.Observation, err = repair.Observed("host/1", "host", a.ready)
	return seen, err
}

func (a *fakeHost) Done(_ *repair.Observation, now repair.Observation) bool {
	ready, _ := repair.Unpack[bool](now, "host/1")
	return ready
}

func (a *fakeHost) Apply(context.Context, repair.Intent) error {
	a.ready = true
	return nil
}

// Steps that see different things: a refusal is the same answer at every ask, and
// does not fill the journal; and the run goes through all of them.
func TestStepsThatSeeDifferently(t *testing.T) {
	for _, ready := range []bool{false, true} {
		w := newWorld(t, 3)
		host := &fakeHost{w, ready}
		w.cfg.Actions["host-ready"] = repair.ActionSpec{Name: "host-ready", Sees: "host/1", Kind: cluster.KindEtcd, Disturbs: cluster.DisturbsCluster, Does: repair.Starts, Action: host}
		p := *w.cfg.Playbooks[0]
		p.Steps = []repair.Step{{Name: "ready", Action: "host-ready"}, {Name: "start", Action: "member-start"}}
		w.cfg.Playbooks = []*repair.Playbook{&p}
		w.restart()
		w.brake = true
		w.kill("m2")
		before := len(w.drafts)
		fire(w, "m2")
		w.run(time.Hour)
		if n := len(w.drafts) - before; n > 30 {
			t.Errorf("ready %v: %d records in an hour: %v", ready, n, tail(w.finished(), 5))
		}
		w.brake = false
		w.run(3 * time.Minute)
		wantList(t, "outcomes", w.finished(), "blocked(pause/brake)", "repaired")
		if !host.ready || !w.serving(w.member("m2")) {
			t.Errorf("host ready %v, m2 serves %v", host.ready, w.serving(w.member("m2")))
		}
	}
}

// Whatever refuses by turns, an episode writes little: each (guard, reason) once an hour.
func TestManyReasonsByTurns(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	fire(w, "m2")
	m := w.member("m2")
	w.brake = true
	w.drafts = w.drafts[:len(w.drafts):len(w.drafts)]
	before := len(w.drafts)
	for i := range 720 {
		w.brake, m.promGone, m.stopped, m.restart, w.lookErr = false, "", "", false, nil
		switch i % 5 {
		case 0:
			w.brake = true
		case 1:
			m.promGone = cluster.No
		case 2:
			m.stopped = "masked"
		case 3:
			m.restart = true
		case 4:
			w.lookErr = repair.ErrAgent
		}
		w.run(5 * time.Second)
	}
	if n := len(w.drafts) - before; n > 30 {
		t.Errorf("%d records in an hour", n)
	}
	if w.count(repair.TypeIntent) != 0 {
		t.Errorf("outcomes %v", w.finished())
	}
}

// Labels are untrusted: however many of them name one target, a few of what their steps
// would change are looked at at the same time, and each in its turn.
func TestManyLabelsAreLookedAtInTurn(t *testing.T) {
	const n, most = 300, 64
	f := newFiles(t, strings.NewReplacer(
		"  member: {pattern: '[a-z0-9-]+'}\n", "  member: {pattern: '[a-z0-9-]+'}\n  pool: {pattern: '[a-z0-9-]+'}\n", "[/put, pool, out]", "[/put, $pool, out]",
	).Replace(isolate))
	f.brake = true
	f.kill("m2")
	var alerts []alert.Alert
	for i := range n {
		labels := downLabels("m2")
		labels["pool"] = fmt.Sprintf("p%d", i)
		alerts = append(alerts, alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Labels: labels})
	}
	waiting := 0
	f.watch = func(repair.Effect) { waiting = max(waiting, len(f.effects)) }
	f.step(repair.Alerts{Message: "m", Actor: "test", Alerts: alerts, End: &repair.MessageEnd{}})
	f.run(2 * time.Minute)
	if waiting > most || waiting < most/2 {
		t.Errorf("%d looks wait at the same time, at most %d should", waiting, most)
	}
	if len(f.looks) != n {
		t.Errorf("%d of %d pools were looked at", len(f.looks), n)
	}
	for _, ep := range f.engine.State().Episodes() {
		if last, _ := f.engine.LastAnswer(ep); last == nil || last.Guard != "pause" {
			t.Fatalf("episode of %s: last answer %+v", ep.Label("pool"), last)
		}
	}
}
