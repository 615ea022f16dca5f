package repair_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// approveWorld is a cluster of three with a dead member that only a person lets fettle start.
func approveWorld(t *testing.T) (*fakeWorld, string) {
	w := newWorld(t, 3)
	w.level, w.set.Cooldown = repair.Approve, 0
	w.kill("m2")
	fire(w, "m2")
	w.run(10 * time.Second)
	return w, w.engine.State().Episodes()[0].ID
}

// approve is a person's word about what the episode waits for now.
func (w *fakeWorld) approve(episode, actor string) error {
	waiting, ok := w.engine.Waiting(episode)
	if !ok {
		w.t.Fatalf("episode %s waits for no approval; outcomes %v", episode, w.finished())
	}
	return w.step(repair.GiveApproval{Episode: episode, Premise: waiting.Premise.Digest, Actor: actor, Comment: "go"}).Err
}

func (w *fakeWorld) voids() []string {
	var out []string
	w.each(repair.TypeVoid, func(b []byte) {
		var v repair.VoidData
		w.decode(b, &v)
		out = append(out, v.Reason+" "+strings.Join(v.Actors, ","))
	})
	return out
}

func TestApprovalIsGivenAndUsedOnce(t *testing.T) {
	w, ep := approveWorld(t)
	wantList(t, "outcomes", w.finished(), "blocked(autonomy/approval)")
	w.each(repair.TypeFinished, func(b []byte) {
		var f repair.FinishedData
		w.decode(b, &f)
		if f.Premise == nil || !slices.Contains(f.Premise.Words, "step 2 start: member-start") || !slices.Contains(f.Premise.Words, "target demo/m2") {
			t.Errorf("the run's record does not say what it waits for: %+v", f.Premise)
		}
	})
	waiting, _ := w.engine.Waiting(ep)
	if waiting.Needed != 1 || len(waiting.Given) != 0 || !slices.Equal(waiting.Premise.Guards, []string{"autonomy"}) {
		t.Errorf("it waits for %+v", waiting)
	}
	w.run(10 * time.Minute)
	if n := w.member("m2").applied; n != 0 {
		t.Fatalf("started %d times without an approval", n)
	}
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "blocked(autonomy/approval)", "repaired")
	w.each(repair.TypeIntent, func(b []byte) {
		var in repair.IntentData
		w.decode(b, &in)
		if in.Approval == nil || !slices.Equal(in.Approval.By, []string{"alice"}) || in.Approval.Premise != waiting.Premise.Digest {
			t.Errorf("the intent does not say who approved it: %+v", in.Approval)
		}
	})

	w.kill("m2") // the same again wants an approval of its own
	w.run(10 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times under one approval", n)
	}
	if waiting, ok := w.engine.Waiting(ep); !ok || len(waiting.Given) != 0 {
		t.Errorf("waiting %v: %+v", ok, waiting.Given)
	}
	if n := len(w.voids()); n != 0 {
		t.Errorf("%v of a used approval", w.voids())
	}
	if err := w.approve(ep, "alice"); err != nil {
		t.Errorf("a second approval by her for a second run: %v", err)
	}
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 2 {
		t.Errorf("started %d times under two approvals", n)
	}
}

// An approval outlives a crash, and holds for the further attempts of its run alone.
func TestApprovalIsForOneRun(t *testing.T) {
	w, ep := approveWorld(t)
	w.member("m2").broken = true
	w.step(repair.SetPause{Actor: "op"})
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute)
	w.restart()
	w.run(time.Minute)
	if waiting, ok := w.engine.Waiting(ep); ok {
		t.Fatalf("paused and approved, it still waits for %+v", waiting)
	}
	w.step(repair.ClearPause{Actor: "op"})
	w.run(30 * time.Minute)
	if n := w.count(repair.TypeIntent); n != 2 {
		t.Errorf("%d intents, want the two attempts of one run; outcomes %v", n, w.finished())
	}
	if got := w.finished(); !slices.Contains(got, "failed") {
		t.Errorf("outcomes %v", got)
	}
	if err := w.step(repair.GiveApproval{Episode: ep, Premise: "sha256:0", Actor: "bob"}).Err; !errors.Is(err, repair.ErrRefused) || !strings.Contains(err.Error(), "the premise is not the one") {
		t.Errorf("a premise that never was: %v", err)
	}
}

