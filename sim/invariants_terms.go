package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// inWindow: where windows are for a change, one of them is open when the intent gets its
// place in the journal (the guard window).
func (v *watcher) inWindow(in repair.IntentData, u *unit, run *runSeen, stamp repair.Stamp) {
	does := v.does(run, in)
	held := false
	for _, one := range v.inForce.windows {
		if !forIt(one, run.plan.Playbook, u.target.Cluster.Name, run.plan.Tier, does) {
			continue
		}
		if openAt(one, stamp.Now.Wall) {
			return
		}
		held = true
	}
	if held {
		v.report(ruleWindow, "an intent to %s %s at %s, outside its windows", in.Action, in.TargetName, stamp.Now.Wall.Format("15:04:05"))
	}
}

// does is what the step of an intent does to its target's service.
func (v *watcher) does(run *runSeen, in repair.IntentData) repair.Does {
	if in.Action == repair.ActionExec && in.Step < len(run.plan.Steps) {
		return deedOf(run.plan.Steps[in.Step]).does()
	}
	return v.w.kit.actions[in.Action].Does
}

// seenFor is how long something must have been down for every look that is fresh
// enough to show it: the age that a view may have, and how long one takes.
const seenFor = 12 * time.Second

// radiusKept: fettle takes nothing away while more of a limit's targets than are allowed
// would be down by it: those that it has taken away itself and that have not come back
// since, and those that have been down for so long that its looks show it (the guard
// blast-radius, rule 8).
func (v *watcher) radiusKept(in repair.IntentData, u *unit, run *runSeen, look *looking) {
	gone := u.hung || look.service.Gone() || u.pid == 0
	if v.does(run, in) != repair.Takes || gone {
		return
	}
	for _, l := range v.inForce.limits {
		if !slices.Contains(l.Members, in.TargetName) {
			continue
		}
		down := []string{in.TargetName}
		for _, m := range l.Members {
			o := v.w.named[m]
			if o != u && (o.byFettle || v.beingTaken(m) || !o.available() && v.w.now-o.lastAvailable > seenFor) {
				down = append(down, m)
			}
		}
		if len(down) > l.AtMost {
			v.report(ruleRadius, "an intent to %s %s, with which %s are down: %d of %s may be", in.Action, in.TargetName, strings.Join(down, ", "), l.AtMost, l.Name)
		}
	}
}

// beingTaken tells that an intent is open which takes a target away.
func (v *watcher) beingTaken(target string) bool {
	for _, id := range v.ledger.order {
		r := v.ledger.runs[id]
		if r.current != nil && r.plan.Target == target && v.does(r, *r.current) == repair.Takes {
			return true
		}
	}
	return false
}

// available tells that fettle's own look shows that it does its work.
func (u *unit) available() bool {
	if !u.w.reaches(u) {
		return false
	}
	if u.ring != nil {
		leader, _ := u.names()
		return leader != ""
	}
	return u.state == cluster.ServiceRunning
}

// radiusHolds tells that what else does not answer is all that a limit allows: what runs
// and does not answer is then left to people (the guard blast-radius).
func (w *world) radiusHolds(u *unit) bool {
	if u.pid == 0 || u.ring != nil {
		return false
	}
	for _, l := range w.terms.limits {
		others := 0
		for _, m := range l.Members {
			if o := w.named[m]; o != u && !o.available() {
				others++
			}
		}
		if slices.Contains(l.Members, u.name()) && others >= l.AtMost {
			return true
		}
	}
	return false
}
