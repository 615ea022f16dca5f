package sim

import (
	"time"

	"github.com/fettle-io/fettle/repair"
)

// approvers look at what waits for them, now and then: they approve it, some of them
// twice, or what they saw a while ago; in the calm they approve all of it.
func (w *world) approvers() {
	p := w.fettle
	if p.up && p.engine != nil && !p.writing {
		for _, ep := range p.engine.State().Episodes() {
			if ep.CloseReason != "" {
				continue
			}
			waits, ok := p.engine.Waiting(ep.ID)
			if !ok || !w.watch.calm && w.dice.chance(0.3) {
				continue
			}
			actors := []string{pick(w.dice, "alice", "bob"), "carol"}
			if w.dice.chance(0.5) && !w.watch.calm {
				actors[1] = actors[0]
			}
			premise := waits.Premise.Digest
			if !w.watch.calm && w.dice.chance(0.06) { // given in one boot, and used in no other
				w.in(w.dice.span(time.Second, time.Minute), func() { w.reboot(w.home()) })
			}
			for _, actor := range actors {
				w.in(w.dice.mostly(time.Second, time.Minute, 0.1), func() {
					w.say(actor, "approves %s", tail(ep.ID))
					p.post(repair.GiveApproval{Episode: ep.ID, Premise: premise, Actor: actor}, nil)
				})
			}
		}
	}
	w.in(w.dice.span(10*time.Second, 2*time.Minute), w.approvers)
}

// acknowledgeSome is a person who knows what was told, of some episodes or of all.
func (w *world) acknowledgeSome() {
	p := w.fettle
	if p.engine == nil {
		return
	}
	all := w.dice.chance(0.5)
	for _, ep := range p.engine.State().Episodes() {
		if reasons, _ := p.engine.Tells(ep.ID); ep.CloseReason == "" && len(reasons) > 0 && (all || w.dice.chance(0.3)) {
			w.say("person", "acknowledges %s: %v", tail(ep.ID), reasons)
			p.post(repair.Acknowledge{Episode: ep.ID, Actor: "person"}, nil)
		}
	}
}