func TestApprovalIsVoid(t *testing.T) {
	for name, tt := range map[string]struct {
		happens func(w *fakeWorld)
		want    string
		says    string
	}{
		"it expired":        {func(w *fakeWorld) { w.run(15*time.Minute + 10*time.Second) }, "expired alice", ""},
		"the world changed": {func(w *fakeWorld) { w.kill("m3") }, "changed alice", "is: member m3 id m3: voter, version not told"},
		"a reboot":          {func(w *fakeWorld) { w.reboot() }, "reboot alice", ""},
		"another guard asks": {func(w *fakeWorld) {
			w.member("m2").proof = cluster.Proof{Answer: cluster.Unknown, Reason: "not-readable"}
		}, "changed alice", "was: asked for by autonomy; is: asked for by autonomy, proof"},
	} {
		t.Run(name, func(t *testing.T) {
			w, ep := approveWorld(t)
			waiting, _ := w.engine.Waiting(ep)
			w.step(repair.SetPause{Actor: "op"})
			if err := w.approve(ep, "alice"); err != nil {
				t.Fatal(err)
			}
			w.run(10 * time.Second)
			tt.happens(w)
			if w.boot != "boot-1" { // everything is gone; only this one is out of order
				for _, m := range []string{"m1", "m3"} {
					w.member(m).up = true
				}
			}
			w.run(10 * time.Second)
			w.step(repair.ClearPause{Actor: "op"})
			w.run(5 * time.Minute)
			wantList(t, "void", w.voids(), tt.want)
			if n := w.member("m2").applied; n != 0 {
				t.Errorf("started %d times", n)
			}
			w.each(repair.TypeVoid, func(b []byte) {
				var v repair.VoidData
				w.decode(b, &v)
				if !strings.HasSuffix(v.Detail, tt.says) || (v.Detail == "") != (tt.says == "") || v.Premise != waiting.Premise.Digest {
					t.Errorf("void says %q", v.Detail)
				}
			})
			if tt.says != "" {
				err := w.step(repair.GiveApproval{Episode: ep, Premise: waiting.Premise.Digest, Actor: "bob"}).Err
				if !errors.Is(err, repair.ErrRefused) || !strings.Contains(err.Error(), "the world changed: was: ") || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("approving what was: %v", err)
				}
			}
			if got, want := carried(t, w.engine.State(), w.reading()), carried(t, fold(t, w.drafts), w.reading()); got != want {
				t.Error("the journal folds to another state")
			}
		})
	}
}

func TestTwoPeopleApprove(t *testing.T) {
	w, ep := approveWorld(t)
	w.set.Approvers = 2
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute)
	err := w.approve(ep, "alice")
	if !errors.Is(err, repair.ErrRefused) || !strings.Contains(err.Error(), "alice has approved this already; another person has to") {
		t.Errorf("one person twice: %v", err)
	}
	w.run(time.Minute)
	if n := w.member("m2").applied; n != 0 {
		t.Fatalf("started %d times with one of two approvals", n)
	}
	if waiting, ok := w.engine.Waiting(ep); !ok || waiting.Needed != 2 || len(waiting.Given) != 1 || waiting.Given[0].Actor != "alice" {
		t.Errorf("it waits for %+v", waiting)
	}
	if err := w.approve(ep, "bob"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times with both; outcomes %v", n, w.finished())
	}
	w.each(repair.TypeIntent, func(b []byte) {
		var in repair.IntentData
		w.decode(b, &in)
		if in.Approval == nil || !slices.Equal(in.Approval.By, []string{"alice", "bob"}) {
			t.Errorf("approved by %+v", in.Approval)
		}
	})
}

