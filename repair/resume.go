package repair

import (
	"fmt"

	"github.com/fettle-io/fettle/cluster"
)

// start resumes what the journal says was live, and asks what is open (rule 11).
func (e *Engine) start() {
	var rest []*live
	for _, r := range e.st.runsInOrder() {
		ep := e.st.episodes[r.Planned.Episode]
		l := e.resume(ep, r)
		if l == nil {
			continue
		}
		if r.Intent == nil {
			rest = append(rest, l)
			continue
		}
		for _, res := range r.Resources { // what may be in flight holds its slots, whatever else
			e.slots[res] = r.Planned.Run
		}
		l.holds, l.applied, l.orphan = true, false, true
		l.begun, l.deadline = e.now, e.now+l.stepDeadline(r.Intent.Step, cluster.Service{})
		l.sample()
	}
	for _, l := range rest {
		switch {
		case l.cut():
		case l.changed:
			l.endChanged()
		case l.Target == "":
			l.blocked(ReasonTarget, ReasonTarget, "its labels name nothing in the inventory", false)
		case l.Verified:
			l.settle()
		default:
			l.take()
			i := min(l.Next, len(l.Steps)-1) // the last may have been a noop
			l.deadline = e.now + l.stepDeadline(i, cluster.Service{})
			l.observe(i)
		}
	}
	for _, ep := range e.st.openEpisodes() {
		if e.cfg.Alertmanagers && e.wasSilenced(ep) { // until a poll says otherwise
			e.silent[ep.Fingerprint] = true
		}
		e.enrol(ep, e.now)
	}
	e.oweAll()
	e.startTelling()
	// What a message left out before the end, or what came while nobody was there to
	// take it, is with the Alertmanagers.
	e.fetch = e.cfg.Alertmanagers
	e.reappearing()
	e.pollNow()
}

// wasSilenced tells that the last answer may have been that the alert is silenced: one
// that was a record within the hour is only counted.
func (e *Engine) wasSilenced(ep *Episode) bool {
	const guard, reason = "on-purpose", "silenced"
	at, asked := ep.askedFor(guard, reason)
	return asked && (e.now-at < e.settingsOf(ep).ReasonsRecord || ep.Last != nil && ep.Last.Guard == guard && ep.Last.Reason == reason)
}

// cut ends a run whose last records were lost: its step had its result, and what
// followed from that was not on disk yet.
func (l *live) cut() bool {
	last := len(l.Trail) - 1
	for i, tr := range l.Trail {
		switch {
		case tr.State == string(StepUnknown):
			l.finish(FinishedData{Outcome: Unknown, Reason: "unknown", Detail: tr.Says})
			return true
		case tr.State == string(StepFailed) && l.spent(i):
			l.finish(FinishedData{Outcome: Failed, Reason: "no effect", Detail: tr.Says})
			return true
		case tr.State == string(StepStarted):
			l.blockedByQuorum(tr.Says)
			return true
		case i == last && tr.State == string(StepVerified) && l.Next == 0 && l.spent(i): // nothing was begun since
			l.finish(FinishedData{Outcome: Failed, Reason: "relapse", Detail: "out of order again while it settled"})
			return true
		}
	}
	return false
}

func (e *Engine) resume(ep *Episode, r *Run) *live {
	p := e.playbook(r.Playbook)
	var t cluster.Target
	var err error
	var changed bool
	switch {
	case r.Undoes != "": // all that it wants of the playbook stands in its plan
		ep = nil
		t, err = e.byName(r.Target)
		changed = err != nil || r.Actor != "" && p == nil || e.entry(t) != r.Digests.Inventory
	case ep == nil && p != nil: // a person has closed its episode: the plan has what the labels said
		t, err = e.byName(r.Target)
		changed = err != nil || e.digests(p, t) != r.Digests
	case p != nil:
		ep.found = e.foundBy(p, ep.Labels(), r.Target)
		t, _, err = p.resolve(e.cfg.Inventory, ep.Labels(), ep.found)
		changed = err != nil && r.Target != "" || e.digests(p, t) != r.Digests && r.Target != ""
	default:
		changed = true
	}
	if changed && r.Intent != nil {
		if t, err = e.byName(r.Target); err != nil {
			l := e.adopt(ep, r, p, t)
			l.unknown("after a restart its target is no longer in the inventory: it cannot be told whether the intent had its effect")
			return nil
		}
	}
	l := e.adopt(ep, r, p, t)
	if l.unbound != nil && r.Intent != nil {
		l.unknown("it cannot be told whether the intent had its effect: " + l.unbound.Error())
		return nil
	}
	changed = changed || l.unbound != nil
	l.resumed, l.changed, l.touched = r.Intents > 0, changed, e.now
	if r.Intent != nil {
		r.Intent.Target = t
	}
	return l
}

func (e *Engine) digests(p *Playbook, t cluster.Target) Digests {
	return Digests{Playbook: p.Digest, Inventory: e.entry(t), Version: e.cfg.Version}
}

// entry is the digest of the target's cluster in the running inventory.
func (e *Engine) entry(t cluster.Target) string {
	inventory, ok := e.digest[t.Cluster.Name]
	if !ok {
		inventory = t.Cluster.Digest()
		e.digest[t.Cluster.Name] = inventory
	}
	return inventory
}

// byName finds "cluster/member" in the running inventory.
func (e *Engine) byName(name string) (cluster.Target, error) {
	for _, c := range e.cfg.Inventory.Clusters {
		for _, m := range c.Members {
			if t := (cluster.Target{Cluster: c, Member: m}); t.String() == name {
				return t, nil
			}
		}
	}
	return cluster.Target{}, fmt.Errorf("%w: %s", ErrUnresolved, name)
}
