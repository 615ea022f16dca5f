package repair_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// foresee asks the engine as a server does: again, until nothing is wanted.
func (w *fakeWorld) foresee(labels map[string]string) repair.Foresight {
	w.t.Helper()
	q := repair.Foreseen{Labels: labels, Seen: map[string]repair.Looked{}}
	for range 8 {
		q.Stamp = repair.Stamp{Now: w.reading(), Brake: w.brake, Held: w.held}
		f := w.engine.Foresee(q)
		switch {
		case f.WantsCluster != nil:
			var l repair.Looked
			if l.Err = w.lookErr; l.Err == nil {
				l.Seen, l.Err = w.look(f.Target)
			}
			q.Cluster = &l
		case len(f.Wants) > 0:
			for _, spec := range f.Wants {
				var l repair.Looked
				if l.Err = w.lookErr; l.Err == nil {
					l.Seen, l.Err = w.look(f.Target)
				}
				q.Seen[spec.Sees] = l
			}
		case f.WantsVerify:
			r := w.verify(repair.Verification{Expr: f.Verify})
			q.Verified = &r
		case f.WantsFleet:
			fleet := w.survey()
			if w.fleet != nil {
				fleet = *w.fleet
				fleet.Asked = w.reading()
			}
			q.Fleet = &fleet
		default:
			return f
		}
	}
	w.t.Fatal("it wants to see ever more")
	return repair.Foresight{}
}

// said is a foresight as fakeWorld.finished has outcomes; "acts" where it would.
func said(f repair.Foresight) string {
	switch {
	case f.Outcome == "":
		return "acts"
	case f.Refusal != nil:
		return string(f.Outcome) + "(" + f.Refusal.Guard + "/" + f.Refusal.Reason + ")"
	}
	return string(f.Outcome)
}

// What is foreseen is what then happens; to ask changes nothing and records nothing.
func TestForeseenIsWhatHappens(t *testing.T) {
	silent := repair.Fleet{Running: 9, Failing: 8}
	for name, c := range map[string]struct {
		set  func(*fakeWorld)
		want string
	}{
		"in order":     {func(*fakeWorld) {}, "noop"},
		"dead":         {func(w *fakeWorld) { w.kill("m2") }, "acts"},
		"hung":         {func(w *fakeWorld) { w.member("m2").hung = true }, "acts"},
		"observe":      {func(w *fakeWorld) { w.kill("m2"); w.level = repair.Observe }, "observed(autonomy/observe)"},
		"approve":      {func(w *fakeWorld) { w.kill("m2"); w.level = repair.Approve }, "blocked(autonomy/approval)"},
		"brake":        {func(w *fakeWorld) { w.kill("m2"); w.brake = true }, "blocked(pause/brake)"},
		"paused":       {func(w *fakeWorld) { w.kill("m2"); w.step(repair.SetPause{Actor: "alice"}) }, "blocked(pause/paused)"},
		"auto-restart": {func(w *fakeWorld) { w.kill("m2"); w.member("m2").restart = true }, "blocked(auto-restart/auto-restart)"},
		"on purpose":   {func(w *fakeWorld) { w.kill("m2"); w.member("m2").stopped = "stopped" }, "blocked(on-purpose/stopped)"},
		"no look":      {func(w *fakeWorld) { w.kill("m2"); w.lookErr = cannot{} }, "blocked(observe/observe)"},
		"no proof": {func(w *fakeWorld) {
			w.kill("m2")
			w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "other-member"}
		}, "blocked(proof/other-member)"},
		"no leader": {func(w *fakeWorld) { w.kill("m1"); w.member("m2").hung = true }, "blocked(quorum/no-leader)"},
		"storm":     {func(w *fakeWorld) { w.member("m2").hung = true; w.fleet = &silent }, "blocked(storm/storm)"},
		"slots taken": {func(w *fakeWorld) {
			w.kill("m1")
			w.member("m1").startIn = 30 * time.Second
			w.send(alert.Firing, downLabels("m1"))
			w.run(time.Second)
			w.kill("m2")
		}, "blocked(concurrency/concurrency)"},
		"in a cooldown": {func(w *fakeWorld) {
			w.kill("m2")
			w.send(alert.Firing, downLabels("m2"))
			w.run(90 * time.Second)
			w.send(alert.Resolved, downLabels("m2"))
			w.run(90 * time.Second)
			w.kill("m2")
		}, "blocked(cooldown/cooldown)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			c.set(w)
			before, drafts := len(w.finished()), len(w.drafts)
			f := w.foresee(downLabels("m2"))
			if got := said(f); got != c.want {
				t.Errorf("foreseen: %s, want %s", got, c.want)
			}
			if ready, err := w.engine.Ready(); err != nil || len(ready.Drafts)+len(ready.Effects)+len(ready.Notes) > 0 || len(w.drafts) != drafts {
				t.Errorf("to ask did something: %+v, %v", ready, err)
			}
			if f.Target.String() != "demo/m2" || len(f.Steps) != 2 {
				t.Errorf("target %s, %d steps", f.Target, len(f.Steps))
			}
			w.send(alert.Firing, downLabels("m2"))
			intents := w.intentsOn("demo/m2")
			w.run(8 * time.Second)
			happened := "acts"
			switch {
			case w.intentsOn("demo/m2") > intents:
			case c.want == "blocked(storm/storm)": // one record for all, and no run
				if w.count(repair.TypeHeld) == 1 {
					happened = c.want
				}
			default:
				all := w.finished()
				if len(all) == before {
					t.Fatalf("nothing came of it")
				}
				happened = all[before]
			}
			if happened != c.want {
				t.Errorf("happened: %s, foreseen was %s", happened, c.want)
			}
		})
	}
}

