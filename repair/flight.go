package repair

import (
	"errors"

	"github.com/fettle-io/fettle/cluster"
)

func (e *Engine) onApplied(ev Applied) {
	l := e.live[ev.Run]
	if l == nil || l.Intent == nil || l.Intent.ID != ev.Intent {
		return
	}
	if l.applied, l.touched, l.answeredAt = true, e.now, e.now; !l.orphan {
		e.note(Note{Stage: "act", Took: e.now - l.begun})
	}
	if ev.Err != nil {
		d := l.step(l.Intent.Step, "")
		d.Intent, d.Error, d.Output = ev.Intent, ev.Err.Error(), ev.Output
		e.record(TypeAnswered, "run/"+ev.Run, d)
		if errors.Is(ev.Err, ErrNotBegun) {
			l.failed(reasonNotBegun, ev.Err.Error(), nil)
			return
		}
	}
	if !l.sampling {
		l.sample()
	}
}

// sample looks until the open intent is done, or its deadline tells otherwise. A look
// that began before Apply had answered says nothing of the time after it.
func (l *live) sample() {
	l.due, l.sampling = -1, true
	asked, answered := l.e.now, l.answered()
	again := func() {
		l.after(max(0, asked+l.set.Sample-l.e.now), l.sample)
	}
	open := l.Intent.Intent // a Watcher is asked for it
	open.Target = l.target
	l.e.lookWith(Look{Spec: l.spec(l.Intent.Step), Target: l.target, Intent: &open}, func(ev Looked) {
		l.sampling = false
		if l.Finished != nil || l.Intent == nil {
			return
		}
		l.e.checkDeadline(l.ep)
		late := l.e.now >= l.deadline
		if ev.Err != nil {
			if late && answered {
				l.unknown("cannot be observed at its deadline: " + ev.Err.Error())
				return
			}
			again()
			return
		}
		l.output = ev.Output
		l.sampled(ev.Seen, answered, late, again)
	})
}

func (l *live) sampled(seen Sighting, answered, late bool, again func()) {
	action := l.spec(l.Intent.Step).Action
	service := serviceOf(seen, l.target)
	now := seen.Observation
	if action.Done(&l.Intent.Before, now) {
		if !answered { // somebody else may have brought it about, and ours is still to come
			again()
			return
		}
		if l.good++; l.good < 2 {
			again()
			return
		}
		l.stepVerified(now)
		return
	}
	l.good = 0
	if s, ok := action.(Starter); ok && answered && s.Started(&l.Intent.Before, now) {
		l.stepStarted(now)
		return
	}
	idle := answered && !busy(service)
	switch {
	case l.once() && idle && (l.orphan || late || service.State == cluster.ServiceDead):
		l.unknown("a step that must not be done twice, and it cannot be told whether it was: " + now.Says)
	case idle && service.State == cluster.ServiceDead:
		l.failed("no effect", "nothing is in flight and the process is gone: "+now.Says, &now)
	case late && idle && service.State == cluster.ServiceUnknown:
		l.unknown("at its deadline its service cannot be told: " + now.Says)
	case late && idle:
		l.failed("no effect", "not done at the step's deadline: "+now.Says, &now)
	default:
		again()
	}
}

// answered tells that Apply is over: it said so, or it was an earlier process's
// and can no longer begin. Until then it may still take effect, whatever is seen.
func (l *live) answered() bool {
	if l.orphan && !l.applied && !l.Intent.MayBegin(l.e.stamp.Now) {
		l.applied = true
	}
	return l.applied || mutant("an answer is not waited for")
}

// busy tells that the service manager is at something. Nothing is provably in flight
// when it is not, and Apply has answered or, after a crash, can no longer begin.
func busy(s cluster.Service) bool {
	return s.Busy || s.State == cluster.ServiceStarting || s.State == cluster.ServiceStopping || s.State == cluster.ServiceAutoRestart
}

func (l *live) once() bool {
	return l.Intent.Step < len(l.Steps) && l.Steps[l.Intent.Step].Once && !mutant("once is not once")
}

// spent tells that no further attempt is left after one at step i.
func (l *live) spent(i int) bool {
	attempts := l.set.StepAttempts
	if s := l.written(i); s.Attempts > 0 {
		attempts = s.Attempts
	}
	return l.Attempt > attempts
}

func (l *live) step(i int, says string) StepData {
	return StepData{
		Run: l.Planned.Run, Episode: l.Planned.Episode, Step: i, Attempt: l.Attempt,
		Name: l.Steps[i].Name, Action: l.Steps[i].Action, Target: l.Target, Says: says,
	}
}

func (l *live) result(r StepResult, reason, says string, after *Observation) {
	d := l.step(l.Intent.Step, says)
	d.Intent, d.Result, d.Reason, d.After = l.Intent.ID, r, reason, after
	if r == StepFailed || r == StepUnknown {
		d.Output = l.output
	}
	l.output = nil
	l.e.record(TypeStep, "run/"+l.Planned.Run, d)
}

func (l *live) stepVerified(now Observation) {
	l.result(StepVerified, "", now.Says, &now)
	if !l.applied || l.orphan { // when it was over is not known
		l.touched = l.e.now
	}
	l.verified, l.span.verified = l.e.now, l.e.stamp.Now.Wall
	if !l.orphan { // of an earlier process's intent it is not known when it was answered
		l.e.note(Note{Stage: "verify", Took: l.e.now - l.answeredAt})
	}
	switch {
	case l.changed:
		l.endChanged()
	case l.Verified:
		l.settle()
	default:
		l.observe(l.Next)
	}
}

func (l *live) stepStarted(now Observation) {
	l.result(StepStarted, ReasonQuorum, now.Says, &now)
	l.blockedByQuorum(now.Says)
}

func (l *live) blockedByQuorum(says string) {
	l.blocked("quorum", ReasonQuorum, "started; without a quorum it can be verified only when a leader is seen: "+says, true)
}

// failed ends the attempt; the next one asks the guards again.
func (l *live) failed(reason, detail string, now *Observation) {
	step := l.Intent.Step
	l.result(StepFailed, reason, detail, now)
	switch {
	case l.changed:
		l.endChanged()
	case l.spent(step):
		l.finish(FinishedData{Outcome: Failed, Reason: reason, Detail: detail})
	default:
		l.fresh = false
		l.observe(l.Next)
	}
}

func (l *live) unknown(detail string) {
	l.result(StepUnknown, "", detail, nil)
	l.finish(FinishedData{Outcome: Unknown, Reason: "unknown", Detail: detail})
}

func (l *live) endChanged() {
	l.blocked(ReasonChanged, ReasonChanged, "its playbook, its inventory entry or fettle's version changed since it was planned", true)
}

// serviceOf is the service manager's word on the target.
func serviceOf(seen Sighting, t cluster.Target) cluster.Service {
	s, ok := seen.Facts.Sight(t.Member.Name)
	if !ok {
		return cluster.Service{State: cluster.ServiceUnknown}
	}
	return s.Service
}
