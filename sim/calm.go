package sim

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// mend ends every fault that does not heal by itself, as people would, and leaves to
// fettle what is fettle's: what is dead or hung stays so, and so does lost data.
func (w *world) mend() {
	p := w.fettle
	p.blind, p.slowLooks, p.slowDisk, p.brake, p.crashIn = false, false, false, false, 0
	p.late, p.commandTakes, p.answersLate, p.answersNever, p.answersError, p.commandsFail = 0, 20*time.Millisecond, 0, false, false, 0
	w.unpause()
	w.in(time.Second, w.unpause) // one that was on its way
	for _, h := range w.hosts {
		h.unasked = false
	}
	for _, r := range w.rings {
		clear(r.cut)
	}
	for _, u := range w.units {
		u.cutProbe, u.cutProm, u.untold, u.slow = false, false, false, false
		u.broken, u.portUntil, u.startIn = false, 0, 0
		if u.stuck {
			u.stuck = false
			if u.state == cluster.ServiceStarting && u.pid == 0 {
				u.later(time.Second, u.spawn)
			}
		}
		if u.state == cluster.ServiceStopped { // a person starts again what a person stopped
			u.purpose = ""
			u.begin(nil)
		}
	}
	if !w.prom.alive {
		w.prom.revive()
	}
	for _, m := range w.alarms {
		m.answers = true
		for _, fp := range m.order {
			m.held[fp].silenced = false
		}
		m.flushIn(0)
	}
	w.declare(w.soon(w.terms))
	w.reload(w.kit.config(w))
	w.say("world", "calm: no more faults, and what people mend is mended")
	w.changed()
}

func (w *world) pauses() (ids []string) {
	if w.fettle.engine == nil {
		return nil
	}
	for _, p := range w.fettle.engine.State().Pauses() {
		ids = append(ids, p.ID)
	}
	return ids
}

// within is the time in which everything has to be in order again, without a
// person: two cooldowns, the runs between, and Alertmanager's repeats.
const within = 75 * time.Minute

// calm lets the world come into order by itself, and says what did not.
func (w *world) calm() {
	w.fettle.crashIn = 0
	w.run(5*time.Minute, func() bool { return w.fettle.up && !w.fettle.writing }) // people's words are for a fettle that runs
	w.mend()
	w.watch.calm = true
	w.run(within, w.quiet)
	if w.stopped() {
		return
	}
	if w.expect(); w.stopped() {
		return
	}
	w.persons = true
	for range 2 { // what waits for a person, by the rules, gets one
		if w.stopped() || w.quiet() {
			return
		}
		w.releaseAll()
		w.run(within, w.quiet)
	}
	if !w.stopped() && !w.quiet() {
		w.expect()
	}
}

// releaseAll is a person who looks into everything that is open.
func (w *world) releaseAll() {
	if w.fettle.engine == nil {
		return
	}
	for _, ep := range w.fettle.engine.State().Episodes() {
		w.fettle.post(repair.Release{Episode: ep.ID, Actor: "person"}, nil)
	}
	for _, u := range w.units { // its episode may be over, and is named by who waits for it
		if episode := w.fettle.heldFor(u); episode != "" {
			w.fettle.post(repair.Release{Episode: episode, Actor: "person"}, nil)
		}
	}
	w.stats.Persons++
	w.say("person", "releases every episode")
}

// quiet tells that everything that can be is in order, and nothing is open but what
// cannot be.
func (w *world) quiet() bool {
	if !w.fettle.up || w.fettle.engine == nil {
		return false
	}
	for _, u := range w.units {
		if !u.inOrder && w.mustRun(u) {
			return false
		}
	}
	for _, o := range w.watch.ledger.owed {
		if !o.told {
			return false
		}
	}
	for _, ep := range w.watch.ledger.episodes {
		u, ok := w.named[w.meantBy(ep.received.Labels)]
		if ok && (u.inOrder || w.mustRun(u)) && (w.persons || !w.waitsForPerson(u)) {
			return false
		}
	}
	return true
}

