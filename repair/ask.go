package repair

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// ask is one target that is looked at while episodes on it are open (rule 5): one
// look serves all of them.
type ask struct {
	key      string
	action   string // whose Observe looks
	target   cluster.Target
	episodes map[string]bool
	due      time.Duration
	look     uint64 // in flight; 0: none
}

// quiet is how an open episode stopped being a fault; nothing of it outlives the
// process, it is seen again.
type quiet struct {
	inOrder time.Duration // since when; -1: it is not, or not known
	absent  int           // polls in a row in which no Alertmanager had it
	// absentAt is when the last of those polls was asked for.
	absentAt time.Duration
	unseen   bool // the last look failed
	refused  int  // times the last answer was the answer again
}

func (e *Engine) quietOf(ep *Episode) *quiet {
	q := e.quiet[ep.ID]
	if q == nil {
		q = &quiet{inOrder: -1}
		e.quiet[ep.ID] = q
	}
	return q
}

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
	t, _, err := p.Resolve(e.cfg.Inventory, ep.Labels)
	if err != nil {
		e.tryClose(ep)
		return
	}
	action := p.Steps[len(p.Steps)-1].Action
	key := t.String() + "|" + e.cfg.Actions[action].Sees
	a := e.asks[key]
	if a == nil {
		a = &ask{key: key, episodes: map[string]bool{}, due: due}
		e.asks[key] = a
	}
	a.action, a.target = action, t
	a.episodes[ep.ID] = true
	if due < a.due {
		a.due = due
	}
	e.wakeAt(a.due)
}

// hurry asks at once the open episodes that want fits.
func (e *Engine) hurry(want func(*Episode) bool) {
	for _, a := range e.asks {
		for id := range a.episodes {
			if ep := e.st.episodes[id]; ep != nil && ep.Run == "" && want(ep) {
				a.due = e.now
				e.wakeAt(e.now)
			}
		}
	}
}

// dueAsks looks at the targets whose time has come.
func (e *Engine) dueAsks() {
	var due []*ask
	for key, a := range e.asks {
		e.dropEnded(a)
		if len(a.episodes) == 0 && a.look == 0 {
			delete(e.asks, key)
			continue
		}
		if a.look != 0 || a.due > e.now {
			if a.look == 0 {
				e.wakeAt(a.due)
			}
			continue
		}
		due = append(due, a)
	}
	sort.Slice(due, func(i, j int) bool { return due[i].key < due[j].key })
	for _, a := range due {
		every := time.Duration(0)
		waiting := false
		for id := range a.episodes {
			ep := e.st.episodes[id]
			if p := e.playbook(ep.Playbook); p != nil {
				if set := e.settings(p, a.target.Cluster.Name); every == 0 || set.Look < every {
					every = set.Look
				}
			}
			waiting = waiting || ep.Run == ""
		}
		a.due = e.now + max(every, time.Second)
		e.wakeAt(a.due)
		if waiting { // a live run looks for itself
			a.look = e.look(a.action, a.target, func(ev Looked) { e.onAsked(a, ev) })
		}
	}
}

func (e *Engine) dropEnded(a *ask) {
	for id := range a.episodes {
		if e.st.episodes[id] == nil {
			delete(a.episodes, id)
			delete(e.quiet, id)
		}
	}
}

// onAsked answers every episode on the target with one look.
func (e *Engine) onAsked(a *ask, ev Looked) {
	a.look = 0
	e.wakeAt(a.due)
	for _, ep := range e.st.openEpisodes() {
		if a.episodes[ep.ID] && ep.Run == "" {
			e.answer(ep, a.target, ev)
		}
	}
}

// answer is one episode's: in order, go, or a refusal.
func (e *Engine) answer(ep *Episode, t cluster.Target, ev Looked) {
	p := e.playbook(ep.Playbook)
	if p == nil {
		e.close(ep, closedUnmatched, "", "")
		return
	}
	inOrder := ev.Err == nil && e.cfg.Actions[p.Steps[len(p.Steps)-1].Action].Action.Done(nil, ev.Seen.Observation)
	switch {
	case ev.Err != nil:
		e.cannotTell(ep, notSeen(ev.Err))
	case !inOrder:
		e.outOfOrder(ep, p, t, ev.Seen, nil)
	case p.Verify != nil:
		e.verifyAsked(ep, p, t)
	default:
		e.inOrder(ep, t)
	}
}

// cannotTell is where nothing can be said of the target.
func (e *Engine) cannotTell(ep *Episode, v Verdict) {
	q := e.quietOf(ep)
	q.unseen, q.inOrder = true, -1
	if e.tryClose(ep); e.st.episodes[ep.ID] == nil {
		return
	}
	e.checkDeadline(ep)
	e.respond(ep, &v)
}

func (e *Engine) inOrder(ep *Episode, t cluster.Target) {
	q := e.quietOf(ep)
	q.unseen = false
	if q.inOrder < 0 {
		q.inOrder = e.now
	}
	e.freeHeld(t)
	e.tryClose(ep)
}

