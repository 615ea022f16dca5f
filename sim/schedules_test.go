package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// fixed is a world without chance in what its units are like: a plain ring, on a host
// each, that fettle can look at from everywhere.
func fixed(t *testing.T, seed uint64, members int) *world {
	t.Helper()
	k, err := NewKit()
	if err != nil {
		t.Fatal(err)
	}
	w := k.build(newDice(seed), members, fewStorm)
	w.story = &story{}
	w.agents, w.polls, w.rolls = true, true, false
	w.declare(terms{approvers: 1, ownRuns: 10})
	w.fettle.cfg = k.config(w)
	for _, u := range w.units {
		u.notify, u.startTimeout, u.restartIn, u.replay = false, 0, 0, time.Second
	}
	w.inOrderFirst()
	return w
}

// settle demands that the world comes into order by itself, no invariant is broken
// and nobody is needed; but names the members that stay as they are.
func settle(t *testing.T, w *world, but ...string) {
	t.Helper()
	if !w.stopped() {
		w.calm()
	}
	w.end()
	for _, u := range w.units {
		if !u.inOrder && !slices.Contains(but, u.name()) {
			w.mustNot(ruleRuns, "%s is %s; %s", u.name(), u.state, w.lastSaid(u))
		}
	}
	if w.stats.Persons > 0 {
		w.mustNot(ruleOver, "it took a person")
	}
	if w.stopped() {
		t.Fatalf("%v\n%s", w.watch.broken, strings.Join(w.story.lines, "\n"))
	}
}

// The hard openings come into order by themselves, however a manager treats a member
// that waits for a quorum.
func TestOpenings(t *testing.T) {
	for _, o := range Openings() {
		t.Run(string(o), func(t *testing.T) {
			for seed, timeout := range []time.Duration{-1, 0, 30 * time.Second, 90 * time.Second} {
				for _, members := range []int{3, 5} {
					w := fixed(t, uint64(seed), members)
					for _, u := range w.rings[0].members {
						u.notify, u.startTimeout = timeout >= 0, max(0, timeout)
					}
					w.opening(o)
					var but []string
					if o == WipedBesideDead {
						but = []string{"etcd-a/m1"}
					}
					settle(t, w, but...)
				}
			}
		})
	}
}

