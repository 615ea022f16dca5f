package repair_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// onceWorld has a start step that must not be done twice.
func onceWorld(t *testing.T) *fakeWorld {
	w := newWorld(t, 3)
	once := *w.cfg.Playbooks[0]
	once.Steps = append([]repair.Step(nil), once.Steps...)
	once.Steps[1].Once = true
	w.cfg.Playbooks = []*repair.Playbook{&once}
	w.restart()
	return w
}

func TestMayBegin(t *testing.T) {
	in := repair.Intent{NotAfterBoot: "b", NotAfterSince: time.Minute}
	for name, tc := range map[string]struct {
		now  journal.Reading
		want bool
	}{
		"before":         {journal.Reading{Boot: "b", Since: time.Second}, true},
		"just in time":   {journal.Reading{Boot: "b", Since: time.Minute}, true},
		"too late":       {journal.Reading{Boot: "b", Since: time.Minute + 1}, false},
		"another boot":   {journal.Reading{Boot: "c", Since: time.Second}, false},
		"no boot at all": {journal.Reading{Since: time.Second}, false},
	} {
		if got := in.MayBegin(tc.now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// An intent that its host's reboot overtook is never begun, and the next attempt is.
func TestIntentOfAnotherBootIsNotBegun(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.applyLate = time.Second
	fire(w, "m2")
	w.run(500 * time.Millisecond)
	if w.count(repair.TypeIntent) != 1 || len(w.late) != 1 {
		t.Fatalf("%d intents, %d of them with the executor", w.count(repair.TypeIntent), len(w.late))
	}
	late := w.late[0]
	w.applyLate = 0
	w.reboot()
	if a := w.apply(late.effect); !errors.Is(a.Err, repair.ErrNotBegun) || w.member("m2").startAt != 0 {
		t.Fatalf("begun in another boot: %v", a.Err)
	}
	fire(w, "m1", "m3")
	w.run(20 * time.Minute)
	allServe(t, w)
}

// For attempts and cooldown, a start that could not be verified is none (rule 13).
func TestStartedDoesNotCount(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	w.member("m2").hung = true // alone it cannot be ended: nobody names a leader
	w.member("m3").noAnswer = true
	w.notify = 8 * time.Second // started, waits, is killed: again and again
	w.member("m3").pid = 9
	fire(w, "m1")
	w.run(5 * time.Minute)
	if n := w.member("m1").applied; n < 5 {
		t.Errorf("m1 was started %d times: it was counted; outcomes %v", n, w.finished())
	}
	for _, o := range w.finished() {
		if o == "blocked(attempts/attempts)" || o == "blocked(cooldown/cooldown)" {
			t.Fatalf("outcomes %v", w.finished())
		}
	}
}

// After unknown the slots stay until the target is in order, or a person releases them.
func TestUnknownKeepsItsSlots(t *testing.T) {
	for name, free := range map[string]func(w *fakeWorld){
		"in order": func(w *fakeWorld) { w.member("m1").up = true },
		"released": func(w *fakeWorld) { w.step(repair.Release{Episode: w.engine.State().Episodes()[1].ID, Actor: "op"}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 5)
			w.kill("m1")
			w.member("m1").broken = true
			fire(w, "m1")
			w.lookErrAfterIntent(errors.New("no bus"))
			w.run(3 * time.Minute)
			if got := w.finished(); len(got) == 0 || got[0] != "unknown" {
				t.Fatalf("outcomes %v, want unknown first", got)
			}
			w.lookErr, w.drawn = nil, nil
			w.kill("m2")
			fire(w, "m2")
			w.run(10 * time.Minute)
			w.restart()
			w.run(10 * time.Minute)
			if n := w.count(repair.TypeIntent); n != 1 {
				t.Fatalf("%d intents while it is not known whether the first is in flight", n)
			}
			w.member("m1").broken = false
			free(w)
			w.run(20 * time.Minute)
			allServe(t, w)
		})
	}
}

// A run whose episode a person closes goes on to its own end, also over a start and a
// reload: what it has ended it starts again.
func TestClosedEpisodesRunGoesOn(t *testing.T) {
	for _, next := range []string{"", "a start", "the newest segment alone", "a start, and a reload", "another playbook"} {
		t.Run(next, func(t *testing.T) {
			w := newWorld(t, 3)
			w.member("m2").hung = true
			fire(w, "m2")
			w.crash = func(f repair.Effect) bool { // between its two steps
				if _, ok := f.(repair.Look); !ok || w.count(repair.TypeStep) == 0 {
					return false
				}
				w.crash = nil
				w.step(repair.CloseEpisode{Episode: openEpisodes(w)[0].ID, Actor: "op"})
				switch next {
				case "":
					return false
				case "the newest segment alone":
					w.newSegment()
				case "a start, and a reload":
					w.crash = func(repair.Effect) bool {
						w.crash = nil
						w.step(repair.Reloaded{Config: w.cfg})
						return false
					}
				case "another playbook":
					changed := *w.cfg.Playbooks[0]
					changed.Digest = "other"
					w.cfg.Playbooks = []*repair.Playbook{&changed}
				}
				return true
			}
			w.run(3 * time.Minute)
			if next == "another playbook" {
				wantList(t, "outcomes", w.finished(), "blocked(changed/changed)")
				return
			}
			wantList(t, "outcomes", w.finished(), "repaired")
			allServe(t, w)
		})
	}
}

// What a run has ended and its own manager is bringing up is waited for, also by the next
// process: where that comes to nothing, the run goes on at once.
func TestComingUpIsWaitedForOverAStart(t *testing.T) {
	for name, restart := range map[string]bool{"one process": false, "a start": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			m := w.member("m2")
			m.hung = true
			fire(w, "m2")
			w.crash = func(repair.Effect) bool {
				if m.killed == 0 {
					return false
				}
				m.restart = true // its manager is about to start it
				if !restart || w.count(repair.TypeStep) == 0 {
					return false
				}
				w.crash = nil
				return true
			}
			w.run(20 * time.Second)
			w.crash, m.restart = nil, false // and does not
			w.run(2 * time.Minute)
			wantList(t, "outcomes", w.finished(), "repaired")
			allServe(t, w)
		})
	}
}