// mustRun tells that a unit has to come into order: its data is intact, its hang can
// be told, its ring can have a quorum, and, before people come, no rule waits for them.
// Where its alert names no member, two that are down are both left to people.
func (w *world) mustRun(u *unit) bool {
	if w.closedByPerson(u) || !w.persons && w.waitsForPerson(u) || (u.ring == nil || u.hung) && w.storm() {
		return false
	}
	if w.radiusHolds(u) {
		return false
	}
	return u.ring == nil || !u.ring.unnamed && u.data == intact && w.mendable(u) && !u.ring.stuck() && w.majority(u.ring)
}

// stuck tells that a member hangs while its manager waits for its start, for ever
// where the start's time-out is infinite: the executor is busy, so the run keeps its
// slots, and people are told (rule 10).
func (r *ring) stuck() bool {
	return slices.ContainsFunc(r.members, func(m *unit) bool { return m.hung && m.state == cluster.ServiceStarting })
}

// storm tells that so much is out of order that the guard of that name holds
// everything but the starts of members.
func (w *world) storm() bool {
	running, failing := 0, 0
	for _, u := range w.units {
		if running++; !u.inOrder {
			failing++
		}
	}
	return failing >= 5 && 3*failing > running
}

// closedByPerson tells that a person closed its episode: rule 2 opens no other for
// 4 h, or until its alert was seen inactive.
func (w *world) closedByPerson(u *unit) bool {
	fp := w.prom.of(u).fingerprint
	return w.watch.ledger.open[fp] == "" && w.watch.ledger.closed[fp].reason == "person"
}

// mendable tells that rule 14 lets fettle see what is wrong with it: a hang shows
// from its own host, and not while its manager waits for its start.
func (w *world) mendable(u *unit) bool {
	return !u.hung || w.local(u) && u.state != cluster.ServiceStarting
}

// majority tells that the members that live, and those that can be started, are one:
// with fewer, holding still is right (rule 13). A hung one is ended only while the
// others are a quorum without it (rule 14).
func (w *world) majority(r *ring) bool {
	n := 0
	for _, m := range r.members {
		switch {
		case m.data != intact, m.hung:
		case m.caughtUp(), m.alive(), !w.closedByPerson(m) && (w.persons || !w.waitsForPerson(m)):
			n++
		}
	}
	return n >= r.quorum()
}

// expect is liveness: once no new fault comes and starts succeed, every dead member
// with intact data runs, and its episode is closed without a person, except where a
// rule waits for one.
func (w *world) expect() {
	w.expectPutBack()
	for _, u := range w.units {
		if u.inOrder || !w.mustRun(u) {
			continue
		}
		w.mustNot(ruleRuns, "%s is %s (hung %v) %s after the last fault; %s", u.name(), u.state, u.hung, within, w.lastSaid(u))
	}
	for _, ep := range w.watch.ledger.episodes {
		u, ok := w.named[w.meantBy(ep.received.Labels)]
		if ok && u.inOrder && (w.persons || !w.waitsForPerson(u)) {
			w.mustNot(ruleOver, "the episode of %s is open %s after the last fault, and it is in order; %s", u.name(), within, w.lastSaid(u))
		}
	}
}

// waitsForPerson tells that a rule has left it to people: attempts used up, an
// outcome that cannot be told, a proof that says no. Its whole ring waits where it
// is one, because its slots are held.
func (w *world) waitsForPerson(u *unit) bool {
	for _, ep := range w.watch.ledger.episodes {
		o, ok := w.named[w.meantBy(ep.received.Labels)]
		if !ok || o != u && (u.ring == nil || o.ring != u.ring) {
			continue
		}
		if ep.outcome == repair.Unknown || o == u && ep.outcome == repair.Blocked && !ep.last.Passing {
			return true
		}
	}
	return w.fettle.holds(u)
}

func (w *world) lastSaid(u *unit) string {
	for _, ep := range w.watch.ledger.episodes {
		if w.meantBy(ep.received.Labels) == u.name() {
			return "its episode's last run ended " + string(ep.outcome) + " " + ep.last.Guard + "(" + ep.last.Reason + ") " + ep.last.Detail
		}
	}
	return "no episode is open for it"
}
