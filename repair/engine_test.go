package repair_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestDeadMemberIsStartedOnce(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(10 * time.Second)
	if m := w.member("m2"); m.applied != 1 {
		t.Fatalf("m2 was started %d times, want 1", m.applied)
	}
	if n := w.count(repair.TypeFinished); n != 0 {
		t.Fatalf("the run ended before the settle time")
	}
	w.run(60 * time.Second)
	wantList(t, "outcomes", w.finished(), "repaired")
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Second)
	wantList(t, "closed", w.closed(), "in_order")
}

func TestTenDeliveriesOneMutation(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	for range 10 {
		w.send(alert.Firing, downLabels("m2"))
		w.run(300 * time.Millisecond)
	}
	w.run(2 * time.Minute)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Second)
	w.send(alert.Firing, downLabels("m2")) // late duplicate: a new episode that finds nothing to do
	w.run(10 * time.Second)
	wantList(t, "outcomes", w.finished(), "repaired", "noop")
	if n := w.count(repair.TypeReceived); n != 3 {
		t.Errorf("%d received records, want 3: first firing, resolved, the late one", n)
	}
}

func TestHungMemberIsEndedThenStarted(t *testing.T) {
	w := newWorld(t, 3)
	w.member("m3").hung = true
	w.send(alert.Firing, downLabels("m3"))
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	if m := w.member("m3"); m.killed != 1 || m.applied != 1 {
		t.Errorf("killed %d, started %d times, want 1 and 1", m.killed, m.applied)
	}
}

func TestAllThreeDead(t *testing.T) {
	w := newWorld(t, 3)
	for _, m := range []string{"m1", "m2", "m3"} {
		w.kill(m)
	}
	for _, m := range []string{"m1", "m2", "m3"} {
		w.send(alert.Firing, downLabels(m))
	}
	w.run(5 * time.Minute)
	for _, m := range w.members {
		if !w.serving(m) || m.applied != 1 {
			t.Errorf("%s: serving %v, started %d times", m.name, w.serving(m), m.applied)
		}
	}
	for _, m := range []string{"m1", "m2", "m3"} {
		w.send(alert.Resolved, downLabels(m))
	}
	w.run(2 * time.Minute)
	if n := len(w.closed()); n != 3 {
		t.Errorf("%d episodes closed, want 3; outcomes %v", n, w.finished())
	}
}

func TestTwoDeadOneHung(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	w.kill("m2")
	w.member("m3").hung = true
	for _, m := range []string{"m3", "m1", "m2"} {
		w.send(alert.Firing, downLabels(m))
	}
	w.run(10 * time.Minute)
	for _, m := range w.members {
		if !w.serving(m) {
			t.Errorf("%s does not serve; outcomes %v", m.name, w.finished())
		}
	}
	if m := w.member("m3"); m.killed != 1 {
		t.Errorf("the hung one was ended %d times, want 1", m.killed)
	}
}

func TestHungBesideDead(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	w.member("m3").hung = true
	w.send(alert.Firing, downLabels("m3"))
	w.run(2 * time.Second)
	wantList(t, "outcomes", w.finished(), "blocked(quorum/no-leader)")
	w.send(alert.Firing, downLabels("m1"))
	w.run(5 * time.Minute)
	for _, m := range w.members {
		if !w.serving(m) {
			t.Errorf("%s does not serve; outcomes %v", m.name, w.finished())
		}
	}
}

func TestRelapseIsNotRepaired(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(5 * time.Second)
	w.kill("m2")
	w.run(10 * time.Second)
	if w.count(repair.TypeRelapsed) != 1 || w.count(repair.TypeFinished) != 0 || w.member("m2").applied != 2 {
		t.Fatalf("relapses %d, finished %v, starts %d: want 1, none, 2", w.count(repair.TypeRelapsed), w.finished(), w.member("m2").applied)
	}
	w.kill("m2")
	w.run(10 * time.Second)
	wantList(t, "outcomes", w.finished()[:1], "failed")
}

