package repair_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// eventful is a history with a little of everything in it.
func eventful(t *testing.T) *fakeWorld {
	w := newWorld(t, 5)
	w.set.Sample = time.Second
	w.kill("m1")
	fire(w, "m1", "m9")
	w.step(repair.SetPause{Cluster: "demo", Actor: "op"})
	w.run(10 * time.Second)
	w.step(repair.ClearPause{Cluster: "demo", Actor: "op"})
	w.run(90 * time.Second)
	w.send(alert.Resolved, downLabels("m1"))
	w.member("m2").hung = true
	fire(w, "m2")
	w.run(10 * time.Second)
	w.kill("m2") // relapse
	w.run(3 * time.Minute)
	w.member("m3").broken = true
	w.kill("m3")
	fire(w, "m3")
	w.run(15 * time.Minute)
	w.restart()
	w.step(repair.SetPause{Actor: "op", Reason: "lunch"})
	w.kill("m4")
	fire(w, "m4")
	w.run(time.Minute)
	w.step(repair.CloseEpisode{Episode: w.engine.State().Episodes()[0].ID, Actor: "op"})
	w.step(repair.ClearPause{Actor: "op"})
	w.kill("m5")
	w.member("m5").broken = true
	w.lookErrAfterIntent(errors.New("no bus"))
	w.set.Cooldown, w.set.Attempts = 0, 0
	fire(w, "m5")
	w.run(5 * time.Minute)
	return w
}

// views are what the rest of fettle can see of a State.
type views struct {
	Runs       []repair.Run
	Episodes   []repair.Episode
	Pauses     []repair.Pause
	Open, Live int
}

// text is all of it, with what pointers point to.
func (v views) text() string {
	var b strings.Builder
	show := func(all ...any) { fmt.Fprintf(&b, "%+v\n", all) }
	for _, r := range v.Runs {
		show(r.Planned, r.Opened, r.OpenedWall, r.EndedWall, r.Attempt, r.Next, r.Intents, r.Mutating, r.Verified, r.Trail)
		if r.Intent != nil {
			show(*r.Intent)
		}
		if r.Finished != nil {
			show(*r.Finished)
		}
	}
	for _, ep := range v.Episodes {
		show(ep.ID, ep.Fingerprint, ep.Playbook, ep.Labels(), ep.Opened, ep.OpenedWall, ep.ClosedWall, ep.CloseReason, ep.Active, ep.Mutated)
		show(ep.Run, ep.Runs, ep.LastWall, ep.LastOutcome, ep.LastEnded)
		if ep.Last != nil {
			show(*ep.Last)
		}
	}
	show(v.Pauses, v.Open, v.Live)
	return b.String()
}

func viewsOf(s *repair.State) views {
	v := views{Runs: s.Runs(), Episodes: s.Episodes(), Pauses: s.Pauses()}
	v.Open, v.Live = s.Open()
	return v
}

func TestFoldIsPure(t *testing.T) {
	w := eventful(t)
	once, again := fold(t, w.drafts), fold(t, w.drafts)
	if carried(t, once, w.reading()) != carried(t, again, w.reading()) || viewsOf(once).text() != viewsOf(again).text() {
		t.Fatal("the same lines make another state")
	}
	if got, want := viewsOf(w.engine.State()).text(), viewsOf(once).text(); got != want {
		t.Errorf("the engine's own state is not the fold of what it wrote:\n%s\n%s", got, want)
	}
	if got, want := carried(t, w.engine.State(), w.reading()), carried(t, once, w.reading()); got != want {
		t.Errorf("the engine's own state is carried otherwise than the fold of what it wrote:\n%s\n%s", got, want)
	}
	for _, typ := range []string{
		repair.TypeReceived, repair.TypeMessage, repair.TypePlanned, repair.TypeNoop, repair.TypeIntent, repair.TypeStep, repair.TypeRelapsed,
		repair.TypeFinished, repair.TypeClosed, repair.TypeEscalate, repair.TypePaused, repair.TypeUnpaused, repair.TypeConfig,
	} {
		if w.count(typ) == 0 {
			t.Errorf("no record of type %s in the history", typ)
		}
		if !repair.KnownType(typ) {
			t.Errorf("%s is not known to the journal", typ)
		}
	}
}

