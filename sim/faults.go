package sim

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// fault is something that goes wrong, as often as its weight says.
type fault struct {
	name   string
	weight int
	do     func(w *world)
}

// faults is everything that can go wrong. What is broken for a time heals by itself
// later; the rest is mended when the calm begins.
func faults() []fault {
	return []fault{
		{"a unit dies", 14, func(w *world) { w.any().crash() }},
		{"what has just come up dies", 5, (*world).dieAgain},
		{"a process hangs", 6, (*world).hang},
		{"a hung one goes on", 1, (*world).unhang},
		{"slow for a while", 2, (*world).slowDown},
		{"data is lost", 2, (*world).loseData},
		{"a person stops one", 2, func(w *world) { w.any().stop(pick(w.dice, "stopped", "masked", "disabled")) }},
		{"a person starts one", 2, (*world).personStarts},
		{"a port stays bound", 2, func(w *world) { u := w.any(); u.portUntil = w.now + w.dice.span(time.Second, 2*time.Minute) }},
		{"starts come late", 3, func(w *world) { u := w.any(); u.startIn = w.dice.span(0, 90*time.Second) }},
		{"starts fail", 2, func(w *world) {
			u := w.any()
			u.broken = true
			w.in(w.dice.span(time.Second, 10*time.Minute), func() { u.broken = false })
		}},
		{"a start never ends", 1, func(w *world) { w.any().stuck = true }},
		{"an auto-restart loop", 1, (*world).restartLoop},
		{"cut off from fettle", 2, func(w *world) { u := w.any(); w.cutOff(u, &u.cutProbe) }},
		{"cut off from Prometheus", 2, func(w *world) { u := w.any(); w.cutOff(u, &u.cutProm) }},
		{"fettle is cut off from the services", 3, (*world).cutServices},
		{"declared commands fail", 3, func(w *world) {
			w.fettle.commandsFail = 0.6
			w.in(w.dice.span(time.Minute, 20*time.Minute), func() { w.fettle.commandsFail = 0 })
		}},
		{"a service does not come up", 6, (*world).breakService},
		{"a new configuration", 4, (*world).configure},
		{"a person turns a knob", 5, (*world).turnKnob},
		{"a person has a run undone", 3, (*world).undoOne},
		{"a link is cut, one way", 3, (*world).cutLink},
		{"a member is cut off from the others", 2, (*world).isolate},
		{"a host does not answer", 1, (*world).muteHost},
		{"a manager cannot tell", 1, func(w *world) {
			u := w.any()
			u.untold = true
			w.in(w.dice.span(time.Second, 5*time.Minute), func() { u.untold = false; w.changed() })
		}},
		{"a host reboots", 3, func(w *world) { w.reboot(pick(w.dice, w.hosts...)) }},
		{"fettle is killed", 4, func(w *world) { w.fettle.killNow() }},
		{"fettle will be killed", 8, func(w *world) { w.fettle.crashIn = 1 + w.dice.IntN(40) }},
		{"looks are slow", 2, func(w *world) { w.flag(&w.fettle.slowLooks, 5*time.Minute) }},
		{"looks do not answer", 1, func(w *world) { w.flag(&w.fettle.blind, 3*time.Minute) }},
		{"the disk is slow", 1, func(w *world) { w.flag(&w.fettle.slowDisk, 3*time.Minute) }},
		{"executors are late", 3, (*world).lateExecutors},
		{"answers are late", 2, func(w *world) { w.fettle.answersLate = w.dice.span(0, 90*time.Second) }},
		{"answers never come", 1, func(w *world) { w.flag(&w.fettle.answersNever, 5*time.Minute) }},
		{"answers are errors", 2, func(w *world) { w.flag(&w.fettle.answersError, 10*time.Minute) }},
		{"commands take long", 2, func(w *world) { w.fettle.commandTakes = w.dice.span(0, 30*time.Second) }},
		{"Prometheus dies", 2, (*world).killPrometheus},
		{"a series vanishes", 2, func(w *world) {
			w.prom.vanish(pick(w.dice, w.prom.series...), w.dice.span(5*time.Second, 2*time.Minute))
		}},
		{"an Alertmanager restarts", 2, func(w *world) { pick(w.dice, w.alarms...).restart() }},
		{"an Alertmanager does not answer", 2, func(w *world) {
			m := pick(w.dice, w.alarms...)
			m.answers = false
			w.in(w.dice.span(time.Second, 20*time.Minute), func() { m.answers = true })
		}},
		{"an alert is silenced", 1, (*world).silence},
		{"old and strange messages", 4, (*world).strangeMessage},
		{"the wall clock jumps", 3, (*world).jump},
		{"a pause", 2, (*world).pause},
		{"a pause ends", 2, (*world).unpause},
		{"the brake", 1, func(w *world) { w.flag(&w.fettle.brake, 5*time.Minute) }},
		{"a person acknowledges", 3, (*world).acknowledgeSome},
		{"a release", 2, (*world).releaseAll},
		{"a person closes an episode", 1, (*world).closeOne},
		{"a reload", 3, (*world).reloadSome},
	}
}

// any is a unit that things happen to: more often a member than a service.
func (w *world) any() *unit {
	if len(w.units) > len(w.rings[0].members) && w.dice.chance(0.25) {
		return pick(w.dice, w.units...)
	}
	return pick(w.dice, w.rings[0].members...)
}

// strike draws one fault and has it happen.
func (w *world) strike(list []fault, total int) {
	n := w.dice.IntN(total)
	for _, f := range list {
		if n -= f.weight; n < 0 {
			w.stats.Faults++
			w.say("world", "fault: %s", f.name)
			f.do(w)
			w.changed()
			return
		}
	}
}