// lookErrAfterIntent has every look fail from the first intent on.
func (w *fakeWorld) lookErrAfterIntent(err error) {
	w.drawn = func(d journal.Draft) {
		if d.Type == repair.TypeIntent {
			w.lookErr = err
		}
	}
}

// The end of its episode frees no slot: something may be in flight all the same.
func TestUnknownOutlivesItsEpisode(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	w.member("m1").broken = true
	fire(w, "m1")
	w.lookErrAfterIntent(errors.New("no bus"))
	w.run(3 * time.Minute)
	ep := w.engine.State().Episodes()[0].ID
	w.step(repair.CloseEpisode{Episode: ep, Actor: "op"})
	w.lookErr, w.drawn = nil, nil
	w.kill("m2")
	fire(w, "m2")
	w.run(5 * time.Minute)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Fatalf("%d intents, outcomes %v", n, w.finished())
	}
	if a := w.step(repair.Release{Episode: ep, Actor: "op"}); a.Err != nil {
		t.Fatalf("release of a closed episode that holds slots: %v", a.Err)
	}
	w.run(5 * time.Minute)
	if !w.serving(w.member("m2")) {
		t.Errorf("m2 does not serve; outcomes %v", w.finished())
	}
	if a := w.step(repair.Release{Episode: ep, Actor: "op"}); !errors.Is(a.Err, repair.ErrNotFound) {
		t.Errorf("a second release: %v", a.Err)
	}
}

// An Apply that never answers: its slots stay, people are told once, no second one.
func TestApplyThatNeverAnswers(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	w.mute, w.member("m1").broken, w.set.Sample = true, true, time.Second
	fire(w, "m1")
	w.kill("m2")
	fire(w, "m2")
	w.run(time.Hour)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d intents, want 1", n)
	}
	if n := w.count(repair.TypeEscalate); n != 1 { // one for the cluster
		t.Errorf("%d escalations, want 1", n)
	}
	if runs := w.engine.State().Runs(); runs[len(runs)-1].Finished != nil {
		t.Errorf("its run ended: %+v", runs[len(runs)-1].Finished)
	}
	w.mute = false
	w.restart() // its process group went with fettle
	w.member("m1").broken = false
	w.run(30 * time.Minute)
	allServe(t, w)
}