// A fold that stops at any record and goes on from there is the same fold; and an
// engine asks the two the same.
func TestFoldCutAnywhere(t *testing.T) {
	w := eventful(t)
	st := repair.NewState()
	for i, d := range w.drafts {
		if i%7 == 0 || i > len(w.drafts)-20 {
			whole := fold(t, w.drafts[:i])
			if carried(t, st, d.At) != carried(t, whole, d.At) || viewsOf(st).text() != viewsOf(whole).text() {
				t.Fatalf("cut at record %d (%s): another state", i, d.Type)
			}
			sameAnswers(t, w, st, whole)
		}
		if err := st.Fold(d); err != nil {
			t.Fatal(err)
		}
	}
}

// sameAnswers compares what the guards would learn.
func sameAnswers(t *testing.T, w *fakeWorld, a, b *repair.State) {
	t.Helper()
	ask := func(s *repair.State) []any {
		e := repair.NewEngine(w.cfg, s, func() string { return "id" })
		var out []any
		for _, m := range w.members {
			target := "demo/" + m.name
			by, paused := e.Paused("demo")
			holder, taken := e.SlotHolder([]string{"cluster/demo"}, "")
			out = append(out, by, paused, holder, taken, e.LiveRuns(""),
				e.CooldownLeft("etcd-member-restart", target, 10*time.Minute),
				e.AttemptsMade("member-start", target, 15*time.Minute), e.CircuitOpen("member-start", target))
		}
		return out
	}
	if x, y := ask(a), ask(b); !reflect.DeepEqual(x, y) {
		t.Fatalf("other answers:\n%v\n%v", x, y)
	}
}

// A journal that was cut after any record (a torn group) is resumed without harm: no
// second mutation while the first may be in flight, and every dead member comes up.
func TestResumeFromEveryCut(t *testing.T) {
	history := func() *fakeWorld {
		w := newWorld(t, 3)
		w.kill("m2")
		w.member("m2").startIn = 2 * time.Second
		fire(w, "m2")
		return w
	}
	w := history()
	w.run(3 * time.Minute)
	for n := 1; n < len(w.drafts); n++ {
		w := history()
		for len(w.drafts) < n {
			w.run(500 * time.Millisecond)
		}
		w.drafts = w.drafts[:n]
		intents := w.count(repair.TypeIntent)
		w.restart()
		if w.count(repair.TypeReceived) == 0 {
			fire(w, "m2")
		}
		w.run(4 * time.Minute)
		m := w.member("m2")
		if !w.serving(m) || m.applied != 1 {
			t.Errorf("cut after %d (%d intents): serving %v, started %d times, outcomes %v", n, intents, w.serving(m), m.applied, w.finished())
		}
	}
}

// A run whose result was written and whose end was not, ends as it would have.
func TestResumeAfterACutResult(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(w *fakeWorld)
		want  string
	}{
		"unknown": {func(w *fakeWorld) { w.lookErrAfterIntent(errors.New("no bus")) }, "unknown"},
		"failed":  {func(*fakeWorld) {}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.set.StepAttempts = 1
			w.kill("m2")
			w.member("m2").broken = true
			tc.spoil(w)
			fire(w, "m2")
			w.run(2 * time.Minute)
			for i, d := range w.drafts {
				if d.Type == repair.TypeFinished {
					w.drafts = append([]journal.Draft(nil), w.drafts[:i]...)
					break
				}
			}
			if w.count(repair.TypeStep) != 1 {
				t.Fatal("no result in what is left")
			}
			w.lookErr, w.drawn = nil, nil
			w.restart()
			w.run(time.Second)
			if got := w.finished(); len(got) == 0 || got[0] != tc.want || w.count(repair.TypeIntent) != 1 {
				t.Errorf("outcomes %v, %d intents; want %s and no second intent", got, w.count(repair.TypeIntent), tc.want)
			}
		})
	}
}

