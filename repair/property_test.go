package repair_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// invariants watches a world for what must never happen.
type invariants struct {
	t       *rapid.T
	w       *fakeWorld
	intents map[string]bool
	begun   map[string]bool
}

func guardWorld(t *rapid.T, w *fakeWorld) {
	v := &invariants{t: t, w: w, intents: map[string]bool{}, begun: map[string]bool{}}
	w.drawn, w.watch = v.draft, v.effect
}

// draft sees each record as it is made.
func (v *invariants) draft(d journal.Draft) {
	switch d.Type {
	case repair.TypeIntent:
		var in repair.IntentData
		v.w.decode(d.Data, &in)
		v.intents[in.ID] = true
		if v.w.brake || len(v.w.engine.State().Pauses()) > 0 {
			v.t.Errorf("an intent while paused: %s on %s", in.Action, in.TargetName)
		}
	case repair.TypeFinished:
		var f repair.FinishedData
		v.w.decode(d.Data, &f)
		if m := v.w.named(f.Target); f.Outcome == repair.Repaired && !v.w.serving(m) {
			v.t.Errorf("repaired, and %s does not serve", f.Target)
		}
	}
}

// effect sees each effect just before it begins.
func (v *invariants) effect(f repair.Effect) {
	a, ok := f.(repair.Apply)
	if !ok {
		return
	}
	if !v.intents[a.Intent.ID] {
		v.t.Errorf("applied without an intent on disk: %s on %s", a.Intent.Action, a.Intent.Target)
	}
	if v.begun[a.Intent.ID] {
		v.t.Errorf("applied twice: %s on %s", a.Intent.Action, a.Intent.Target)
	}
	v.begun[a.Intent.ID] = true
	if len(v.w.late) > 0 && v.w.late[0].effect.Intent.MayBegin(v.w.reading()) {
		v.t.Errorf("applied while an earlier intent may still begin: %s on %s", a.Intent.Action, a.Intent.Target)
	}
	for _, m := range v.w.members {
		if m.startAt > 0 {
			v.t.Errorf("applied %s on %s while the start of %s is in flight", a.Intent.Action, a.Intent.Target, m.name)
		}
	}
	if a.Spec.Does == repair.Takes && !a.Intent.MayBegin(v.w.reading()) {
		return
	}
	if a.Spec.Does == repair.Takes && v.w.applyLate == 0 {
		v.taking(v.w.member(a.Intent.Target.Member.Name))
	}
}

// taking checks that the others are a quorum when a member is ended.
func (v *invariants) taking(m *fakeMember) {
	others := 0
	for _, o := range v.w.members {
		if o != m && o.up && !o.hung && !o.noAnswer {
			others++
		}
	}
	if others < len(v.w.members)/2+1 {
		v.t.Errorf("%s was ended, and only %d others serve", m.name, others)
	}
}

// named finds the member of "demo/m1".
func (w *fakeWorld) named(target string) *fakeMember {
	for _, m := range w.members {
		if target == "demo/"+m.name {
			return m
		}
	}
	return &fakeMember{}
}

// alertAll is Alertmanager: firing for what does not serve, resolved for what does.
func (w *fakeWorld) alertAll() {
	for _, m := range w.members {
		if w.serving(m) {
			w.send(alert.Resolved, downLabels(m.name))
		} else {
			w.send(alert.Firing, downLabels(m.name))
		}
	}
}