// What looks done is not verified while its Apply may still take effect: somebody
// else may have done it. People are told; the next process sees that it is done.
func TestMuteApplyIsNotVerifiedBefore(t *testing.T) {
	w := newWorld(t, 3)
	w.set.Sample = time.Second
	w.kill("m1")
	w.mute = true
	fire(w, "m1")
	w.run(10 * time.Minute)
	if len(w.finished()) != 0 || w.count(repair.TypeEscalate) != 1 || w.count(repair.TypeIntent) != 1 {
		t.Errorf("outcomes %v, %d escalations, %d intents", w.finished(), w.count(repair.TypeEscalate), w.count(repair.TypeIntent))
	}
	w.restart()
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
}

// A hung process is about to be ended, late, and dies otherwise: it is not started
// while the end may still come.
func TestNextStepWaitsForTheAnswer(t *testing.T) {
	w := newWorld(t, 3)
	w.member("m2").hung = true
	w.applyLate = 3 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	w.kill("m2")
	w.run(time.Second)
	if n := w.count(repair.TypeIntent); n != 1 || len(w.late) != 1 {
		t.Fatalf("%d intents, %d with the executor", n, len(w.late))
	}
	w.applyLate = 0
	w.run(2 * time.Minute)
	allServe(t, w)
}

// An Apply's error is no outcome.
func TestApplyErrorIsNoOutcome(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	w.applyErr = errors.New("the bus hung up")
	fire(w, "m1")
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	if n := w.count(repair.TypeAnswered); n != 1 {
		t.Errorf("%d records of what Apply answered", n)
	}
}

// A once step is not tried again, neither by the same process nor by the next.
func TestOnceIsNotDoneTwice(t *testing.T) {
	for name, spoil := range map[string]func(w *fakeWorld){
		"no effect": func(w *fakeWorld) { w.member("m2").broken = true },
		"crash, and nobody knows": func(w *fakeWorld) {
			w.crash = func(f repair.Effect) bool {
				_, apply := f.(repair.Apply)
				return apply
			}
		},
		"crash, and the playbook changed": func(w *fakeWorld) {
			w.crash = func(f repair.Effect) bool {
				_, apply := f.(repair.Apply)
				if apply {
					w.cfg.Playbooks = nil
				}
				return apply
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := onceWorld(t)
			w.kill("m2")
			spoil(w)
			fire(w, "m2")
			w.run(30 * time.Minute)
			if n := w.count(repair.TypeIntent); n != 1 || w.finished()[0] != "unknown" {
				t.Errorf("%d intents, outcomes %v", n, w.finished())
			}
		})
	}
}

// A once step whose effect is seen after a crash is verified.
func TestOnceIsVerifiedAfterACrash(t *testing.T) {
	w := onceWorld(t)
	w.kill("m2")
	w.crash = func(f repair.Effect) bool {
		a, ok := f.(repair.Apply)
		if ok {
			w.crash = nil
			_ = w.apply(a)
		}
		return ok
	}
	fire(w, "m2")
	w.run(3 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
}

// The playbook's own number of attempts holds before the setting.
func TestStepAttempts(t *testing.T) {
	for attempts, want := range map[int]int{0: 2, 1: 1, 3: 3} {
		w := newWorld(t, 3)
		p := *w.cfg.Playbooks[0]
		p.Steps = append([]repair.Step(nil), p.Steps...)
		p.Steps[1].Attempts = attempts
		w.cfg.Playbooks = []*repair.Playbook{&p}
		w.set.Attempts = 0
		w.restart()
		w.kill("m2")
		w.member("m2").broken = true
		fire(w, "m2")
		w.run(time.Minute)
		if n := w.count(repair.TypeIntent); n != want || w.finished()[0] != "failed" {
			t.Errorf("attempts %d: %d intents, outcomes %v", attempts, n, w.finished())
		}
	}
}

// A View that is too old when it comes decides nothing, and does not fill the journal.
func TestViewTooOld(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.lookTook = 5100 * time.Millisecond
	before := len(w.drafts)
	fire(w, "m2")
	w.run(time.Hour)
	wantList(t, "outcomes", w.finished(), "blocked(observe/observe)")
	if w.count(repair.TypeIntent) != 0 || len(w.drafts)-before > 30 {
		t.Errorf("%d intents, %d records", w.count(repair.TypeIntent), len(w.drafts)-before)
	}
	w.lookTook = 100 * time.Millisecond
	w.run(3 * time.Minute)
	wantList(t, "outcomes", w.finished(), "blocked(observe/observe)", "repaired")
}

// What a pause meets in flight is watched to its end; nothing new is begun.
func TestPauseBetweenTwoSteps(t *testing.T) {
	w := newWorld(t, 3)
	w.member("m2").hung = true
	w.drawn = func(d journal.Draft) { w.brake = w.brake || d.Type == repair.TypeIntent }
	fire(w, "m2")
	w.run(10 * time.Minute)
	if w.member("m2").killed != 1 || w.member("m2").applied != 0 {
		t.Errorf("killed %d, started %d", w.member("m2").killed, w.member("m2").applied)
	}
	wantList(t, "outcomes", w.finished(), "blocked(pause/brake)")
	w.brake, w.drawn = false, nil
	w.run(12 * time.Minute) // it was a mutating run: the cooldown holds
	allServe(t, w)
}

// A resolved alert never stops a running step, nor counts as repaired.
func TestResolvedDoesNotStopAStep(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = 20 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Second)
	if len(w.finished()) != 0 || len(w.closed()) != 0 {
		t.Fatalf("outcomes %v, closed %v", w.finished(), w.closed())
	}
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	wantList(t, "closed", w.closed(), "in_order")
}

