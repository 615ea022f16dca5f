package repair

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// ask is one target that is looked at while episodes on it are open (rule 5): one
// look serves all of them.
type ask struct {
	e        *Engine
	key      string
	spec     ActionSpec      // whose Observe looks
	target   *cluster.Target // shared with an aim: there may be ten thousand asks
	episodes []*Episode      // some may have ended
	due      time.Duration
	looking  bool // a look is in flight, or waits for its turn
	seeks    bool // which member is meant is not known: the target is any of the cluster
	through  int  // which one of them
	beside   int  // looks in flight at what only some of the episodes' steps would change
	from     int  // the group that comes first: one that had no such look before
	left     bool // one was left out since the last look
	moved    bool // an episode of it means another target by now
}

// add has one more episode asked. One that has moved away and comes back is not asked twice.
func (a *ask) add(ep *Episode) {
	if a.moved {
		a.drop()
	}
	a.episodes = append(a.episodes, ep)
	ep.ask = a
}

// drop forgets those that are asked elsewhere by now, or no more.
func (a *ask) drop() {
	a.episodes = slices.DeleteFunc(a.episodes, func(ep *Episode) bool { return ep.ask != a })
	a.moved = false
}

// maxAsking is how many asks look at the same time: a storm's targets are looked at
// in turn.
const maxAsking = 64

// lookGap bounds how often all of the targets are asked: of ten thousand that are out of
// order each is looked at every 100 s.
const lookGap = 10 * time.Millisecond

func (a *ask) dueAt() time.Duration {
	if a.looking {
		return -1
	}
	return a.due
}

// quiet is how an open episode stopped being a fault; nothing of it outlives the
// process, it is seen again.
type quiet struct {
	inOrder time.Duration // since when; -1: it is not, or not known
	absent  int32         // polls in a row in which no Alertmanager had it
	refused int32         // times the last answer was the answer again
	// absentAt is when the last of those polls was asked for.
	absentAt time.Duration
	unseen   bool          // the last look failed
	holding  *holding      // about to be recorded as held by it; nil: it is not
	pending  time.Duration // since when it is about to be recorded as held, by whatever
	said     *Refusal      // the last answer, recorded or not; nil: it was go, or in order
	waits    *waits        // the approval that it waits for
	shown    []Premise
	told     []string // reasons for which people are told of others, and of this one too
	span     *span    // of the few that were repaired, or have ended
}

func unknownQuiet() quiet { return quiet{inOrder: -1} }

// enrol has an episode asked, at the latest at due. An episode whose labels name
// nothing is not looked at: only its alert's end, or a reload, moves it.
func (e *Engine) enrol(ep *Episode, due time.Duration) {
	p := e.playbook(ep.Playbook)
	if p == nil {
		if ep.Run == "" {
			e.close(ep, closedUnmatched, "", "")
		}
		return
	}
	if ep.ask == nil {
		if ep.found == "" && ep.sought != "" {
			ep.found = e.foundBy(p, ep.Labels(), ep.sought)
		}
		at, err := e.place(p, ep)
		switch {
		case err == nil:
			e.join(ep, at)
		case !e.seek(ep, p, err):
			e.tryClose(ep)
			if e.st.episodes[ep.ID] != nil && ep.Run == "" && ep.Last == nil && ep.LastOutcome == "" {
				e.open(ep, nil) // a reload took its target before it had an answer: a run says so
			}
			return
		}
	}
	e.askBy(ep.ask, due)
}

// join has an episode asked together with the others on its target.
func (e *Engine) join(ep *Episode, at *aim) {
	spec := at.last()
	key := at.target.String() + "|" + spec.Sees
	a := e.asks[key]
	if a == nil {
		a = &ask{e: e, key: key, due: -1}
		e.asks[key] = a
	}
	a.spec, a.target = spec, &at.target
	a.add(ep)
	ep.aim = at
}