// A member that was started without a quorum gives its slots back at once also where the end
// of its run was not written: the next one has to be started for a quorum.
func TestResumeAfterACutStart(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	w.kill("m2")
	w.kill("m3")
	fire(w, "m1", "m2", "m3")
	w.crash = func(repair.Effect) bool {
		for i, d := range w.drafts {
			if d.Type == repair.TypeStep {
				w.crash, w.drafts = nil, append([]journal.Draft(nil), w.drafts[:i+1]...)
				return true
			}
		}
		return false
	}
	w.run(15 * time.Second)
	allServe(t, w)
	if n := w.count(repair.TypeIntent); n != 3 {
		t.Errorf("%d intents, want one for each; outcomes %v", n, w.finished())
	}
	if got := w.finished(); !slices.Contains(got, "blocked(quorum/quorum)") {
		t.Errorf("outcomes %v", got)
	}
}

// Nor is one more attempt made where the last one's relapse was written and the end was not.
func TestResumeAfterACutRelapse(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	fire(w, "m2")
	for range 2 {
		w.run(10 * time.Second)
		w.kill("m2")
	}
	w.run(2 * time.Second)
	for i, d := range w.drafts {
		if d.Type == repair.TypeFinished {
			w.drafts = append([]journal.Draft(nil), w.drafts[:i]...)
			break
		}
	}
	if w.drafts[len(w.drafts)-1].Type != repair.TypeRelapsed || w.count(repair.TypeIntent) != w.set.StepAttempts {
		t.Fatalf("%d intents, outcomes %v", w.count(repair.TypeIntent), w.finished())
	}
	w.restart()
	w.run(time.Second)
	if got := w.finished(); len(got) == 0 || got[0] != "failed" || w.count(repair.TypeIntent) != w.set.StepAttempts {
		t.Errorf("outcomes %v, %d intents; want failed and no further intent", got, w.count(repair.TypeIntent))
	}
}

// An alert that names no member may have meant two, and both runs ended unknown: that one
// of them is in order gives back what was held for it, and not the other's slots.
func TestFreedIsOneTargets(t *testing.T) {
	w := newWorld(t, 3)
	add := func(typ string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w.drafts = append(w.drafts, journal.Draft{Type: typ, At: w.reading(), ID: fmt.Sprint("d", len(w.drafts)), Data: b})
	}
	labels := map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo"}
	add(repair.TypeReceived, repair.Received{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Episode: "e", Opened: true, Playbook: "etcd-member-restart", Labels: labels})
	for _, m := range []string{"m2", "m3"} {
		add(repair.TypePlanned, repair.Planned{Run: "of-" + m, Episode: "e", Playbook: "etcd-member-restart", Target: "demo/" + m, Sought: true, Resources: []string{"unit/" + m}})
		add(repair.TypeFinished, repair.FinishedData{Run: "of-" + m, Episode: "e", Playbook: "etcd-member-restart", Target: "demo/" + m, Outcome: repair.Unknown})
	}
	add(repair.TypeFreed, repair.ReleasedData{Episode: "e", Target: "demo/m2"})
	e := repair.NewEngine(w.cfg, fold(t, w.drafts), nil)
	for m, want := range map[string]bool{"m2": false, "m3": true} {
		if by, held := e.SlotHolder([]string{"unit/" + m}, ""); held != want {
			t.Errorf("the slot of %s is held: %v (%s), want %v", m, held, by, want)
		}
	}
}

func TestReplaySaysWhichRecordIsBad(t *testing.T) {
	bad := journal.Record{Draft: journal.Draft{ID: "r-7", Type: repair.TypePlanned, At: journal.Reading{Boot: "b", Since: 1}, Data: []byte(`{"run":7}`)}}
	_, err := repair.Replay(func(fn func(journal.Record) error) error { return fn(bad) })
	if err == nil {
		t.Fatal("no error")
	}
	if got := err.Error(); !containsAll(got, "r-7", repair.TypePlanned) {
		t.Errorf("error %q", got)
	}
}

func containsAll(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
