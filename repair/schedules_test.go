package repair_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// The twelve schedules that broke earlier versions of the rules, each with the
// rule of ENGINE.md that closes it.

// allServe fails unless every member serves, and says what happened otherwise.
func allServe(t *testing.T, w *fakeWorld) {
	t.Helper()
	for _, m := range w.members {
		if !w.serving(m) {
			t.Errorf("%s does not serve (up %v, hung %v); outcomes %v", m.name, m.up, m.hung, w.finished())
		}
	}
}

func fire(w *fakeWorld, members ...string) {
	for _, m := range members {
		w.send(alert.Firing, downLabels(m))
	}
}

// reload brings a configuration in which the playbook has changed.
func (w *fakeWorld) reload() {
	changed := *w.cfg.Playbooks[0]
	changed.Digest += "'"
	w.cfg.Playbooks = []*repair.Playbook{&changed}
	w.step(repair.Reloaded{Config: w.cfg})
}

func has(list []string, want string) bool { return slices.Contains(list, want) }

// 1: the port stays bound, the second start is late: nothing is unknown, and no
// slot holds the other dead member back (rule 5).
func TestSchedule01PortStaysBoundSecondStartLate(t *testing.T) {
	w := newWorld(t, 5)
	m := w.member("m1")
	m.port, m.startsIn = w.now+15*time.Second, []time.Duration{time.Second, 50 * time.Second}
	w.kill("m1")
	w.kill("m2")
	fire(w, "m1", "m2")
	w.run(20 * time.Minute)
	allServe(t, w)
	if has(w.finished(), "unknown") || m.applied != 2 {
		t.Errorf("m1 was started %d times, outcomes %v", m.applied, w.finished())
	}
}

// 2: whatever ended the last run, the next ask can open one (rule 5).
func TestSchedule02EveryEndIsAskedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil, mend func(w *fakeWorld)
		first       string
	}{
		"changed": {func(w *fakeWorld) {
			w.member("m2").startIn = 10 * time.Second
			fire(w, "m2")
			w.run(time.Second)
			w.reload()
			w.reboot()
			w.run(10 * time.Second)
		}, func(*fakeWorld) {}, "blocked(changed/changed)"},
		"refused inside the run": {func(w *fakeWorld) {
			m := w.member("m2")
			m.untold = true // the run looks again before it believes
			w.drawn = func(d journal.Draft) {
				if d.Type == repair.TypePlanned {
					m.promGone = cluster.No // what the ask saw is no longer so
				}
			}
			fire(w, "m2")
			w.run(time.Minute)
		}, func(w *fakeWorld) { w.drawn, w.member("m2").promGone, w.member("m2").untold = nil, "", false }, "blocked(vantage/disagree)"},
		"noop": {func(w *fakeWorld) {
			w.member("m2").up = true
			fire(w, "m2")
			w.run(time.Second)
			w.kill("m2")
		}, func(*fakeWorld) {}, "noop"},
		"repaired": {func(w *fakeWorld) {
			fire(w, "m2")
			w.run(2 * time.Minute)
			w.kill("m2")
		}, func(*fakeWorld) {}, "repaired"},
		"failed": {func(w *fakeWorld) {
			w.member("m2").broken = true
			fire(w, "m2")
			w.run(time.Minute)
		}, func(w *fakeWorld) { w.member("m2").broken = false }, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.kill("m2")
			tc.spoil(w)
			if got := w.finished(); len(got) == 0 || got[0] != tc.first {
				t.Fatalf("outcomes %v, want %s first", got, tc.first)
			}
			tc.mend(w)
			for _, m := range []string{"m1", "m3"} { // a reboot takes them along
				if !w.member(m).up {
					fire(w, m)
				}
			}
			w.run(20 * time.Minute)
			allServe(t, w)
		})
	}
}

// 3: three dead under systemd, which kills a voter without a quorum; Prometheus is
// dead too. All must be up at the same time (rule 13).
func TestSchedule03AllDeadUnderNotify(t *testing.T) {
	w := newWorld(t, 3)
	w.notify = 90 * time.Second
	for _, m := range w.members {
		w.kill(m.name)
		m.promGone = cluster.Unknown
	}
	fire(w, "m3", "m2", "m1")
	w.run(5 * time.Minute)
	allServe(t, w)
	for _, m := range w.members {
		if m.applied != 1 {
			t.Errorf("%s was started %d times", m.name, m.applied)
		}
	}
}

// 3, with starts so slow that the first is killed before the last is up: no
// cooldown and no count of attempts keeps them apart for ever.
func TestSchedule03KilledWhileWaiting(t *testing.T) {
	w := newWorld(t, 3)
	w.notify = 20 * time.Second
	for _, m := range w.members {
		w.kill(m.name)
		m.startsIn = []time.Duration{18 * time.Second}
	}
	fire(w, "m3", "m2", "m1")
	w.run(5 * time.Minute)
	allServe(t, w)
}

