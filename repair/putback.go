package repair

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/cluster"
)

// openUndo opens a run that takes another one back, and starts it.
func (e *Engine) openUndo(plan Planned, t cluster.Target) string {
	plan.Run, plan.Target = e.newID(), t.String()
	p := e.playbook(plan.Playbook)
	plan.Digests.Inventory, plan.Digests.Version = e.entry(t), e.cfg.Version
	if p != nil {
		plan.Digests = e.digests(p, t)
	}
	e.record(TypePlanned, "run/"+plan.Run, plan)
	l := e.adopt(nil, e.st.runs[plan.Run], p, t)
	if l.unbound != nil {
		l.blocked(ReasonTarget, ReasonTarget, l.unbound.Error(), false)
		return plan.Run
	}
	l.take()
	l.observe(0)
	return plan.Run
}

// undoes tells a run that takes another one back, and owed one that no person asked
// for: it obeys the journal, its slots and its own look, and asks no guard (rule 24).
func (l *live) undoes() bool { return l.Undoes != "" }
func (l *live) owed() bool   { return l.Undoes != "" && l.Actor == "" }

// mayPutBack tells that a step may be put back as the target was seen just now, and
// otherwise ends the run, or looks at the target's health first.
func (l *live) mayPutBack(i int, seen Sighting) bool {
	u, ok := l.spec(i).Action.(Undoer)
	if !(ok && u.StillSet(seen.Observation)) && !mutant("undo without looking") {
		l.blocked(ReasonChanged, ReasonChanged,
			"neither as the run set it nor as it was before: somebody has changed it since, and nothing is put back: "+seen.Observation.Says+l.leftToo(i+1), false)
		return false
	}
	if !l.owed() || l.Steps[i].Undoes.Unhealthy {
		return true
	}
	if l.healthy && l.e.now-l.healthyAt <= l.set.ViewAge {
		return true
	}
	if l.stale++; l.stale > maxStale {
		l.blocked(ReasonObserve, ReasonObserve, fmt.Sprintf("%d looks at the target's health were older than %s when they came", l.stale, l.set.ViewAge), true)
		return false
	}
	l.lookAtHealth(i)
	return false
}

// leftToo names the steps from i on, which are left to people with the one before.
func (l *live) leftToo(i int) string {
	if i >= len(l.Steps) {
		return ""
	}
	names := make([]string, 0, len(l.Steps)-i)
	for _, s := range l.Steps[i:] {
		names = append(names, s.Name)
	}
	return "; not done either, and for people to do: " + strings.Join(names, ", ")
}

// lookAtHealth looks whether the target is in order before step i returns it to service.
func (l *live) lookAtHealth(i int) {
	o := l.e.st.owed[l.Undoes]
	if o == nil {
		l.blocked(ReasonUnhealthy, ReasonUnhealthy, "nothing is owed of run "+l.Undoes+" any more", true)
		return
	}
	asked := l.e.now
	l.due = -1
	l.e.healthOf(o, l.target, func(why string) {
		if l.Finished != nil {
			return
		}
		if why != "" {
			l.blocked(ReasonUnhealthy, ReasonUnhealthy, why, true)
			return
		}
		l.healthy, l.healthyAt = true, asked
		l.observe(i)
	})
}

// putBack ends a run whose steps are all taken back. It does not settle: who sets it
// again has a reason to.
func (l *live) putBack() {
	f := FinishedData{Outcome: Repaired, Says: "put back"}
	for i, s := range l.Steps {
		if tr := l.Trail[i]; tr.Says != "" {
			f.Says = fmt.Sprintf("put back: %s: %s", s.Name, tr.Says)
		}
	}
	l.finish(f)
}
