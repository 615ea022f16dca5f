package repair

import (
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// ErrNotBegun is what an executor answers when an intent came after its NotAfter:
// nothing was begun, and nothing will be.
var ErrNotBegun = errors.New("not begun: the intent came too late")

// reasonNotBegun is that of the attempt which failed for it.
const reasonNotBegun = "not begun"

// consider goes through the steps with what was seen just now: in order already,
// refused, or to be done. It is the heart of the engine, and the only way to an
// intent.
func (l *live) consider(seen Sighting) {
	e := l.e
	if !l.goalAsked && !l.resumed && !l.undoes() {
		if l.spec(len(l.Steps)-1).Sees != seen.Observation.Schema {
			l.observe(len(l.Steps) - 1)
			return
		}
		if l.Verify != "" && l.goal(seen.Observation) {
			l.verifyGoal(true)
			return
		}
		l.goalAsked = true
		if l.goal(seen.Observation) {
			l.finish(FinishedData{Outcome: Noop, Says: seen.Observation.Says})
			return
		}
	}
	i := l.Next
	for ; i < len(l.Steps); i++ {
		if l.spec(i).Sees != seen.Observation.Schema {
			l.observe(i)
			return
		}
		if !l.spec(i).Action.Done(nil, seen.Observation) {
			break
		}
		e.record(TypeNoop, "run/"+l.Planned.Run, l.step(i, seen.Observation.Says))
	}
	if i == len(l.Steps) {
		l.allInOrder(seen)
		return
	}
	service := serviceOf(seen, l.target)
	if l.Intents > 0 && e.now < l.deadline && comingUp(service) && !e.described(l.Steps[i]) { // what we ended is being started by its own manager
		e.checkDeadline(l.ep)
		l.after(l.set.Sample, func() { l.observe(i) })
		return
	}
	if service.State == cluster.ServiceAutoRestart && !l.undoes() {
		l.blocked(ReasonAutoRestart, ReasonAutoRestart, "the service manager is about to start it itself: "+seen.Observation.Says, true)
		return
	}
	if l.doneOnce(i) {
		l.finish(FinishedData{Outcome: Unknown, Reason: "unknown", Detail: "out of order again, and its step must not be done twice: " + seen.Observation.Says})
		return
	}
	who := &asker{ep: l.ep, steps: l.Steps, step: i}
	var verdicts []Verdict
	var refusal *Verdict
	if !l.owed() {
		verdicts, refusal = e.judge(Question{
			Playbook: l.playbook, Step: l.Steps[i], Spec: l.spec(i), Target: l.target, Seen: seen, Run: l.Planned.Run, Actor: l.Actor, who: who,
			Silenced: l.ep != nil && e.silent[l.ep.Fingerprint], Further: l.resumed || l.Attempt > 1 || l.Intents > 0,
		})
	}
	l.leave = who.used
	held := e.heldStill()
	if l.owed() {
		held = e.owedHeldStill()
	}
	switch {
	case held != nil:
		l.blocked(held.Guard, held.Reason, held.Detail, held.Passing)
	case e.unseenFleet(refusal):
		e.survey(func() {
			if l.Finished == nil {
				l.consider(seen)
			}
		})
	case refusal != nil && refusal.Observed, refusal != nil && !refusal.Passing:
		l.refused(*refusal, verdicts, i, seen)
	case !l.take():
		holder, _ := e.SlotHolder(l.Resources, l.Planned.Run)
		l.refused(Verdict{Guard: ReasonConcurrency, Reason: ReasonConcurrency, Detail: "slots are taken by " + holder, Passing: true}, verdicts, i, seen)
	case !l.fresh: // seen before the slots were held: look again
		l.observe(i)
	case refusal != nil:
		l.refused(*refusal, verdicts, i, seen)
	case l.tooEager(seen, service):
		l.after(l.set.EagerGap, func() { l.observe(i) })
	case e.tooOld(seen, l.set):
		if l.stale++; l.stale > maxStale {
			l.blocked(ReasonObserve, ReasonObserve, fmt.Sprintf("%d looks in a row were older than %s when they came", l.stale, l.set.ViewAge), true)
			return
		}
		l.observe(i)
	case l.unsureOf() != nil:
		l.refused(*l.unsureOf(), verdicts, i, seen)
	case l.undoes() && !l.mayPutBack(i, seen):
	default:
		l.intend(i, seen, service)
	}
}

// doneOnce tells that step i must not be done twice, and was begun in this run: what
// failed was not, another result of such a step ends its run.
func (l *live) doneOnce(i int) bool {
	return l.Steps[i].Once && l.Trail[i].Attempts > 0 && l.Trail[i].State != string(StepFailed) && !mutant("once is not once")
}

// comingUp tells that there is a process, or will be without us.
func comingUp(s cluster.Service) bool {
	return s.State == cluster.ServiceAutoRestart || s.State == cluster.ServiceStarting || s.State == cluster.ServiceRunning
}

// maxStale is how many looks may come too old before the run gives up.
const maxStale = 3

// tooOld tells that the View was asked for too long ago to decide on, or in another boot.
func (e *Engine) tooOld(seen Sighting, set Settings) bool {
	now := e.stamp.Now
	return (seen.Asked.Boot != now.Boot || now.Since-seen.Asked.Since > set.ViewAge) && !mutant("old views do")
}

// tooEager counts the looks that say "not in order" (rule 9). The service
// manager's own word that the process is gone needs no second look, and a hung
// process has been watched for 6 s in one look.
func (l *live) tooEager(seen Sighting, service cluster.Service) bool {
	l.eager++
	if s, ok := seen.Facts.Sight(l.target.Member.Name); ok && s.Hung || mutant("one look does") {
		return false
	}
	return service.State != cluster.ServiceDead && l.eager < l.set.EagerLooks
}

// allInOrder is where every step turned out to be in order.
func (l *live) allInOrder(seen Sighting) {
	if l.Intents > 0 {
		l.settle()
		return
	}
	if l.Verify != "" {
		l.verifyGoal(false)
		return
	}
	l.finish(FinishedData{Outcome: Noop, Reason: "recovered_by_itself", Says: seen.Observation.Says})
}

// judge asks every guard, and adds what all of them may want to know; the refusal is the first in the table's
// order, except that one which waits for a person goes before one that passes:
// people learn of it even while something else holds.
func (e *Engine) judge(q Question) ([]Verdict, *Verdict) {
	q.Settings, q.Autonomy = e.settings(q.Playbook, q.Target.Cluster.Name), e.autonomy(q.Playbook, q.Target)
	q.Counted, q.State, q.Brake = q.Step.counted(), e, e.stamp.Brake
	q.Wall, q.Takes = e.stamp.Now.Wall, e.takes(q.Spec, q.Target)
	q.Fleet = e.freshFleet(q.Settings)
	verdicts := make([]Verdict, 0, len(e.cfg.Guards))
	for _, g := range e.cfg.Guards {
		if mutant(g.Name) {
			continue
		}
		v := g.Ask(q)
		v.Guard = g.Name
		verdicts = append(verdicts, v)
	}
	e.approved(verdicts, q)
	askedFor(verdicts, q)
	return verdicts, refusalIn(verdicts)
}

// refusalIn is the one that counts; nil: every guard says go.
func refusalIn(verdicts []Verdict) *Verdict {
	for _, want := range []func(Verdict) bool{
		func(v Verdict) bool { return v.Observed },
		func(v Verdict) bool { return !v.Passing },
		func(Verdict) bool { return true },
	} {
		for i := range verdicts {
			if !verdicts[i].OK && want(verdicts[i]) {
				return &verdicts[i]
			}
		}
	}
	return nil
}

// refused ends the run with a guard's refusal, and with what every guard said.
func (l *live) refused(v Verdict, verdicts []Verdict, i int, seen Sighting) {
	e := l.e
	f := FinishedData{
		Outcome: Blocked, Guard: v.Guard, Reason: v.Reason, Detail: v.Detail, Passing: v.Passing,
		Says: seen.Observation.Says, Verdicts: verdicts,
	}
	for _, w := range verdicts {
		if w.Guard == "attempts" && !w.OK {
			f.Circuit = l.Steps[i].counted() + "|" + l.Target
		}
	}
	if v.Observed {
		f.Outcome = ObservedOnly
	}
	if approvable(v) && l.ep != nil {
		l.ep.quiet.waits = &waits{basis{l.playbook, l.target, l.Steps, i, seen}, verdicts}
		p := e.premise(l.ep.quiet.waits.basis, asksApproval(verdicts))
		f.Premise = &p
		l.ep.quiet.shown = remember(l.ep.quiet.shown, p)
	}
	for _, s := range l.Steps[i:] {
		f.Would = append(f.Would, s.Action)
	}
	e.note(Note{Refused: &v})
	l.finish(f)
	l.e.again(l.ep, &v)
}

// intend writes the intent; Apply begins when it is on disk.
func (l *live) intend(i int, seen Sighting, service cluster.Service) {
	e, step := l.e, l.Steps[i]
	in := Intent{
		ID: e.newID(), Run: l.Planned.Run, Episode: l.Planned.Episode, Step: i, Attempt: l.Attempt,
		Action: step.Action, Target: l.target, With: step.With, Before: seen.Observation,
		NotAfterBoot: seen.Asked.Boot, NotAfterSince: seen.Asked.Since + l.set.NotAfter,
	}
	first := l.Intents == 0
	e.record(TypeIntent, "run/"+in.Run, IntentData{Intent: in, TargetName: l.Target, Says: seen.Observation.Says, Approval: l.leave})
	if first && l.ep != nil {
		e.note(Note{Stage: "decide", Took: e.now - l.Opened})
		if len(l.ep.Runs) == 1 && len(l.ep.asked) == 0 { // nothing was refused before
			e.note(Note{Stage: "respond", Took: e.now - l.ep.Opened})
		}
	}
	limit := l.stepDeadline(i, service)
	if first {
		l.span.began = e.stamp.Now.Wall
	}
	l.touched = e.now
	l.begun, l.deadline, l.applied, l.orphan, l.good, l.eager, l.stale = e.now, e.now+limit, false, false, 0, 0, 0
	e.effect(Apply{Intent: in, Spec: l.spec(i), Timeout: limit})
	l.after(l.set.Sample, l.sample) // also where Apply never answers
}

// written is step i as the playbook has it; nothing where the playbook is gone, or the
// run takes another one back.
func (l *live) written(i int) Step {
	if l.playbook == nil || l.undoes() || i >= len(l.playbook.Steps) {
		return Step{}
	}
	return l.playbook.Steps[i]
}

// stepDeadline is rule 10's: the step's or the tier's, for a unit at least what
// its manager may take.
func (l *live) stepDeadline(i int, service cluster.Service) time.Duration {
	limit := l.set.Deadline
	if s := l.written(i); s.Deadline > 0 {
		limit = s.Deadline
	}
	if service.Wait > 0 {
		limit = max(limit, service.Wait+10*time.Second)
	}
	return limit
}
