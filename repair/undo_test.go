package repair_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Rule 24: what was taken out of service returns to it once the target is in order, by
// a run of its own, and people learn that it is still out.
func TestOwedIsTakenBackOnceHealthy(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.run(20 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	if n := len(f.ended(run)); n != 0 {
		t.Errorf("%d runs tried to take it back while the member was down", n)
	}
	wantList(t, "told", f.told(), "isolated")
	f.send(alert.Resolved, downLabels("m2")) // the episode's end changes nothing
	f.heal()
	f.run(3 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if got := f.ended(run); len(got) != 1 || got[0].Outcome != repair.Repaired || got[0].Mutated { // no new cooldown
		t.Errorf("taken back: %+v", got)
	}
	if f.owed() != 0 {
		t.Error("it is still owed")
	}
}

// Rule 17: what room is left on a full disk is for outcomes and compensations; on a
// damaged journal nothing begins at all.
func TestOwedIsTakenBackOnAFullDisk(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.full, f.held = "the disk is full", "an older part is damaged"
	f.heal()
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	f.held = ""
	f.send(alert.Firing, downLabels("m1"))
	f.kill("m1")
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if got := f.ended(run); len(got) != 1 || got[0].Outcome != repair.Repaired {
		t.Errorf("taken back: %+v", got)
	}
	if f.member("m1").up {
		t.Error("a new repair was begun on a full disk")
	}
}

// The intent has the old value, before anything is overwritten.
func TestOldValueIsInTheIntent(t *testing.T) {
	f := newFiles(t, isolate)
	f.fail()
	var was []string
	f.each(repair.TypeIntent, func(b []byte) {
		var in repair.IntentData
		f.decode(b, &in)
		if in.Action == repair.ActionExec && in.Before.Was != nil {
			was = append(was, *in.Before.Was)
		}
	})
	wantList(t, "was", was, "in")
}

func TestUnhealthyIsTakenBackAtOnce(t *testing.T) {
	f := newFiles(t, strings.Replace(isolate, "on_failure: true", "on_failure: true, unhealthy: true", 1))
	f.member("m2").broken = true
	f.kill("m2")
	f.set.Attempts = 2 // of starts: the episode tries no more
	f.send(alert.Firing, downLabels("m2"))
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if f.owed() != 0 || len(f.told()) != 0 {
		t.Errorf("owed %d, told %v", f.owed(), f.told())
	}
}

// There and back in one playbook: the goal is what Prometheus says, and health what the
// step says that looks at the member, not the one that returns it.
func TestIsolateActVerifyReturn(t *testing.T) {
	playbook := isolate + `  - {name: return, action: exec, exec: {argv: [/put, pool, in], unless: [/is, pool, in], takes: false}}
verify: {promql: 'min(up{job="etcd", instance="$member"}) == 1'}
`
	f := newFiles(t, playbook)
	f.verify = func(repair.Verification) repair.VerifyResult {
		if f.member("m2").up && f.files["pool"] == "in" {
			return holds
		}
		return denied
	}
	f.kill("m2")
	f.send(alert.Firing, downLabels("m2"))
	f.run(4 * time.Minute)
	wantList(t, "writes", f.puts, "pool=out", "pool=in")
	if got := f.ended(""); got[len(got)-1].Outcome != repair.Repaired || f.owed() != 0 {
		t.Fatalf("outcomes %v, owed %d", f.finished(), f.owed())
	}
	f = newFiles(t, playbook)
	shown := denied
	f.verify = func(repair.Verification) repair.VerifyResult { return shown }
	f.set.Attempts = 2 // of starts
	run := f.fail()
	f.heal()
	f.level = repair.Observe // nothing but what is owed is done from now on
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	shown = holds
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if got := f.ended(run); len(got) != 1 || got[0].Outcome != repair.Repaired {
		t.Errorf("taken back: %+v", got)
	}
}

// What a later run repaired with is not taken back for the earlier one that failed.
func TestNotTakenBackFromARepair(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.member("m2").broken = false
	f.run(20 * time.Minute) // the attempts' window passes, and the next run repairs
	if got := f.ended(""); got[len(got)-1].Outcome != repair.Repaired {
		f.step(repair.Release{Episode: got[0].Episode, Actor: "op"})
		f.run(5 * time.Minute)
	}
	if got := f.ended(""); got[len(got)-1].Outcome != repair.Repaired {
		t.Fatalf("outcomes %v", f.finished())
	}
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	if got := f.ended(run); len(got) != 0 || f.owed() != 0 {
		t.Errorf("taken back: %+v, owed %d", got, f.owed())
	}
}

// A person's word that it stays as it is ends what is owed.
func TestLeftAsItIs(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	if err := f.step(repair.LeaveUndo{Run: run, Actor: "op"}).Err; err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.heal()
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	if f.owed() != 0 || f.count(repair.TypeLeft) != 1 {
		t.Errorf("owed %d, %d records", f.owed(), f.count(repair.TypeLeft))
	}
	if err := f.step(repair.LeaveUndo{Run: run, Actor: "op"}).Err; !errors.Is(err, repair.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
}

// A third state is somebody else's doing: it is not touched, and a person's now.
func TestChangedSinceIsNotTouched(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.files["pool"] = "maintenance"
	f.heal()
	f.run(2 * time.Hour)
	f.wantFiles(t, "pool=maintenance", "second=one")
	got := f.ended(run)
	if len(got) != 1 || got[0].Outcome != repair.Blocked || got[0].Reason != repair.ReasonChanged || got[0].Passing {
		t.Errorf("taken back: %+v", got)
	}
	wantList(t, "told", f.told(), "isolated", "changed")
	if f.owed() != 0 {
		t.Error("it is still owed")
	}
}

// Who put it back already did what is owed.
func TestPutBackAlreadyIsANoop(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.files["pool"] = "in"
	f.heal()
	f.run(5 * time.Minute)
	if got := f.ended(run); len(got) != 1 || got[0].Outcome != repair.Noop {
		t.Errorf("taken back: %+v", got)
	}
	wantList(t, "writes", f.puts, "pool=out")
}

// A member that goes down again while it is about to be returned stays out.
func TestNotReturnedWhileIll(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.heal()
	ill := false
	f.watch = func(e repair.Effect) {
		if l, ok := e.(repair.Look); ok && !ill && strings.HasPrefix(l.Spec.Sees, "exec/") {
			ill = true // the run has opened, and looks at the pool for the first time
			f.member("m2").broken = true
			f.kill("m2")
		}
	}
	f.run(2 * time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	if got := f.ended(run); len(got) == 0 || got[0].Reason != repair.ReasonUnhealthy {
		t.Errorf("taken back: %+v", got)
	}
	f.heal()
	f.run(time.Hour)
	f.wantFiles(t, "pool=in", "second=one")
}

// An undo that has no effect is tried a few times, ever more seldom, and then people
// have it.
func TestUndoThatFails(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.broken["pool=in"] = true
	f.heal()
	f.send(alert.Resolved, downLabels("m2"))
	before := len(f.drafts)
	f.run(24 * time.Hour)
	if got := f.ended(run); len(got) != f.set.Attempts || got[0].Outcome != repair.Failed {
		t.Errorf("%d runs tried to take it back, want %d: %+v", len(got), f.set.Attempts, got)
	}
	if n := len(f.drafts) - before; n > 100 {
		t.Errorf("%d records in a day", n)
	}
	if f.owed() != 1 {
		t.Error("it is owed no more")
	}
	f.broken = map[string]bool{}
	if _, err := f.undo(run); err != nil {
		t.Fatal(err)
	}
	f.run(time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if f.owed() != 0 {
		t.Error("a person put it back, and it is still owed")
	}
}

// What cannot be looked at for long fills no journal.
func TestUndoThatCannotLook(t *testing.T) {
	f := newFiles(t, isolate)
	f.fail()
	f.unread = errors.New("no such program")
	f.heal()
	f.send(alert.Resolved, downLabels("m2"))
	before := len(f.drafts)
	f.run(24 * time.Hour)
	if n := len(f.drafts) - before; n > 100 {
		t.Errorf("%d records in a day", n)
	}
	f.unread = nil
	f.run(2 * time.Hour)
	f.wantFiles(t, "pool=in", "second=one")
}

// two overwrites two files; the start fails.
const two = `
  - name: second
    action: exec
    exec:
      argv: [/put, second, two]
      unless: [/is, second, two]
      takes: false
      undo: {argv: [/put, second, $was], was: [/get, second], on_failure: true}
  - {name: start, action: member-start}
`

func TestLastBegunIsTakenBackFirst(t *testing.T) {
	f := newFiles(t, strings.Replace(isolate, "\n  - {name: start, action: member-start}\n", two, 1))
	f.fail()
	f.wantFiles(t, "pool=out", "second=two")
	f.heal()
	f.run(3 * time.Minute)
	wantList(t, "writes", f.puts, "pool=out", "second=two", "second=one", "pool=in")
}

// At whichever effect the process dies, before it or after it took place and unanswered:
// what was overwritten is put back once the member is in order, unless a run repaired it.
func TestUndoAcrossCrashes(t *testing.T) {
	for _, after := range []bool{false, true} {
		undone, n := 0, 1
		for died := true; died; n += 1 + n/40 {
			f := newFiles(t, isolate)
			effects := 0
			died = false
			f.watch = func(repair.Effect) { f.mute = after && effects == n }
			f.crash = func(repair.Effect) bool {
				effects++
				now := effects == n && !after || effects == n+1 && after
				died, f.mute = died || now, false
				return now
			}
			f.member("m2").broken = true
			f.kill("m2")
			f.send(alert.Firing, downLabels("m2"))
			f.run(4 * time.Minute)
			f.heal()
			f.run(time.Hour)
			runs := f.ended("")
			switch last := runs[len(runs)-1]; {
			case f.files["pool"] == "in" && f.owed() == 0:
				undone++
			case last.Outcome != repair.Repaired || f.owed() != 0:
				t.Fatalf("death at effect %d: files %v, owed %+v, outcomes %v", n, f.files, f.engine.State().Owed(), f.finished())
			}
			if len(f.puts) > 2 {
				t.Fatalf("death at effect %d: written %v", n, f.puts)
			}
		}
		if n < 50 || undone < n/4 {
			t.Errorf("only %d effects, and %d undos", n, undone)
		}
	}
}

// The state with what is owed is carried into a new segment as it is.
func TestOwedIsCarried(t *testing.T) {
	f := newFiles(t, isolate)
	f.fail()
	f.unread = errors.New("no such program")
	f.heal()
	f.run(30 * time.Minute)
	f.unread = nil
	f.run(10 * time.Minute)
	var after []int
	for i := range f.drafts {
		after = append(after, i)
	}
	if _, err := repair.DeepVerify(reader(records(t, f.drafts, after...))); err != nil {
		t.Fatal(err)
	}
	for i := range f.drafts {
		whole := fold(t, f.drafts[:i+1])
		now := f.drafts[i].At
		drafts, err := whole.Carry(now, func() string { return "id" })
		if err != nil {
			t.Fatal(err)
		}
		if got, want := carried(t, fold(t, drafts), now), carried(t, whole, now); got != want {
			t.Fatalf("after record %d the carried state is another one:\n%s\n%s", i, got, want)
		}
	}
	if got, want := carried(t, f.engine.State(), f.reading()), carried(t, fold(t, f.drafts), f.reading()); got != want {
		t.Errorf("the engine's own state is carried otherwise than the fold of what it wrote:\n%s\n%s", got, want)
	}
}

// A person's word goes through the same guards.
func TestUndoByAPerson(t *testing.T) {
	f := newFiles(t, strings.Replace(isolate, ", on_failure: true", "", 1))
	f.kill("m2")
	f.send(alert.Firing, downLabels("m2"))
	f.run(3 * time.Minute)
	f.send(alert.Resolved, downLabels("m2"))
	f.run(3 * time.Minute)
	run := f.ended("")[0].Run
	if got := f.ended("")[0].Outcome; got != repair.Repaired {
		t.Fatalf("the repair ended %s", got)
	}
	f.brake = true
	if _, err := f.undo(run); err != nil {
		t.Fatal(err)
	}
	f.run(time.Minute)
	f.wantFiles(t, "pool=out", "second=one")
	if got := f.ended(run); len(got) != 1 || got[0].Guard != "pause" {
		t.Fatalf("with the brake: %+v", got)
	}
	f.brake, f.level, f.set.Approvers = false, repair.Approve, 2
	if _, err := f.undo(run); err != nil {
		t.Fatal(err)
	}
	f.run(time.Minute)
	if got := f.ended(run); len(got) != 2 || got[1].Reason != "approval" || !strings.Contains(got[1].Detail, "2 operators have to agree") {
		t.Fatalf("one of two: %+v", got)
	}
	f.set.Approvers = 1
	if _, err := f.undo(run); err != nil {
		t.Fatal(err)
	}
	f.run(time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if got := f.ended(run); len(got) != 3 || got[2].Outcome != repair.Repaired || !got[2].Mutated {
		t.Errorf("%+v", got)
	}
	var planned repair.Planned
	f.each(repair.TypePlanned, func(b []byte) { f.decode(b, &planned) })
	if planned.Actor != "op" || planned.Undoes != run || planned.Comment != "a test" {
		t.Errorf("the record of who did it: %+v", planned)
	}
	if _, err := f.undo(run); err == nil || !strings.Contains(err.Error(), "was undone already, by run "+planned.Run) {
		t.Errorf("undone twice: %v", err)
	}
	if _, err := f.undo(planned.Run); err == nil || !strings.Contains(err.Error(), "itself takes back run "+run) {
		t.Errorf("an undo undone: %v", err)
	}
}

func TestUndoIsRefused(t *testing.T) {
	f := newFiles(t, isolate)
	f.kill("m2")
	f.member("m2").startIn = time.Minute
	f.send(alert.Firing, downLabels("m2"))
	f.run(5 * time.Second)
	live := f.engine.State().Runs()[0].Planned.Run
	noop := newFiles(t, isolate)
	noop.send(alert.Firing, downLabels("m2"))
	noop.run(5 * time.Second)
	plain := newFiles(t, isolate[:strings.Index(isolate, "  - name: isolate")]+"  - {name: start, action: member-start}\n")
	plain.kill("m2")
	plain.send(alert.Firing, downLabels("m2"))
	plain.run(2 * time.Minute)
	gone := newFiles(t, isolate)
	failed := gone.fail()
	gone.cfg.Playbooks = nil
	gone.step(repair.Reloaded{Config: gone.cfg})
	for name, tc := range map[string]struct {
		w    *fileWorld
		run  string
		want string
	}{
		"not known":        {f, "nothing", `not found: the journal knows no run "nothing"`},
		"still live":       {f, live, "refused: run " + live + " is still live"},
		"nothing begun":    {noop, noop.ended("")[0].Run, "refused: run " + noop.ended("")[0].Run + " began nothing: it ended noop"},
		"no undo":          {plain, plain.ended("")[0].Run, "refused: step start (member-start) declares no undo"},
		"playbook is gone": {gone, failed, "refused: playbook etcd-member-restart is not in the running configuration any more: its guards cannot be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			if run, err := tc.w.undo(tc.run); err == nil || err.Error() != tc.want {
				t.Errorf("got  %v (run %s)\nwant %s", err, run, tc.want)
			}
		})
	}
}

// What is owed is put back from the journal, also where the playbook is another one now.
func TestOwedOutlivesItsPlaybook(t *testing.T) {
	f := newFiles(t, isolate)
	f.fail()
	f.cfg.Playbooks = nil
	f.step(repair.Reloaded{Config: f.cfg})
	f.restart()
	f.heal()
	f.run(3 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
}

// An intent that came too late to be begun leaves nothing to be taken back.
func TestNotBegunIsNotOwed(t *testing.T) {
	f := newFiles(t, isolate)
	f.applyLate = time.Minute
	f.kill("m2")
	f.send(alert.Firing, downLabels("m2"))
	f.run(20 * time.Minute)
	if f.count(repair.TypeIntent) == 0 || f.owed() != 0 {
		t.Errorf("%d intents, owed %+v", f.count(repair.TypeIntent), f.engine.State().Owed())
	}
}

// What would wait for ever is refused when the playbook is read.
func TestOwedNeedsAStepThatShowsHealth(t *testing.T) {
	f := newFiles(t, isolate)
	alone := strings.Replace(isolate, "  - {name: start, action: member-start}\n", "", 1)
	_, err := repair.LoadPlaybook("etcd-member-restart.yml", []byte(alone), f.cfg.Actions, parse)
	if err == nil || !strings.Contains(err.Error(), "etcd-member-restart.yml:19:71: ") || !strings.Contains(err.Error(), "unhealthy: true") {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{isolate, strings.Replace(alone, "on_failure: true", "on_failure: true, unhealthy: true", 1), strings.Replace(alone, ", on_failure: true", "", 1)} {
		if _, err := repair.LoadPlaybook("etcd-member-restart", []byte(text), f.cfg.Actions, parse); err != nil {
			t.Error(err)
		}
	}
}

func ExampleUndoingOf() {
	_, err := repair.UndoingOf("0199a2b4", nil)
	fmt.Println(err)
	// Output: not found: the journal knows no run "0199a2b4"
}

// Two failed runs set the same, and between them a person set it otherwise: that is what
// comes back, and the earlier run's value stays where it was.
func TestWhatAPersonSetInBetweenComesBack(t *testing.T) {
	f := newFiles(t, isolate)
	first := f.fail()
	f.files["pool"] = "maintenance"
	f.step(repair.Release{Episode: f.ended("")[0].Episode, Actor: "op"})
	f.run(5 * time.Minute)
	if f.owed() != 2 {
		t.Fatalf("owed %+v, outcomes %v", f.engine.State().Owed(), f.finished())
	}
	f.restart()
	f.heal()
	f.run(time.Hour)
	wantList(t, "writes", f.puts, "pool=out", "pool=out", "pool=maintenance")
	if got := f.ended(first); len(got) != 1 || got[0].Reason != repair.ReasonChanged || f.owed() != 0 {
		t.Errorf("the first run: %+v, owed %d", got, f.owed())
	}
}

// That a target is in order after a run is shown by what was scraped after it.
func TestHealthIsScrapedAfterTheRun(t *testing.T) {
	f := newFiles(t, isolate+"verify: {promql: 'min(up{job=\"etcd\", instance=\"$member\"}) == 1'}\n")
	shown, asked := denied, []time.Duration{}
	f.verify = func(v repair.Verification) repair.VerifyResult {
		asked = append(asked, v.Since)
		return shown
	}
	run := f.fail()
	since := f.engine.State().Owed()[0].Since
	f.step(repair.CloseEpisode{Episode: f.ended("")[0].Episode, Actor: "op"}) // nobody else looks from now on
	f.heal()
	asked = nil
	f.run(20 * time.Second)
	if len(asked) == 0 || slices.ContainsFunc(asked, func(d time.Duration) bool { return d > f.now-since }) {
		t.Errorf("asked for samples of the last %v, and it ended %s ago", asked, f.now-since)
	}
	f.run(10 * time.Minute)
	if last := asked[len(asked)-1]; last != 5*time.Minute {
		t.Errorf("later it asks for those of %s", last)
	}
	shown = holds
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=in", "second=one")
	if got := f.ended(run); len(got) != 1 || got[0].Outcome != repair.Repaired {
		t.Errorf("taken back: %+v", got)
	}
}

// A reload moves the member to another host while its undo is under way: what was begun
// is looked at where it was begun, and what is still owed is planned anew.
func TestReloadUnderAnUndo(t *testing.T) {
	f := newFiles(t, isolate)
	run := f.fail()
	f.broken["pool=in"] = true
	f.heal()
	var seen []string
	f.watch = func(e repair.Effect) {
		l, isLook := e.(repair.Look)
		a, isApply := e.(repair.Apply)
		switch {
		case isLook && l.Intent != nil:
			seen = append(seen, "looked at on "+l.Target.Member.Host)
		case isApply:
			seen = append(seen, "begun on "+a.Intent.Target.Member.Host)
			c := f.cfg.Inventory.Clusters[0]
			c.Members = slices.Clone(c.Members)
			for i := range c.Members {
				c.Members[i].Host = "elsewhere"
			}
			f.cfg.Inventory.Clusters = []cluster.Cluster{c}
			f.step(repair.Reloaded{Config: f.cfg})
		}
	}
	for i := 0; i < 100 && len(f.ended(run)) == 0; i++ {
		f.run(time.Second)
	}
	wantList(t, "where", slices.Compact(seen), "begun on h", "looked at on h")
	if got := f.ended(run); len(got) != 1 || got[0].Reason != repair.ReasonChanged || !got[0].Passing {
		t.Fatalf("the undo: %+v", got)
	}
	f.broken, seen = map[string]bool{}, nil
	f.run(3 * time.Minute)
	wantList(t, "where", slices.Compact(seen), "begun on elsewhere", "looked at on elsewhere")
	f.wantFiles(t, "pool=in", "second=one")
}

// One step's value is a person's now, and with it all that would have been taken back
// after it: people are told what that is.
func TestPeopleLearnWhatIsLeftToThem(t *testing.T) {
	f := newFiles(t, strings.Replace(isolate, "\n  - {name: start, action: member-start}\n", two, 1))
	run := f.fail()
	f.files["second"] = "three"
	f.heal()
	f.run(10 * time.Minute)
	f.wantFiles(t, "pool=out", "second=three")
	if got := f.ended(run); len(got) != 1 || got[0].Reason != repair.ReasonChanged || !strings.HasSuffix(got[0].Detail, "second is three; not done either, and for people to do: undo-isolate") {
		t.Errorf("taken back: %+v", got)
	}
	var told repair.EscalatedData
	f.each(repair.TypeEscalate, func(b []byte) { f.decode(b, &told) })
	if told.Reason != "changed" || !strings.Contains(told.Detail, "undo-isolate") {
		t.Errorf("told %+v", told)
	}
}