// The first of two approvals may expire while the second is waited for.
// Who may be root at the unix socket may be fettle's user there too: both are one person.
func TestTheUnixSocketIsOnePerson(t *testing.T) {
	w, ep := approveWorld(t)
	w.set.Approvers = 2
	if err := w.approve(ep, "unix:0"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute)
	if err := w.approve(ep, "unix:998"); !errors.Is(err, repair.ErrRefused) {
		t.Errorf("one person with two user ids: %v", err)
	}
	w.run(time.Minute)
	if n := w.member("m2").applied; n != 0 {
		t.Fatalf("started %d times with one of two approvals", n)
	}
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times with both; outcomes %v", n, w.finished())
	}
}

func TestTheFirstOfTwoExpires(t *testing.T) {
	w, ep := approveWorld(t)
	w.set.Approvers = 2
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(16 * time.Minute)
	if err := w.approve(ep, "bob"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute)
	wantList(t, "void", w.voids(), "expired alice")
	if n := w.member("m2").applied; n != 0 {
		t.Errorf("started %d times with one that counts", n)
	}
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times with both", n)
	}
}

// What local proof says no to is refused: an approval releases no other refusal than
// the one that asks for it.
func TestApprovalReleasesNothingElse(t *testing.T) {
	w, ep := approveWorld(t)
	w.step(repair.SetPause{Actor: "op"})
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir", Detail: "nothing in it"}
	w.run(10 * time.Second)
	w.step(repair.ClearPause{Actor: "op"})
	w.run(5 * time.Minute)
	if n := w.member("m2").applied; n != 0 {
		t.Fatalf("started %d times on an empty directory", n)
	}
	err := w.step(repair.GiveApproval{Episode: ep, Premise: "sha256:0", Actor: "bob"}).Err
	if !errors.Is(err, repair.ErrRefused) || !strings.Contains(err.Error(), "waits for no approval") || !strings.Contains(err.Error(), "proof(empty-data-dir)") {
		t.Errorf("approving it: %v", err)
	}
	if err := w.step(repair.GiveApproval{Episode: "nothing", Actor: "bob"}).Err; !errors.Is(err, repair.ErrNotFound) {
		t.Errorf("approving nothing: %v", err)
	}
}

// Where the guards ask because something cannot be had, an approval is enough too.
func TestApprovalWithoutProof(t *testing.T) {
	w := newWorld(t, 3)
	w.member("m2").proof = cluster.Proof{Answer: cluster.Unknown, Reason: "not-readable", Detail: "permission denied"}
	w.kill("m2")
	fire(w, "m2")
	w.run(10 * time.Second)
	wantList(t, "outcomes", w.finished(), "blocked(proof/approval)")
	ep := w.engine.State().Episodes()[0].ID
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times; outcomes %v", n, w.finished())
	}
}

// Wherever fettle is killed under an approval, the repair is done once, and no run but
// the one that began under it goes on.
func TestApprovalOverEveryCrash(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t, 3)
		w.level, w.set.Cooldown = repair.Approve, 0
		w.member("m2").hung = true
		fire(w, "m2")
		w.run(20 * time.Second)
		if err := w.approve(w.engine.State().Episodes()[0].ID, "alice"); err != nil {
			t.Fatal(err)
		}
		effects := 0
		w.crash = func(repair.Effect) bool { effects++; return effects == at }
		w.run(5 * time.Minute)
		if effects < at {
			if at < 10 {
				t.Errorf("only %d effects", effects)
			}
			return
		}
		if at > 60 { // the looks of the settle time
			return
		}
		m := w.member("m2")
		if m.killed > 1 || m.applied > 1 {
			t.Fatalf("killed at effect %d: ended %d times, started %d times; outcomes %v", at, m.killed, m.applied, w.finished())
		}
		under := map[string]bool{}
		w.each(repair.TypeIntent, func(b []byte) {
			var in repair.IntentData
			w.decode(b, &in)
			under[in.Run] = true
			if in.Approval == nil {
				t.Errorf("killed at effect %d: an intent without an approval", at)
			}
		})
		if len(under) > 1 {
			t.Errorf("killed at effect %d: %d runs changed something under one approval", at, len(under))
		}
		if got, want := carried(t, w.engine.State(), w.reading()), carried(t, fold(t, w.drafts), w.reading()); got != want {
			t.Errorf("killed at effect %d: the journal folds to another state", at)
		}
	}
}

