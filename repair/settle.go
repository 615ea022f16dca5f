package repair

import "time"

// settleSample is the time between two looks while a run settles.
const settleSample = time.Second

// settle watches that it stays in order. The slots are given back: nothing is in flight.
func (l *live) settle() {
	l.give()
	if l.undoes() {
		l.putBack()
		return
	}
	l.bad = 0
	if l.verified == 0 {
		l.verified = l.e.now
	}
	l.settled = l.e.now + l.set.Settle
	if mutant("verified is repaired") {
		l.settled = l.e.now
	}
	l.after(min(settleSample, l.set.Settle), l.watch)
}

func (l *live) watch() {
	l.due = -1
	last := l.spec(len(l.Steps) - 1)
	if l.Verify != "" && l.e.now >= l.settled {
		l.e.lookAndVerify(last, l.target, l.verification(), l.watched)
		return
	}
	l.e.look(last, l.target, l.watched)
}

func (l *live) watched(ev Looked) {
	if l.Finished != nil {
		return
	}
	late := l.e.now > l.settled+l.set.Deadline
	switch {
	case ev.Err != nil && late:
		l.finish(FinishedData{Outcome: Failed, Reason: ReasonObserve, Detail: "could not be observed while it settled: " + ev.Err.Error()})
		return
	case ev.Err != nil:
	case l.goal(ev.Seen.Observation), mutant("settled is in order"):
		l.bad = 0
		if l.e.now >= l.settled && l.stands(ev, late) {
			return
		}
	default:
		l.bad++
		if l.bad >= 2 || serviceOf(ev.Seen, l.target).Gone() {
			l.relapse(ev.Seen.Observation)
			return
		}
	}
	l.after(settleSample, l.watch)
}

// stands ends a run that has settled, once Prometheus says so too where the
// playbook asks it. At the deadline it is failed and no relapse: every step is in
// order, so a further attempt would change nothing.
func (l *live) stands(ev Looked, late bool) (ended bool) {
	says := ev.Seen.Observation.Says
	switch {
	case l.Verify == "":
		l.finish(FinishedData{Outcome: Repaired, Says: says})
	case ev.Verified.shown():
		l.finish(FinishedData{Outcome: Repaired, Says: says + "; " + ev.Verified.says()})
	case ev.Verified == nil: // this look began before it had settled
		return false
	case late:
		l.finish(FinishedData{Outcome: Failed, Reason: ReasonVerify, Detail: notShown(l.Verify, ev.Verified).Detail, Says: says})
	default:
		l.e.checkDeadline(l.ep)
		return false
	}
	return true
}

// relapse is out of order again before the settle time was over: the next attempt.
func (l *live) relapse(now Observation) {
	l.e.record(TypeRelapsed, "run/"+l.Planned.Run, RelapsedData{Run: l.Planned.Run, Episode: l.Planned.Episode, Attempt: l.Attempt, Says: now.Says})
	l.verified, l.eager, l.good = 0, 0, 0
	if l.spent(len(l.Steps) - 1) {
		l.finish(FinishedData{Outcome: Failed, Reason: "relapse", Detail: "out of order again while it settled: " + now.Says})
		return
	}
	l.take()
	l.observe(l.Next)
}