// flag is true for a while.
func (w *world) flag(b *bool, most time.Duration) {
	*b = true
	w.in(w.dice.span(time.Second, most), func() { *b = false })
}

// dieAgain ends what came into order last: a repair that does not hold.
func (w *world) dieAgain() {
	var last *unit
	for _, u := range w.units {
		if u.inOrder && (last == nil || u.born > last.born) {
			last = u
		}
	}
	if last != nil {
		last.crash()
	}
}

func (w *world) hang() {
	if u := w.any(); u.pid != 0 && !u.replaying() && !u.hung {
		u.hung, u.hungAt = true, w.now
		w.say(u.name(), "hangs")
	}
}

func (w *world) unhang() {
	for _, u := range w.units {
		u.hung = false
	}
}

func (w *world) slowDown() {
	u := w.any()
	u.slow = u.pid != 0
	w.in(w.dice.span(time.Second, time.Minute), func() { u.slow = false; w.changed() })
}

func (w *world) loseData() {
	for _, u := range w.rings[0].members {
		if u.pid == 0 && u.state == cluster.ServiceDead && u.data == intact {
			u.data, u.wipedAt = pick(w.dice, wiped, others), w.now
			w.say(u.name(), "its data directory is %s", u.data)
			return
		}
	}
}

func (w *world) personStarts() {
	for _, u := range w.units {
		if u.pid == 0 && u.data != wiped && u.data != others && (u.state == cluster.ServiceStopped || u.state == cluster.ServiceDead) {
			w.say("person", "starts %s", u.name())
			u.purpose = ""
			u.begin(nil)
			return
		}
	}
}

func (w *world) restartLoop() {
	u := w.any()
	u.restartIn, u.broken = w.dice.span(time.Second, 30*time.Second), true
	u.crash()
	w.in(w.dice.span(10*time.Second, 5*time.Minute), func() { u.broken = false })
}

func (w *world) cutOff(u *unit, cut *bool) {
	if cut == &u.cutProbe && w.local(u) {
		return // its own host's probe
	}
	*cut = true
	w.in(w.dice.span(time.Second, 10*time.Minute), func() { *cut = false; w.changed() })
}

func (w *world) cutLink() {
	r := w.rings[0]
	link := [2]int{w.dice.IntN(len(r.members)), w.dice.IntN(len(r.members))}
	r.cut[link] = true
	w.in(w.dice.span(time.Second, 10*time.Minute), func() { delete(r.cut, link); w.changed() })
}

func (w *world) isolate() {
	r := w.rings[0]
	u := pick(w.dice, r.members...)
	for _, o := range r.members {
		r.cut[[2]int{u.place, o.place}] = o != u
	}
	w.say(u.name(), "is cut off from the others")
	w.in(w.dice.span(time.Second, 10*time.Minute), func() {
		for _, o := range r.members {
			delete(r.cut, [2]int{u.place, o.place})
		}
		w.changed()
	})
}

func (w *world) muteHost() {
	h := pick(w.dice, w.hosts...)
	h.unasked = true
	w.in(w.dice.span(time.Second, 5*time.Minute), func() { h.unasked = false; w.changed() })
}

func (w *world) lateExecutors() {
	w.fettle.late = w.dice.span(time.Second, 150*time.Second)
	w.in(w.dice.span(10*time.Second, 5*time.Minute), func() { w.fettle.late = 0 })
}

func (w *world) killPrometheus() {
	if w.prom.alive {
		w.prom.die()
		w.in(w.dice.span(10*time.Second, 20*time.Minute), func() {
			if !w.prom.alive {
				w.prom.revive()
			}
		})
	}
}

// jump has a wall clock jump, by up to a day, forwards or back.
func (w *world) jump() {
	h := w.home()
	by := pick(w.dice, -24*time.Hour, -time.Hour, -time.Minute, time.Minute, time.Hour, 24*time.Hour)
	h.wall += by
	w.stats.Jumps++
	w.say(h.name, "its wall clock jumps by %s", by)
}

// reboot ends everything on a host, and brings it back a little later.
func (w *world) reboot(h *host) {
	if !h.up {
		return
	}
	w.say(h.name, "reboots")
	h.uptime, h.up = h.ran(w.now), false
	if h == w.home() {
		w.fettle.lose()
		w.endExecutions(true)
	}
	for _, m := range w.mutations {
		if m.unit.host == h || h == w.home() {
			m.finish()
		}
	}
	for _, u := range w.units {
		if u.host == h {
			u.gen++
			u.by.finish()
			u.pid, u.by, u.busy, u.hung, u.slow = 0, nil, false, false, false
			u.leave()
			if u.state != cluster.ServiceStopped {
				u.state = cluster.ServiceDead
			}
		}
	}
	w.in(w.dice.span(10*time.Second, 90*time.Second), func() { w.booted(h) })
}

func (w *world) booted(h *host) {
	h.boot++
	h.up, h.booted = true, w.now
	w.say(h.name, "is up again")
	for _, u := range w.units {
		if u.host == h && u.state == cluster.ServiceDead && w.dice.chance(0.6) && u.data == intact {
			u.later(w.dice.span(0, 20*time.Second), func() {
				if u.pid == 0 && u.state == cluster.ServiceDead {
					u.begin(nil)
				}
			})
		}
	}
	if h == w.home() {
		w.fettle.readings = append(w.fettle.readings, boot{w.reading().Boot, h.uptime})
		w.in(w.dice.span(time.Second, 20*time.Second), func() {
			if !w.fettle.up && h.up {
				w.fettle.start()
			}
		})
	}
	w.changed()
}
