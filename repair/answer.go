package repair

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

// group is the episodes on one target that get the same answer.
type group struct {
	playbook string
	aim      *aim // what it would do, for each of them
	silenced bool
	approved bool // a person has approved something: one episode alone
	episodes []*Episode
	waits    *waits // the approval that the last answer was about
	by       *ask   // who looks for them
	at       int    // its place among the groups of by
}

// waiting are the episodes that no run is live for, in groups. Those whose playbook is
// running on this target for another episode wait for that run.
func (a *ask) waiting() []*group {
	type alike struct {
		playbook, key string
		silenced      bool
	}
	var groups []*group
	of := map[alike]*group{} // there may be as many as episodes
	running := map[string]bool{}
	for _, ep := range a.episodes {
		if ep.ask != a || ep.Run != "" {
			continue
		}
		live, known := running[ep.Playbook]
		if !known {
			live = a.running(ep.Playbook) != ""
			running[ep.Playbook] = live
		}
		if live {
			continue
		}
		key := alike{ep.Playbook, ep.aim.key, a.e.silent[ep.Fingerprint]}
		approved := a.e.st.approvals[ep.ID] != nil
		g := of[key]
		if g == nil || approved {
			g = &group{playbook: ep.Playbook, aim: ep.aim, silenced: key.silenced, approved: approved}
			groups = append(groups, g)
		}
		if !approved {
			of[key] = g
		}
		g.episodes = append(g.episodes, ep)
	}
	return groups
}

// running is the live run of a playbook on the target, empty where there is none.
func (a *ask) running(playbook string) string {
	if a.seeks {
		return ""
	}
	for run, l := range a.e.onTarget[a.target.String()] {
		if l.Playbook == playbook {
			return run
		}
	}
	return ""
}

// answer is one group's: in order, go, or a refusal.
func (e *Engine) answer(g *group, ev Looked) {
	p := e.playbook(g.playbook)
	if p == nil {
		for _, ep := range g.episodes {
			e.close(ep, closedUnmatched, "", "")
		}
		return
	}
	inOrder := ev.Err == nil && g.aim.last().Action.Done(nil, ev.Seen.Observation)
	switch {
	case ev.Err != nil:
		e.cannotTell(g, notSeen(ev.Err))
	case !inOrder:
		e.outOfOrder(g, p, ev.Seen, nil)
	case p.Verify != nil:
		e.verifyAsked(g, p)
	default:
		e.inOrder(g, g.aim.target, ev.Seen)
	}
}

// cannotTell is where nothing can be said of the target.
func (e *Engine) cannotTell(g *group, v Verdict) {
	for _, ep := range g.episodes {
		ep.quiet.unseen, ep.quiet.inOrder = true, -1
		e.tryClose(ep)
	}
	e.respond(g, &v, nil)
}

// inOrder is where the target is in order. An episode that no run has answered for
// yet gets one, which ends noop: every alert ends in an outcome.
func (e *Engine) inOrder(g *group, t cluster.Target, seen Sighting) {
	e.freeHeld(t)
	for _, ep := range g.episodes {
		if e.another(ep, t.Cluster, seen) {
			continue
		}
		q := &ep.quiet
		q.unseen, q.said, q.waits = false, nil, nil
		if q.inOrder < 0 {
			q.inOrder = e.now
		}
		if len(ep.Runs) == 0 && e.heldStill() == nil {
			e.open(ep, &seen)
		} else {
			e.tryClose(ep)
		}
	}
}

// outOfOrder goes on to what can be done about it; denied is the answer where no
// step is left to do.
func (e *Engine) outOfOrder(g *group, p *Playbook, seen Sighting, denied *Verdict) {
	g.episodes = slices.DeleteFunc(g.episodes, func(ep *Episode) bool {
		ep.quiet.unseen, ep.quiet.inOrder = false, -1
		return e.doubted(ep, g.aim.target, seen)
	})
	if len(g.episodes) == 0 {
		return
	}
	e.weigh(g, p, seen, 0, denied)
}

// weigh goes through the steps as a run would, from step i on, with what was seen.
// What another action has to see is looked at first: an answer that a run would
// only find out is one that each ask would open a run for. denied is the answer
// where no step is left to do; nil is go.
func (e *Engine) weigh(g *group, p *Playbook, seen Sighting, i int, denied *Verdict) {
	specs := g.aim.specs
	for ; i < len(specs) && specs[i].Sees == seen.Observation.Schema; i++ {
		if !specs[i].Action.Done(nil, seen.Observation) {
			e.decide(g, p, seen, i)
			return
		}
	}
	if i == len(specs) {
		e.respond(g, denied, &seen)
		return
	}
	g.by.lookBeside(g, specs[i], func(ev Looked) {
		switch want := specs[i].Sees; {
		case e.playbook(g.playbook) != p:
		case ev.Err == nil && ev.Seen.Observation.Schema == want:
			e.weigh(g, p, ev.Seen, i, denied)
		case ev.Err == nil:
			ev.Err = fmt.Errorf("action %s saw %s, not %s", p.Steps[i].Action, ev.Seen.Observation.Schema, want)
			fallthrough
		default:
			v := notSeen(ev.Err)
			e.respond(g, &v, nil)
		}
	})
}

// decide answers with what the guards say of step i, once they know enough.
func (e *Engine) decide(g *group, p *Playbook, seen Sighting, i int) {
	v := e.refusal(g, p, seen, i)
	if e.unseenFleet(v) {
		e.survey(func() {
			if e.playbook(g.playbook) == p {
				e.respond(g, e.refusal(g, p, seen, i), &seen)
			}
		})
		return
	}
	e.respond(g, v, &seen)
}

