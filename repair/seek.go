package repair

import (
	"errors"
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

// seek has a cluster looked at for an episode whose alert names no member of it: one look
// serves all such episodes of a playbook. It tells whether err is of that sort.
func (e *Engine) seek(ep *Episode, p *Playbook, err error) bool {
	var un *UnnamedError
	if !errors.As(err, &un) {
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
	a.spec, a.target = spec, cluster.Target{Cluster: un.Cluster, Member: un.Cluster.Members[a.through]}
	a.episodes = append(a.episodes, ep)
	ep.ask, ep.aim = a, nil
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
		if found, err = meantIn(a.target.Cluster, ev.Seen.Facts.View); err != nil {
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
	ep.found, ep.doubt, ep.ask, ep.aim = member, false, nil, nil
	ep.quiet.inOrder = -1
	e.enrol(ep, e.now)
}

// another tells that what an alert means that names no member is by now another one: the
// one that it was is in order. An alert that is over means nobody else.
func (e *Engine) another(ep *Episode, c cluster.Cluster, seen Sighting) bool {
	if ep.found == "" || ep.Run != "" || ep.over() && !mutant("an alert that is over means another") {
		return false
	}
	member, err := meantIn(c, seen.Facts.View)
	if err != nil || member == ep.found {
		return false
	}
	e.meant(ep, member)
	return true
}

// doubted tells that an episode gets no answer by this look, which shows its target out
// of order: its alert names no member, the one that it meant was in order since or was
// found by an earlier process, and now it is not the only one that is down.
func (e *Engine) doubted(ep *Episode, c cluster.Cluster, seen Sighting) bool {
	if !ep.doubt || ep.Run != "" || mutant("who was meant is meant for ever") {
		return false
	}
	v := Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Passing: true}
	member, err := meantIn(c, seen.Facts.View)
	switch {
	case errors.Is(err, errAllAnswer): // it answers, and is not in order: the guards know more of that
		return false
	case err != nil:
		v.Detail = err.Error()
		e.unmet(ep, &v)
		return true
	case member != ep.found && !ep.over():
		e.meant(ep, member)
		return true
	}
	ep.doubt = member != ep.found
	return false
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