// The twelve schedules that broke earlier versions of the rules, in this world: with
// the real guards, playbooks and what the actions call done, and every invariant.
// repair/schedules_test.go has them one rule at a time, with a simpler world.
func TestSchedules(t *testing.T) {
	for _, tc := range []struct {
		name    string
		members int
		but     string
		do      func(w *world, m []*unit)
	}{
		{"01 a bound port, and a second start that is late", 3, "", func(w *world, m []*unit) {
			m[0].portUntil, m[0].startIn = w.now+time.Minute, 20*time.Second
			m[0].crash()
			w.run(45*time.Second, nil)
			m[1].crash()
			w.run(3*time.Minute, nil)
		}},
		{"02 a reload and a reboot while it is started", 3, "", func(w *world, m []*unit) {
			m[1].startIn = 30 * time.Second
			m[1].crash()
			w.run(50*time.Second, nil)
			w.reloadSome()
			w.reboot(w.home())
			w.run(3*time.Minute, nil)
			m[1].crash()
			w.run(time.Minute, nil)
		}},
		{"03 all dead under systemd, and Prometheus too", 3, "", func(w *world, m []*unit) {
			for _, u := range m {
				u.notify, u.startTimeout, u.startIn = true, 20*time.Second, 18*time.Second
				u.crash()
			}
			w.run(90*time.Second, nil)
			w.prom.die()
			w.run(2*time.Minute, nil)
		}},
		{"04 a late intent, a crash, and a clock that stands back", 3, "", func(w *world, m []*unit) {
			w.fettle.late = 133 * time.Second
			m[1].crash()
			w.run(70*time.Second, nil)
			w.fettle.killNow()
			w.fettle.late = 0
			w.home().wall -= 24 * time.Hour
			w.run(time.Minute, nil)
			w.reboot(w.home())
			w.run(3*time.Minute, nil)
		}},
		{"05 a hung one wakes before it is ended, and another hangs", 3, "", func(w *world, m []*unit) {
			w.fettle.commandTakes = 20 * time.Second
			m[1].hung, m[1].hungAt = true, w.now
			w.changed()
			w.run(55*time.Second, nil)
			w.unhang()
			m[2].hung, m[2].hungAt = true, w.now
			w.changed()
			w.run(2*time.Minute, nil)
		}},
		{"06 a member that replays its log is not hung", 3, "", func(w *world, m []*unit) {
			m[1].replay = 64 * time.Second
			w.reboot(m[1].host)
			w.run(4*time.Minute, nil)
		}},
		{"07 a wiped directory is never started on", 3, "etcd-a/m2", func(w *world, m []*unit) {
			m[1].crash()
			m[1].data, m[1].wipedAt = wiped, w.now
			w.run(30*time.Minute, nil)
		}},
		{"08 a reload and a crash while an intent is in flight", 5, "", func(w *world, m []*unit) {
			m[0].startIn = 40 * time.Second
			m[0].crash()
			w.run(50*time.Second, nil)
			cfg := w.kit.config(w)
			p := *cfg.Playbooks[0]
			p.Digest = "changed"
			cfg.Playbooks = append([]*repair.Playbook{&p}, cfg.Playbooks[1:]...)
			w.reload(cfg)
			w.run(time.Second, nil)
			w.fettle.killNow()
			m[1].crash()
			w.run(3*time.Minute, nil)
		}},
		{"09 started, and hung while it settles", 3, "", func(w *world, m []*unit) {
			m[2].crash()
			w.run(3*time.Minute, func() bool { return m[2].inOrder })
			w.run(20*time.Second, nil)
			m[2].hung, m[2].hungAt = true, w.now
			w.changed()
			w.run(5*time.Minute, nil)
		}},
		{"10 out of order again, and another has the slot", 5, "", func(w *world, m []*unit) {
			m[0].crash()
			w.run(3*time.Minute, func() bool { return m[0].inOrder })
			m[1].startIn = 40 * time.Second
			m[1].crash()
			w.run(45*time.Second, nil)
			m[0].crash()
			w.run(2*time.Minute, nil)
		}},
		{"11 one wiped for good beside a hung one, in five", 5, "etcd-a/m1", func(w *world, m []*unit) {
			m[0].crash()
			m[0].data, m[0].wipedAt = wiped, w.now
			m[1].hung, m[1].hungAt = true, w.now
			w.changed()
			w.run(5*time.Minute, nil)
		}},
		{"12 an auto-restart loop beside a slot that is taken", 5, "", func(w *world, m []*unit) {
			m[0].stuck = true
			m[0].crash()
			w.run(time.Minute, nil)
			m[1].restartIn, m[1].broken = 7*time.Second, true
			for range 60 { // its manager gives up after a few starts: somebody resets it
				m[1].restarts = 0
				m[1].crash()
				w.run(time.Minute, nil)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for seed := range uint64(3) {
				w := fixed(t, seed, tc.members)
				tc.do(w, w.rings[0].members)
				settle(t, w, tc.but)
			}
		})
	}
}

// Paused for eight hours with most of it down, the fleet says little, again and again:
// what is refused is counted, and people are told once.
func TestLongPauseIsFewRecords(t *testing.T) {
	w := fixed(t, 1, 5)
	w.fettle.post(repair.SetPause{Actor: "person", Reason: "maintenance"}, nil)
	for _, u := range w.units {
		u.crash()
	}
	for hour := range 8 {
		before := len(w.fettle.disk.lines)
		w.run(time.Hour, nil)
		n := len(w.fettle.disk.lines) - before
		t.Logf("hour %d: %d records, %d open episodes", hour+1, n, len(w.watch.ledger.episodes))
		if n > 100 {
			t.Errorf("%d records in hour %d", n, hour+1)
		}
	}
	if len(w.watch.ledger.episodes) != len(w.units) || w.stats.Intents > 0 {
		t.Errorf("%d open episodes of %d targets, %d intents", len(w.watch.ledger.episodes), len(w.units), w.stats.Intents)
	}
	w.unpause()
	w.run(time.Hour, nil)
	for _, u := range w.units {
		if !u.inOrder {
			t.Errorf("%s is %s an hour after the pause; %s", u.name(), u.state, w.lastSaid(u))
		}
	}
	if w.stopped() {
		t.Error(w.watch.broken)
	}
}