// outOfOrder goes on to what can be done about it; denied is the answer where no
// step is left to do.
func (e *Engine) outOfOrder(ep *Episode, p *Playbook, t cluster.Target, seen Sighting, denied *Verdict) {
	q := e.quietOf(ep)
	q.unseen, q.inOrder = false, -1
	e.checkDeadline(ep)
	e.weigh(ep, p, t, seen, 0, denied)
}

// weigh goes through the steps as a run would, from step i on, with what was seen.
// What another action has to see is looked at first: an answer that a run would
// only find out is one that each ask would open a run for. denied is the answer
// where no step is left to do; nil is go.
func (e *Engine) weigh(ep *Episode, p *Playbook, t cluster.Target, seen Sighting, i int, denied *Verdict) {
	sees := func() string { return e.cfg.Actions[p.Steps[i].Action].Sees }
	for ; i < len(p.Steps) && sees() == seen.Observation.Schema; i++ {
		if !e.cfg.Actions[p.Steps[i].Action].Action.Done(nil, seen.Observation) {
			e.respond(ep, e.refusal(ep, p, t, seen, i))
			return
		}
	}
	if i == len(p.Steps) {
		e.respond(ep, denied)
		return
	}
	want := sees()
	e.look(p.Steps[i].Action, t, func(ev Looked) {
		switch {
		case e.st.episodes[ep.ID] == nil || ep.Run != "" || e.playbook(ep.Playbook) != p:
		case ev.Err == nil && ev.Seen.Observation.Schema == want:
			e.weigh(ep, p, t, ev.Seen, i, denied)
		case ev.Err == nil:
			ev.Err = fmt.Errorf("action %s saw %s, not %s", p.Steps[i].Action, ev.Seen.Observation.Schema, want)
			fallthrough
		default:
			v := notSeen(ev.Err)
			e.respond(ep, &v)
		}
	})
}

// refusal is what a run would be refused step i with now; nil is go.
func (e *Engine) refusal(ep *Episode, p *Playbook, t cluster.Target, seen Sighting, i int) *Verdict {
	if set := e.settings(p, t.Cluster.Name); e.tooOld(seen, set) { // a run's look would be no younger
		return &Verdict{Guard: ReasonObserve, Reason: ReasonObserve, Detail: "the look was older than " + set.ViewAge.String() + " when it came", Passing: true}
	}
	if serviceOf(seen, t).State == cluster.ServiceAutoRestart {
		return &Verdict{Guard: ReasonAutoRestart, Reason: ReasonAutoRestart, Passing: true}
	}
	_, v := e.judge(p, i, t, seen, ep, "", false)
	if v != nil && !v.Passing {
		return v
	}
	if holder, taken := e.SlotHolder(e.resources(p, t), ""); taken {
		return &Verdict{Guard: ReasonConcurrency, Reason: ReasonConcurrency, Detail: "slots are taken by " + holder, Passing: true}
	}
	return v
}

// respond opens a run when the answer is go, or a refusal that is not the last
// answer; a refusal that was recorded within the hour is only counted.
func (e *Engine) respond(ep *Episode, v *Verdict) {
	if v == nil {
		e.open(ep)
		return
	}
	at, asked := ep.asked[v.Guard+"/"+v.Reason]
	last := ep.Last != nil && ep.Last.Guard == v.Guard && ep.Last.Reason == v.Reason
	if last || asked && e.now-at < e.settingsOf(ep).ReasonsRecord {
		e.note(Note{Refused: v})
		e.quietOf(ep).refused++
		return
	}
	e.open(ep)
}

func (e *Engine) settingsOf(ep *Episode) Settings {
	t, p, err := e.resolve(ep)
	if p == nil {
		return e.cfg.Settings(P1, "", "")
	}
	if err != nil {
		return e.settings(p, "")
	}
	return e.settings(p, t.Cluster.Name)
}

// checkDeadline escalates once when the tier's deadline has passed (rules 10, 21).
func (e *Engine) checkDeadline(ep *Episode) {
	if ep == nil || e.st.episodes[ep.ID] == nil {
		return
	}
	if set := e.settingsOf(ep); e.now-ep.Opened > set.Deadline {
		detail := "not in order within " + set.Deadline.String() + " of the alert"
		if ep.Last != nil {
			detail += "; last answer: " + ep.Last.Guard + "(" + ep.Last.Reason + "): " + ep.Last.Detail
		}
		e.escalate(ep, "deadline", detail)
	}
}

// freeHeld gives back the slots of a run that ended unknown, once its target is in order.
func (e *Engine) freeHeld(t cluster.Target) {
	for _, res := range slices.Sorted(maps.Keys(e.st.held)) {
		h, ok := e.st.held[res]
		if !ok || h.target != t.String() { // freed with another of its slots, or another's
			continue
		}
		e.record(TypeFreed, "episode/"+h.episode, ReleasedData{Episode: h.episode, Target: h.target})
		e.hurry(func(o *Episode) bool { return o.Last != nil && o.Last.Reason == ReasonConcurrency })
	}
}