// disturb does one random thing to the world.
func disturb(t *rapid.T, w *fakeWorld) {
	m := w.members[rapid.IntRange(0, len(w.members)-1).Draw(t, "member")]
	switch op := rapid.SampledFrom([]string{
		"kill", "kill", "hang", "unhang", "wipe", "alert", "alert", "resolve", "pause", "unpause", "brake", "unbrake", "crash", "reload",
		"clock", "port", "slow", "broken", "mended", "blind", "seeing", "late", "in time", "restarting", "reboot", "release", "replay",
	}).Draw(t, "op"); op {
	case "kill":
		w.kill(m.name)
	case "hang":
		m.hung = m.up && !m.noAnswer
	case "unhang":
		m.hung = false
	case "wipe":
		if !m.up && m.startAt == 0 && rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			m.proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
		}
	case "alert":
		w.send(alert.Firing, downLabels(m.name))
	case "resolve":
		w.send(alert.Resolved, downLabels(m.name))
	case "pause":
		w.step(repair.SetPause{Cluster: rapid.SampledFrom([]string{"", "demo"}).Draw(t, "scope"), Actor: "op"})
	case "unpause":
		for _, p := range w.engine.State().Pauses() {
			w.step(repair.ClearPause{ID: p.ID, Actor: "op"})
		}
	case "brake", "unbrake":
		w.brake = op == "brake"
	case "crash":
		w.restart()
	case "reload":
		w.reload()
	case "clock":
		w.wall = w.wall.Add(time.Duration(rapid.IntRange(-48, 48).Draw(t, "hours")) * time.Hour)
	case "port":
		m.port = w.now + time.Duration(rapid.IntRange(1, 60).Draw(t, "bound"))*time.Second
	case "slow":
		m.startIn = time.Duration(rapid.IntRange(0, 90).Draw(t, "start")) * time.Second
	case "broken", "mended":
		m.broken = op == "broken"
	case "blind":
		w.lookErr = repair.ErrAgent
	case "seeing":
		w.lookErr = nil
	case "late":
		w.applyLate = time.Duration(rapid.IntRange(1, 150).Draw(t, "late")) * time.Second
	case "in time":
		w.applyLate = 0
	case "restarting":
		m.restart = !m.up && !m.restart
	case "reboot":
		w.reboot()
	case "release":
		for _, ep := range openEpisodes(w) {
			w.step(repair.Release{Episode: ep.ID, Actor: "op"})
		}
	case "replay":
		if !m.up && m.startAt == 0 { // somebody else started it
			m.up, m.noAnswer, m.born, m.wake = true, true, w.now, w.now+64*time.Second
			m.pid += 100
		}
	}
}

// calm mends what a person mends: the world stays as it is otherwise.
func calm(w *fakeWorld) {
	w.brake, w.lookErr, w.applyLate = false, nil, 0
	for _, p := range w.engine.State().Pauses() {
		w.step(repair.ClearPause{ID: p.ID, Actor: "op"})
	}
	for _, m := range w.members {
		m.port, m.broken, m.startIn, m.restart = 0, false, 0, false
	}
	w.run(4 * time.Minute) // what was late comes, or never does
	for range 4 {
		w.alertAll()
		for _, ep := range w.engine.State().Episodes() {
			w.step(repair.Release{Episode: ep.ID, Actor: "op"})
		}
		w.run(12 * time.Minute)
	}
	w.alertAll()
	w.run(5 * time.Minute)
}

// startable is what can be brought up without new data.
func (w *fakeWorld) startable(m *fakeMember) bool {
	return m.up && !m.hung || !m.up && m.proof.Answer == cluster.Yes
}

func TestRandomSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.SampledFrom([]int{3, 3, 5}).Draw(t, "members"))
		w.set.Sample = time.Second
		w.notify = rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 90 * time.Second}).Draw(t, "TimeoutStartSec")
		guardWorld(t, w)
		for range rapid.IntRange(1, 25).Draw(t, "length") {
			disturb(t, w)
			w.run(time.Duration(rapid.SampledFrom([]int{0, 1, 3, 10, 40, 120}).Draw(t, "seconds")) * time.Second)
		}
		if got, want := len(fold(t, w.drafts).Runs()), len(w.engine.State().Runs()); got != want {
			t.Errorf("the fold has %d runs, the engine %d", got, want)
		}
		calm(w)
		could := 0
		for _, m := range w.members {
			if w.startable(m) {
				could++
			}
		}
		if could < len(w.members)/2+1 {
			return // no majority can be brought up: holding still is right
		}
		for _, m := range w.members {
			if m.proof.Answer == cluster.Yes && !w.serving(m) {
				t.Errorf("after calm %s does not serve (up %v, hung %v): %v", m.name, m.up, m.hung, tail(w.finished(), 8))
			}
		}
		for _, ep := range openEpisodes(w) {
			if m := w.member(ep.Label("member")); w.serving(m) {
				t.Errorf("after calm the episode of %s is open: run %q, last %+v", m.name, ep.Run, ep.Last)
			}
		}
	})
}

func tail(list []string, n int) []string { return slices.Clone(list[max(0, len(list)-n):]) }