func TestAttemptsOpenTheCircuit(t *testing.T) {
	w := newWorld(t, 3)
	w.set.Cooldown = 0
	w.member("m2").broken = true
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Hour)
	got := w.finished()
	wantList(t, "outcomes", got, "failed", "blocked(attempts/attempts)")
	starts := w.member("m2").applied
	if starts != 3 {
		t.Errorf("%d starts, want 3", starts)
	}
	w.restart()
	w.run(time.Hour)
	if n := w.member("m2").applied; n != starts {
		t.Errorf("started again though the circuit is open: %d", n)
	}
	w.member("m2").broken = false
	ep := w.engine.State().Episodes()[0].ID
	if a := w.step(repair.Release{Episode: ep, Actor: "op"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	w.run(3 * time.Minute)
	if got := w.finished(); got[len(got)-1] != "repaired" {
		t.Errorf("after release: %v", got)
	}
}

// Attempts that are used up again within the hour open the circuit again: that the same
// refusal was a record before does not let it go on by itself.
func TestAttemptsOpenTheCircuitAgain(t *testing.T) {
	w := newWorld(t, 3)
	w.set.StepAttempts, w.set.Cooldown = w.set.Attempts, 0 // it is the ask that finds them used up
	w.kill("m2")
	w.member("m2").broken = true
	fire(w, "m2")
	w.run(5 * time.Minute)
	if a := w.step(repair.Release{Episode: openEpisodes(w)[0].ID, Actor: "op"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	w.run(time.Minute)
	if n := w.count(repair.TypeIntent); n != 2*w.set.Attempts {
		t.Fatalf("%d intents, outcomes %v", n, w.finished())
	}
	w.run(2 * time.Hour)
	if n := w.count(repair.TypeIntent); n != 2*w.set.Attempts {
		t.Errorf("%d intents after one release, outcomes %v", n, w.finished())
	}
}

func TestPauseHoldsAndEndsByItself(t *testing.T) {
	for name, tc := range map[string]struct {
		on, off func(w *fakeWorld)
		want    string
	}{
		"api": {
			func(w *fakeWorld) { w.step(repair.SetPause{Actor: "op", Reason: "patching"}) },
			func(w *fakeWorld) { w.step(repair.ClearPause{Actor: "op"}) }, "blocked(pause/paused)",
		},
		"cluster": {
			func(w *fakeWorld) { w.step(repair.SetPause{Cluster: "demo", Actor: "op"}) },
			func(w *fakeWorld) { w.step(repair.ClearPause{Cluster: "demo", Actor: "op"}) }, "blocked(pause/paused)",
		},
		"brake": {func(w *fakeWorld) { w.brake = true }, func(w *fakeWorld) { w.brake = false }, "blocked(pause/brake)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			tc.on(w)
			w.kill("m2")
			w.send(alert.Firing, downLabels("m2"))
			w.run(time.Hour)
			wantList(t, "outcomes", w.finished(), tc.want)
			w.restart()
			w.run(time.Minute)
			if n := w.member("m2").applied; n != 0 {
				t.Fatalf("started %d times while paused", n)
			}
			tc.off(w)
			w.run(2 * time.Minute)
			wantList(t, "outcomes", w.finished(), tc.want, "repaired")
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(w *fakeWorld)
		want    string
	}{
		"stopped on purpose": {func(w *fakeWorld) { w.member("m2").stopped = "stopped" }, "blocked(on-purpose/stopped)"},
		"empty data dir":     {func(w *fakeWorld) { w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"} }, "blocked(proof/empty-data-dir)"},
		"another member's":   {func(w *fakeWorld) { w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "other-member"} }, "blocked(proof/other-member)"},
		"no proof to be had": {func(w *fakeWorld) { w.member("m2").proof = cluster.Proof{Answer: cluster.Unknown, Reason: "not-told"} }, "blocked(proof/approval)"},
		"vantages disagree":  {func(w *fakeWorld) { w.member("m2").promGone = cluster.No }, "blocked(vantage/disagree)"},
		"autonomy observe":   {func(w *fakeWorld) { w.level = repair.Observe }, "observed(autonomy/observe)"},
		"autonomy approve":   {func(w *fakeWorld) { w.level = repair.Approve }, "blocked(autonomy/approval)"},
		"proof beats approve": {func(w *fakeWorld) {
			w.level = repair.Approve
			w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
		}, "blocked(proof/empty-data-dir)"},
		"auto-restart":       {func(w *fakeWorld) { w.member("m2").restart = true }, "blocked(auto-restart/auto-restart)"},
		"not to be observed": {func(w *fakeWorld) { w.lookErr = errors.New("no bus") }, "blocked(observe/observe)"},
		"no agent":           {func(w *fakeWorld) { w.lookErr = repair.ErrAgent }, "blocked(agent/agent)"},
		"replaying its log":  {func(w *fakeWorld) { m := w.member("m2"); m.up, m.noAnswer = true, true }, "blocked(proof/process-runs)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.kill("m2")
			tc.prepare(w)
			w.send(alert.Firing, downLabels("m2"))
			w.run(30 * time.Minute)
			wantList(t, "outcomes", w.finished(), tc.want)
			if n := w.count(repair.TypeIntent); n != 0 {
				t.Errorf("%d intents", n)
			}
		})
	}
}

func TestUnknownTarget(t *testing.T) {
	w := newWorld(t, 3)
	w.send(alert.Firing, downLabels("m9"))
	w.run(time.Hour)
	wantList(t, "outcomes", w.finished(), "blocked(target/target)")
	w.send(alert.Resolved, downLabels("m9"))
	wantList(t, "closed", w.closed(), "alert_ended")
}

func TestAutoRestartRecoversByItself(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").restart = true
	w.send(alert.Firing, downLabels("m2"))
	w.run(3 * time.Second)
	m := w.member("m2")
	m.up, m.restart = true, false
	w.run(20 * time.Second)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(2 * time.Minute)
	wantList(t, "closed", w.closed(), "recovered_by_itself")
	if w.count(repair.TypeIntent) != 0 {
		t.Error("an intent though systemd did it")
	}
}

func TestCooldown(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(90 * time.Second)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Second)
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(5 * time.Minute)
	w.restart()
	w.wall = w.wall.Add(24 * time.Hour) // a clock that jumps never shortens a cooldown
	w.run(time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired", "blocked(cooldown/cooldown)")
	w.run(10 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired", "blocked(cooldown/cooldown)", "repaired")
}

func TestRebootGapDoesNotShortenCooldown(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(90 * time.Second)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Second)
	w.boot, w.now = "boot-2", 5*time.Second // a day later by the wall, 5 s by this boot
	w.wall = w.wall.Add(24 * time.Hour)
	w.kill("m2")
	w.restart()
	w.send(alert.Firing, downLabels("m2"))
	w.run(5 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired", "blocked(cooldown/cooldown)")
}

func TestSlotsOneMutationPerCluster(t *testing.T) {
	w := newWorld(t, 5)
	for _, m := range []string{"m1", "m2"} {
		w.kill(m)
		w.member(m).startIn = 10 * time.Second
		w.send(alert.Firing, downLabels(m))
	}
	w.run(5 * time.Second)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Fatalf("%d intents at once in one cluster", n)
	}
	wantList(t, "outcomes", w.finished(), "blocked(concurrency/concurrency)")
	w.run(3 * time.Minute)
	for _, m := range []string{"m1", "m2"} {
		if w.member(m).applied != 1 {
			t.Errorf("%s started %d times", m, w.member(m).applied)
		}
	}
}

// A crash before, or just after, any effect: the member is started exactly once.
func TestCrashAtEveryEffect(t *testing.T) {
	for n := range 12 {
		for _, after := range []bool{false, true} {
			w := newWorld(t, 3)
			seen := 0
			w.crash = func(f repair.Effect) bool {
				seen++
				if seen != n+1 {
					return false
				}
				if after { // it has its effect, and nobody learns of it
					if a, ok := f.(repair.Apply); ok && a.Intent.MayBegin(w.reading()) {
						_ = a.Spec.Action.Apply(t.Context(), a.Intent)
					}
				}
				return true
			}
			w.kill("m2")
			w.member("m2").startIn = 2 * time.Second
			w.send(alert.Firing, downLabels("m2"))
			w.run(3 * time.Minute)
			if m := w.member("m2"); m.applied != 1 || !w.serving(m) {
				t.Errorf("crash at effect %d (after %v): started %d times, serving %v, outcomes %v", n, after, m.applied, w.serving(m), w.finished())
			}
			if got := w.finished(); len(got) != 1 || got[0] != "repaired" {
				t.Errorf("crash at effect %d (after %v): outcomes %v", n, after, got)
			}
		}
	}
}