// refusal is what a run would be refused step i with now; nil is go. It asks in
// consider's order: an answer that a run would not end with opens one at each look.
func (e *Engine) refusal(g *group, p *Playbook, seen Sighting, i int) *Verdict {
	t := g.aim.target
	if serviceOf(seen, t).State == cluster.ServiceAutoRestart {
		return &Verdict{Guard: ReasonAutoRestart, Reason: ReasonAutoRestart, Passing: true}
	}
	q := Question{Playbook: p, Step: g.aim.steps[i], Spec: g.aim.specs[i], Target: t, Seen: seen, Silenced: g.silenced}
	if g.approved {
		q.who = &asker{ep: g.episodes[0], steps: g.aim.steps, step: i}
	}
	verdicts, v := e.judge(q)
	if v != nil && approvable(*v) {
		g.waits = &waits{basis{p, t, g.aim.steps, i, seen}, verdicts}
	}
	if v != nil && (v.Observed || !v.Passing) {
		return v
	}
	if holder, taken := e.SlotHolder(g.aim.resources, ""); taken {
		return &Verdict{Guard: ReasonConcurrency, Reason: ReasonConcurrency, Detail: "slots are taken by " + holder, Passing: true}
	}
	if set := e.settings(p, t.Cluster.Name); v == nil && e.tooOld(seen, set) { // a run's look would be no younger
		return &Verdict{Guard: ReasonObserve, Reason: ReasonObserve, Detail: "the look was older than " + set.ViewAge.String() + " when it came", Passing: true}
	}
	return v
}

// respond gives each episode of a group its answer. seen is what it stands on, nil
// where nothing was seen. An answer may have taken a while: who has ended or got a run
// meanwhile wants none, and none of this target who means another one by now.
func (e *Engine) respond(g *group, v *Verdict, seen *Sighting) {
	held := e.heldStill()
	var said *Refusal
	if v != nil {
		said = &Refusal{v.Guard, v.Reason, v.Detail, v.Passing}
	}
	if v == nil || v.Reason != ReasonApproval {
		g.waits = nil
	}
	for _, ep := range g.episodes {
		if e.st.episodes[ep.ID] != ep || ep.Run != "" || ep.ask != g.by || ep.ask.running(g.playbook) != "" {
			continue
		}
		ep.quiet.said, ep.quiet.waits = said, g.waits
		e.checkDeadline(ep)
		if held != nil { // nothing new is begun, nor recorded
			e.note(Note{Refused: held})
			continue
		}
		e.respondTo(ep, v, seen)
		e.again(ep, v)
	}
}

// respondTo opens a run when the answer is go, or a refusal that is not the last
// answer; a refusal that was recorded within the hour is only counted.
func (e *Engine) respondTo(ep *Episode, v *Verdict, seen *Sighting) {
	if ep.Last != nil && mutant("a refusal is for ever") {
		return
	}
	if v == nil {
		e.open(ep, seen)
		return
	}
	at, asked := ep.askedFor(v.Guard, v.Reason)
	last := ep.Last != nil && ep.Last.Guard == v.Guard && ep.Last.Reason == v.Reason
	switch {
	case e.opensCircuit(ep, v): // it is the run's record that opens it
		e.open(ep, seen)
	case (last || asked && e.now-at < e.settingsOf(ep).ReasonsRecord) && !mutant("every answer is a record"):
		e.note(Note{Refused: v})
		ep.quiet.refused++
		e.queue(ep)
	case e.holds(v):
		e.hold(ep, v)
	case seen == nil:
		e.openRefused(ep, v)
	default:
		e.open(ep, seen)
	}
}

// opensCircuit tells that attempts are used up, and that no circuit is open yet: without
// one it would go on by itself as the attempts grow old.
func (e *Engine) opensCircuit(ep *Episode, v *Verdict) bool {
	return v.Guard == "attempts" && ep.aim != nil && !slices.ContainsFunc(ep.aim.steps, func(s PlannedStep) bool {
		return e.CircuitOpen(s.counted(), ep.aim.target.String())
	})
}

func (e *Engine) settingsOf(ep *Episode) Settings {
	t, p, err := e.resolve(ep)
	if p == nil {
		return e.cfg.Settings(P1, "", "")
	}
	if err != nil {
		return e.settings(p, e.clusterOf(ep))
	}
	return e.settings(p, t.Cluster.Name)
}

// checkDeadline has people told when the tier's deadline has passed (rules 10, 21). A
// storm is one, whatever it holds.
func (e *Engine) checkDeadline(ep *Episode) {
	if ep == nil || e.st.episodes[ep.ID] == nil || ep.tells(reasonDeadline) {
		return
	}
	set := e.settingsOf(ep)
	if e.now-ep.Opened <= set.Deadline || mutant("nobody is told at the deadline") {
		return
	}
	reason, detail := reasonDeadline, "not in order within "+set.Deadline.String()+" of the alert"
	if last := cmp.Or(ep.quiet.said, ep.Last); last != nil {
		if e.ofAll(last.Guard) {
			reason = reasonStorm
		}
		detail += "; last answer: " + last.words()
	}
	e.escalate(ep, reason, detail)
}

// freeHeld gives back the slots of a run that ended unknown, once its target is in order.
func (e *Engine) freeHeld(t cluster.Target) {
	for _, res := range slices.Sorted(maps.Keys(e.st.held)) {
		h, ok := e.st.held[res]
		if !ok || h.target != t.String() || h.undo { // freed with another of its slots, or another's
			continue
		}
		e.record(TypeFreed, "episode/"+h.episode, ReleasedData{Episode: h.episode, Target: h.target})
		e.hurryQueued()
	}
}