// 4: the start is 133 s late, fettle crashes, the wall clock stands back: the intent's
// end is reckoned on the executor's own clock, and it never begins (rules 8, 20).
func TestSchedule04LateIntentAndClock(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.applyLate = 133 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	w.applyLate = 0
	w.wall = w.wall.Add(-time.Hour)
	w.restart()
	w.run(10 * time.Minute)
	allServe(t, w)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times", n)
	}
}

// 5: what waits for a hung process to obey takes effect at a bad moment: ending is
// a step of its own, to exactly the process that was seen (rule 14).
func TestSchedule05HungWakesBeforeItIsEnded(t *testing.T) {
	w := newWorld(t, 3)
	b := w.member("m2")
	b.hung = true
	w.applyLate = 3 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	b.up, b.hung, b.pid = true, false, b.pid+1 // another process of it serves by now
	w.member("m3").hung = true
	w.run(10 * time.Second)
	if b.killed != 0 || !b.up {
		t.Fatal("a process was ended that was not the one seen")
	}
	w.applyLate = 0
	fire(w, "m3")
	w.run(5 * time.Minute)
	allServe(t, w)
}

// 6: a member that replays its log for 64 s is not hung, and not started again.
func TestSchedule06ReplayIsNoHang(t *testing.T) {
	w := newWorld(t, 3)
	m := w.member("m2")
	m.pid, m.noAnswer, m.born, m.wake = 50, true, w.now, w.now+64*time.Second
	fire(w, "m2")
	w.run(5 * time.Minute)
	if w.count(repair.TypeIntent) != 0 {
		t.Errorf("outcomes %v, with intents", w.finished())
	}
	allServe(t, w)
}

// 7: a wiped data directory is never started on, whatever the autonomy (rule 25).
func TestSchedule07Wiped(t *testing.T) {
	for _, level := range []repair.Autonomy{repair.Observe, repair.Approve, repair.Auto} {
		w := newWorld(t, 3)
		w.level = level
		w.kill("m2")
		w.member("m2").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
		fire(w, "m2")
		w.run(30 * time.Minute)
		if w.count(repair.TypeIntent) != 0 || !has(w.finished(), "blocked(proof/empty-data-dir)") && level != repair.Observe {
			t.Errorf("%s: outcomes %v", level, w.finished())
		}
	}
}

// 8: an intent in flight, a reload, a crash: the slot stays until nothing is in
// flight (rule 11).
func TestSchedule08ChangedKeepsItsSlot(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	w.member("m1").startIn = 30 * time.Second
	fire(w, "m1")
	w.run(time.Second)
	w.reload()
	w.restart()
	w.kill("m2")
	fire(w, "m2")
	w.run(25 * time.Second)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Fatalf("%d intents while the first may still take effect", n)
	}
	w.run(10 * time.Minute)
	if !has(w.finished(), "blocked(changed/changed)") {
		t.Errorf("outcomes %v", w.finished())
	}
	allServe(t, w)
	if n := w.member("m1").applied; n != 1 {
		t.Errorf("m1 was started %d times", n)
	}
}

// 9: started, hangs while it settles: the slot is not kept, the hang is repaired (rule 7).
func TestSchedule09HangsWhileItSettles(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m3")
	fire(w, "m3")
	w.run(20 * time.Second)
	w.member("m3").hung = true
	w.run(30 * time.Minute)
	allServe(t, w)
}

// 10: started, out of order again, and another target has the slot: the run ends, it
// does not wait (rule 10).
func TestSchedule10RelapseWithoutItsSlot(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	fire(w, "m1")
	w.run(10 * time.Second)
	w.kill("m2")
	w.member("m2").startIn = 20 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	w.kill("m1")
	w.run(5 * time.Second)
	if got := w.finished(); !has(got, "blocked(concurrency/concurrency)") {
		t.Fatalf("outcomes %v", got)
	}
	w.run(20 * time.Minute)
	allServe(t, w)
}

// 11: five members, one wiped for good, one hung: quorum allows to end it (rule 14).
func TestSchedule11WipedBesideHungInFive(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	w.member("m1").proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
	w.member("m2").hung = true
	fire(w, "m1", "m2")
	w.run(5 * time.Minute)
	if m := w.member("m2"); !w.serving(m) || m.killed != 1 {
		t.Errorf("m2: serving %v, killed %d, outcomes %v", w.serving(m), m.killed, w.finished())
	}
	if m := w.member("m1"); m.applied != 0 {
		t.Error("started on an empty directory")
	}
}

// 12: an auto-restart loop beside a taken slot: reasons alternate, records do not
// pile up (rule 5).
func TestSchedule12AlternatingReasons(t *testing.T) {
	w := newWorld(t, 5)
	w.kill("m1")
	w.member("m1").startIn, w.set.Sample = 3*time.Hour, time.Second // its slot is taken for long
	fire(w, "m1")
	w.run(time.Second)
	w.kill("m2")
	fire(w, "m2")
	before := len(w.drafts)
	for i := range 720 { // an hour
		w.member("m2").restart = i%2 == 0
		w.run(5 * time.Second)
	}
	if n := len(w.drafts) - before; n > 30 {
		t.Errorf("%d records in an hour: %s", n, strings.Join(w.finished(), " "))
	}
}