// Where the service manager cannot tell that the process is gone, three looks 2 s
// apart must say "not in order" (rule 9).
func TestNotTooEager(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	m := w.member("m2")
	m.untold = true
	fire(w, "m2")
	w.run(3900 * time.Millisecond)
	if n := w.count(repair.TypeIntent); n != 0 {
		t.Fatal("an intent after two looks")
	}
	w.run(200 * time.Millisecond)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Fatalf("%d intents after three looks", n)
	}
	w = newWorld(t, 3)
	w.kill("m2")
	w.member("m2").untold = true
	fire(w, "m2")
	w.run(3 * time.Second)
	w.member("m2").up = true
	w.run(3 * time.Second)
	wantList(t, "outcomes", w.finished(), "noop")
	if n := w.count(repair.TypeIntent); n != 0 {
		t.Error("an intent on what recovered by itself")
	}
}

// One sample that says done verifies nothing.
func TestVerifiedByTwoSamples(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	fire(w, "m2")
	w.run(150 * time.Millisecond)
	w.kill("m2")
	w.run(100 * time.Millisecond)
	var first repair.StepData
	w.each(repair.TypeStep, func(b []byte) {
		if first.Result == "" {
			w.decode(b, &first)
		}
	})
	if first.Result != repair.StepFailed {
		t.Errorf("first result %q, want failed", first.Result)
	}
}

// A member that its cluster needs for a quorum is not kept back by a cooldown.
func TestNoCooldownWithoutALeader(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m1")
	fire(w, "m1")
	w.run(2 * time.Minute)
	w.kill("m1")
	w.kill("m2")
	w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
	fire(w, "m2")
	w.run(2 * time.Minute)
	if !w.serving(w.member("m1")) {
		t.Errorf("m1 does not serve; outcomes %v", w.finished())
	}
}

// A look that began before Apply had answered says nothing of the time after it: what
// it saw dead has been started meanwhile.
func TestLookFromBeforeTheAnswer(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	var apply *repair.Apply
	var early *repair.Looked
	hold := func(f repair.Effect) bool { // what this test does by itself
		switch f := f.(type) {
		case repair.Apply:
			apply = &f
			return true
		case repair.Look:
			if apply == nil || early != nil {
				return false
			}
			seen, err := f.Spec.Action.Observe(t.Context(), f.Target)
			early = &repair.Looked{Look: f.ID, Seen: seen, Err: err}
			return true
		}
		return false
	}
	w.send(alert.Firing, downLabels("m2"))
	for range 100 {
		if early != nil {
			break
		}
		effects := w.effects
		w.effects = nil
		for _, f := range effects {
			if !hold(f) {
				w.begin(f)
			}
		}
		if len(effects) == 0 {
			w.advance(w.now + 50*time.Millisecond)
			w.step(repair.Ticked{})
		}
	}
	if early == nil {
		t.Fatal("no look after the intent")
	}
	answer := w.apply(*apply)
	w.advance(w.now + 10*time.Millisecond)
	w.step(answer)
	if !w.member("m2").up {
		t.Fatal("the start had no effect")
	}
	w.step(*early)
	if n := w.count(repair.TypeStep); n != 0 {
		t.Errorf("%d results of a look from before the answer", n)
	}
	w.run(2 * time.Minute)
	if got := w.finished(); len(got) != 1 || got[0] != "repaired" || w.count(repair.TypeIntent) != 1 {
		t.Errorf("outcomes %v, %d intents", got, w.count(repair.TypeIntent))
	}
}