func (w *fakeWorld) intentsOn(target string) (n int) {
	w.each(repair.TypeIntent, func(b []byte) {
		var in repair.IntentData
		w.decode(b, &in)
		if in.TargetName == target {
			n++
		}
	})
	return n
}

type cannot struct{}

func (cannot) Error() string { return "cannot be looked at" }

func TestForeseenWithoutAPlaybook(t *testing.T) {
	w := newWorld(t, 3)
	f := w.foresee(map[string]string{"alertname": "Other", "cluster": "demo"})
	if f.Playbook != nil || len(f.Misses) != 1 || f.Misses[0].Fails[0].String() != `alertname="FettleRaftMemberDown"` {
		t.Errorf("got %+v", f)
	}
	own := downLabels("m2")
	own["origin"] = "fettle"
	if f := w.foresee(own); !f.Own || f.Playbook != nil {
		t.Errorf("fettle's own: %+v", f)
	}
	f = w.foresee(downLabels("m9"))
	if f.Unresolved == nil || said(f) != "blocked(target/target)" || !strings.Contains(f.Unresolved.Error(), "m9") {
		t.Errorf("no such member: %+v", f)
	}
}

// An approval that was given is in what is foreseen.
func TestForeseenApproved(t *testing.T) {
	w := newWorld(t, 3)
	w.level = repair.Approve
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Second)
	f := w.foresee(downLabels("m2"))
	if said(f) != "blocked(autonomy/approval)" || f.Episode == "" {
		t.Fatalf("foreseen %s, episode %q", said(f), f.Episode)
	}
	waits, ok := w.engine.Waiting(f.Episode)
	if !ok {
		t.Fatal("it waits for no approval")
	}
	w.brake = true // so that it is not used at once
	w.step(repair.GiveApproval{Episode: f.Episode, Premise: waits.Premise.Digest, Actor: "alice"})
	f = w.foresee(downLabels("m2"))
	if got := said(f); got != "blocked(pause/brake)" {
		t.Errorf("approved, and held by the brake: %s", got)
	}
	for _, v := range f.Verdicts {
		if v.Guard == "autonomy" && (!v.OK || !strings.Contains(v.Detail, "approved by alice")) {
			t.Errorf("autonomy says %+v", v)
		}
	}
}

// Also of an alert that names no member.
func TestForeseenIsWhatHappensToAnAlertWithoutAMember(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*fakeWorld)
		want   string
		target string
	}{
		"all answer":   {func(*fakeWorld) {}, "blocked(target/target)", ""},
		"one is down":  {func(w *fakeWorld) { w.kill("m4") }, "acts", "demo/m4"},
		"observe":      {func(w *fakeWorld) { w.kill("m4"); w.level = repair.Observe }, "observed(autonomy/observe)", "demo/m4"},
		"two are down": {func(w *fakeWorld) { w.kill("m4"); w.kill("m1") }, "blocked(target/target)", ""},
		"no look":      {func(w *fakeWorld) { w.kill("m4"); w.lookErr = cannot{} }, "blocked(observe/observe)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 5)
			c.set(w)
			before := len(w.drafts)
			f := w.foresee(membersDown(nil))
			if said(f) != c.want || c.target != "" && f.Target.String() != c.target {
				t.Errorf("foreseen %s on %s, want %s on %s: %v", said(f), f.Target, c.want, c.target, f.Unresolved)
			}
			if len(w.drafts) != before {
				t.Error("to ask is recorded")
			}
			w.send(alert.Firing, membersDown(nil))
			w.run(20 * time.Second)
			switch got := w.finished(); {
			case c.want == "acts" && w.member("m4").applied != 1:
				t.Errorf("foreseen that it acts, and it did not: %v", w.refusals())
			case c.want != "acts" && (len(got) == 0 || got[0] != c.want):
				t.Errorf("foreseen %s, and it came to %v", c.want, got)
			}
		})
	}
}
