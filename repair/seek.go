package repair

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

// seek has a cluster looked at for an episode whose alert names no member of it: one look
// serves all such episodes of a playbook. It tells whether err is of that sort. One
// that has meant a member of another cluster means none of this one.
func (e *Engine) seek(ep *Episode, p *Playbook, err error) bool {
	var un *UnnamedError
	if !errors.As(err, &un) || ep.sought != "" && clusterOf(ep.sought) != un.Cluster.Name {
		return false
	}
	spec, ok := p.seeking(e.cfg.Actions)
	if !ok || len(un.Cluster.Members) == 0 {
		return false
	}
	key := un.Cluster.Name + "|unnamed|" + p.Name
	a := e.asks[key]
	if a == nil {
		a = &ask{e: e, key: key, due: -1, seeks: true}
		e.asks[key] = a
	}
	a.spec, a.target = spec, &cluster.Target{Cluster: un.Cluster, Member: un.Cluster.Members[a.through]}
	a.add(ep)
	ep.aim = nil
	return true
}

// sought has the episodes go on with the member that is down, if it is one.
func (a *ask) sought(ev Looked) {
	e := a.e
	found, v := "", Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Passing: true}
	switch {
	case ev.Err != nil: // another member may be reached where this one is not
		v = notSeen(ev.Err)
		members := a.target.Cluster.Members
		a.through = (a.through + 1) % len(members)
		a.target.Member = members[a.through]
	default:
		var err error
		if found, err = meantBy(a.target.Cluster, ev.Seen); err != nil {
			v.Detail = err.Error()
		}
	}
	for _, ep := range slices.Clone(a.episodes) {
		if ep.ask != a || ep.Run != "" || e.st.episodes[ep.ID] != ep {
			continue
		}
		if e.tryClose(ep); e.st.episodes[ep.ID] != ep {
			continue
		}
		if found != "" {
			e.meant(ep, found)
			continue
		}
		e.unmet(ep, &v)
	}
}

// meant has an episode go on with a member that its alert does not name.
func (e *Engine) meant(ep *Episode, member string) {
	if ep.ask != nil {
		ep.ask.moved = true
	}
	ep.found, ep.ask, ep.aim = member, nil, nil
	ep.quiet.inOrder, ep.quiet.unseen = -1, false // this look worked, whatever an earlier one at it did
	e.enrol(ep, e.now)
}

// another tells that what an alert means that names no member is by now another one: the
// one that it was is in order. An alert that is over means nobody else.
func (e *Engine) another(ep *Episode, c cluster.Cluster, seen Sighting) bool {
	if ep.found == "" || ep.Run != "" || ep.over() && !mutant("an alert that is over means another") {
		return false
	}
	member, err := meantBy(c, seen)
	if err != nil || member == ep.found {
		return false
	}
	e.meant(ep, member)
	return true
}

// noteDown learns of any look who of its cluster was down alone.
func (e *Engine) noteDown(ev Looked) {
	v := ev.Seen.Facts.View
	if ev.Err != nil || v == nil {
		return
	}
	for _, m := range v.Members {
		if m.Reachable && len(e.alone) > 0 {
			delete(e.alone, v.Cluster+"/"+m.Name)
		}
	}
	if member, err := meantIn(v); err == nil {
		e.alone[v.Cluster+"/"+member] = true
	}
}

// unsure tells that t, which no label of its alert names, may not be who is meant any more:
// it has answered since it was down alone, or an earlier process has seen that.
func (e *Engine) unsure(t cluster.Target) bool {
	return !e.alone[t.String()] && !mutant("who was meant is meant for ever")
}

// doubted tells that an episode gets no answer by this look, which shows its target t out
// of order: its alert names no member, and which one is meant has to be seen again.
func (e *Engine) doubted(ep *Episode, t cluster.Target, seen Sighting) bool {
	if ep.found == "" || ep.Run != "" {
		return false
	}
	if back := e.journaled(ep, t); back != "" {
		e.meant(ep, back)
		return true
	}
	if !e.unsure(t) {
		return false
	}
	member, err := meantBy(t.Cluster, seen)
	switch {
	case err == nil && member == ep.found:
		return false
	case err == nil && !ep.over():
		e.meant(ep, member)
		return true
	case err == nil:
		err = fmt.Errorf("the alert names no member of cluster %s, and is over: %s, which does not answer, is not who was meant", t.Cluster.Name, member)
	}
	e.unmet(ep, &Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Detail: err.Error(), Passing: true})
	return true
}

// journaled is the member that the journal says is meant, where an alert that is over has
// come to mean t since: no next process would know of t. Empty: it means t, or nobody
// else.
func (e *Engine) journaled(ep *Episode, t cluster.Target) string {
	p := e.playbook(ep.Playbook)
	if p == nil || !ep.over() || ep.sought == "" || ep.sought == t.String() || mutant("an alert that is over means another") {
		return ""
	}
	return e.foundBy(p, ep.Labels(), ep.sought)
}

// unsureOf is the refusal of a run's first intent where it is not sure any more who is
// meant; nil: it is, or a label says so.
func (l *live) unsureOf() *Verdict {
	if !l.Sought || l.Intents > 0 || l.undoes() || !l.e.unsure(l.target) {
		return nil
	}
	return &Verdict{
		Guard: ReasonTarget, Reason: ReasonTarget, Passing: true,
		Detail: fmt.Sprintf("the alert names no member, and %s is not the only one that does not answer any more", l.target),
	}
}

// unmet answers an episode whose alert names no member, and of which no one is meant.
func (e *Engine) unmet(ep *Episode, v *Verdict) {
	ep.quiet.said = &Refusal{v.Guard, v.Reason, v.Detail, v.Passing}
	e.checkDeadline(ep)
	if held := e.heldStill(); held != nil {
		e.note(Note{Refused: held})
		return
	}
	e.respondTo(ep, v, nil)
}

// foundBy is the member that a recorded run was about, where its alert names none.
func (e *Engine) foundBy(p *Playbook, labels map[string]string, target string) string {
	_, err := p.place(e.cfg.Inventory, labels, "")
	var un *UnnamedError
	if !errors.As(err, &un) {
		return ""
	}
	if t, err := e.byName(target); err == nil && t.Cluster.Name == un.Cluster.Name {
		return t.Member.Name
	}
	return ""
}