// place resolves an episode's labels. What named a target once is remembered: in a
// storm thousands of alerts name the same ones.
func (e *Engine) place(p *Playbook, ep *Episode) (*aim, error) {
	uses, ok := e.uses[p]
	if !ok {
		uses = p.uses()
		e.uses[p] = uses
	}
	var b strings.Builder
	b.WriteString(p.Name)
	for _, name := range uses {
		b.WriteString(labelEnd)
		b.WriteString(ep.Label(name))
	}
	b.WriteString(labelEnd)
	b.WriteString(ep.found)
	key := b.String()
	if at, ok := e.places[key]; ok {
		return at, nil
	}
	at, err := e.aimFor(p, ep.Labels(), ep.found)
	if err == nil && len(e.places) < maxPlaces {
		e.places[key] = at
	}
	return at, err
}

// maxPlaces bounds what place remembers.
const maxPlaces = 1 << 16

// askBy has a target looked at by due at the latest. A look that is under way
// answers for what came meanwhile too.
func (e *Engine) askBy(a *ask, due time.Duration) {
	if a.looking || a.due >= 0 && a.due <= due {
		return
	}
	a.due = due
	e.timers.set(a)
}

// hurryAll asks every open episode at once.
func (e *Engine) hurryAll() {
	for _, key := range slices.Sorted(maps.Keys(e.asks)) {
		e.askBy(e.asks[key], e.now)
	}
}

// hurryQueued asks those at once whose last answer was that slots are taken.
func (e *Engine) hurryQueued() {
	if len(e.queued) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(e.queued)) {
		if a := e.asks[key]; a != nil {
			e.askBy(a, e.now)
		}
	}
	clear(e.queued)
}

// queue remembers that an episode waits for slots.
func (e *Engine) queue(ep *Episode) {
	if ep.ask != nil && ep.Last != nil && ep.Last.Reason == ReasonConcurrency {
		e.queued[ep.ask.key] = true
	}
}

// wake looks at the target, whose time has come.
func (a *ask) wake() {
	e := a.e
	if e.asks[a.key] != a { // a reload made another one
		a.due = -1
		return
	}
	if a.drop(); len(a.episodes) == 0 {
		a.due = -1
		delete(e.asks, a.key)
		return
	}
	every, waiting := time.Duration(0), false
	var of *Playbook // whose settings were asked last
	for _, ep := range a.episodes {
		if p := e.playbook(ep.Playbook); p != nil && p != of {
			of = p
			if set := e.settings(p, a.target.Cluster.Name); every == 0 || set.Look < every {
				every = set.Look
			}
		}
		waiting = waiting || ep.Run == ""
	}
	a.due = e.now + max(every, time.Second, time.Duration(len(e.asks))*lookGap)
	if !waiting { // a live run looks for itself
		e.timers.set(a)
		return
	}
	a.looking = true
	if e.asking == cmp.Or(e.cfg.Asking, maxAsking) {
		e.turns = append(e.turns, a)
		return
	}
	a.look()
}

// look looks at the target.
func (a *ask) look() {
	a.e.asking++
	a.e.lookWith(Look{Spec: a.spec, Target: *a.target, Seeks: a.seeks}, a.seen)
}

// seen answers every episode on the target with one look, and has the next one in
// turn looked at.
func (a *ask) seen(ev Looked) {
	e := a.e
	a.looking = false
	e.asking--
	if len(e.turns) > 0 {
		next := e.turns[0]
		e.turns = e.turns[1:]
		next.look()
	}
	if e.asks[a.key] != a {
		return
	}
	if !mutant("asked no more") {
		e.timers.set(a)
	}
	if a.seeks {
		a.sought(ev)
		return
	}
	groups, from := a.waiting(), a.from
	a.from, a.left = 0, false
	for i := range groups {
		g := groups[(from+i)%len(groups)]
		g.by, g.at = a, (from+i)%len(groups)
		e.answer(g, ev)
	}
}

// lookBeside looks at what a group's next step would change. Labels are untrusted, and
// there may be as many such groups on one target as alerts: it is done for maxAsking of
// them at the same time, and the others come first the next time.
func (a *ask) lookBeside(g *group, spec ActionSpec, then func(Looked)) {
	if a.beside == maxAsking {
		if !a.left {
			a.left, a.from = true, g.at
		}
		for _, ep := range g.episodes {
			a.e.checkDeadline(ep)
		}
		return
	}
	a.beside++
	a.e.look(spec, g.aim.target, func(ev Looked) {
		a.beside--
		then(ev)
	})
}