// What people have said, and what they are told, is carried into the next segment.
func TestPeoplesWordsAreCarried(t *testing.T) {
	w, ep := approveWorld(t)
	w.set.Approvers = 2
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	if err := w.step(repair.Acknowledge{Episode: ep, Actor: "alice"}).Err; err != nil {
		t.Fatal(err)
	}
	w.run(5 * time.Second)
	fire(w, "m3")
	w.kill("m3")
	w.run(2 * time.Minute)
	if err := w.approve(ep, "alice"); err != nil { // the first one is void: m3 went away
		t.Fatal(err)
	}
	w.run(10 * time.Second)
	for i := range w.drafts {
		whole := fold(t, w.drafts[:i+1])
		now := w.drafts[i].At
		drafts, err := whole.Carry(now, func() string { return "id" })
		if err != nil {
			t.Fatal(err)
		}
		if got, want := carried(t, fold(t, drafts), now), carried(t, whole, now); got != want {
			t.Fatalf("after record %d (%s) the carried state is another one:\n%s\n%s", i, w.drafts[i].Type, got, want)
		}
	}
	all := carried(t, fold(t, w.drafts), w.reading())
	for _, part := range []string{`"approvals":[`, `"told":[`, `"acked":[`} {
		if !strings.Contains(all, part) {
			t.Errorf("nothing of %s is carried:\n%s", part, all)
		}
	}
}

// The look says in order, Prometheus does not, and a step is left: it is approved like any other.
func TestApprovalWhereOnlyPrometheusDenies(t *testing.T) {
	playbook := strings.Replace(isolate, "autonomy: auto", "autonomy: approve", 1) + `verify: {promql: 'min(up{job="etcd", instance="$member"}) == 1'}
`
	f := newFiles(t, playbook)
	f.verify = func(repair.Verification) repair.VerifyResult {
		if f.files["pool"] == "out" {
			return holds
		}
		return denied
	}
	f.send(alert.Firing, downLabels("m2"))
	f.run(time.Minute)
	ep := f.engine.State().Episodes()[0].ID
	if err := f.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	f.run(3 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
}

// Who asks after a reload what was waited for before it does not have the old inventory
// taken for the new one.
func TestWaitingOverAReload(t *testing.T) {
	w, ep := approveWorld(t)
	c := w.cfg.Inventory.Clusters[0]
	c.Members = slices.Clone(c.Members)
	c.Members[0].Host = "elsewhere"
	w.cfg.Inventory.Clusters = []cluster.Cluster{c}
	w.step(repair.Reloaded{Config: w.cfg})
	old, _ := w.engine.Waiting(ep)
	w.run(10 * time.Second)
	if now, ok := w.engine.Waiting(ep); !ok || now.Premise.Digest == old.Premise.Digest {
		t.Errorf("%v: it waits for what it waited for before the reload: %v", ok, now.Premise.Words)
	}
	if err := w.approve(ep, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	var planned repair.Planned
	w.each(repair.TypePlanned, func(b []byte) { w.decode(b, &planned) })
	if planned.Digests.Inventory != c.Digest() || w.member("m2").applied != 1 {
		t.Errorf("planned with the inventory %s, and not with %s; outcomes %v", planned.Digests.Inventory, c.Digest(), w.finished())
	}
}
