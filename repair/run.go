package repair

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// ErrUnresolved means that an episode's labels name nothing that its playbook
// can be run on.
var ErrUnresolved = errors.New("target not resolved")

// live is what a live run knows beyond the fold: all of it can be lost, the run
// is resumed from its records.
type live struct {
	*Run
	e        *Engine
	ep       *Episode
	playbook *Playbook
	target   cluster.Target
	specs    []ActionSpec // of its steps
	unbound  error        // why there are none
	set      Settings

	leave *UsedApproval // what the guards went by when they were last asked; nil: none was needed
	holds bool
	due   time.Duration // when then is to be called; -1: an answer is waited for
	then  func()

	healthy   bool // the target was in order, when it was last looked at for an undo
	healthyAt time.Duration
	goalAsked bool
	resumed   bool // continued from records: cooldown is not asked, nor the goal
	changed   bool // its digests are no longer the running ones
	fresh     bool // the sighting was taken while the slots were held
	stale     int  // looks in a row that came too old
	eager     int  // looks that said "not in order"

	applied    bool      // Apply has answered, or can no longer begin
	orphan     bool      // the open intent is an earlier process's
	sampling   bool      // a sample is in flight
	output     *Evidence // of the open intent's program, which failed
	good       int       // samples in a row that say done
	bad        int       // samples in a row, while settling, that say not in order
	deadline   time.Duration
	begun      time.Duration // the intent
	answeredAt time.Duration // by Apply
	span       span
	touched    time.Duration // when the last Apply was over, as far as known: what Prometheus scraped before says nothing
	settled    time.Duration // until when it settles
	verified   time.Duration
}

func (l *live) dueAt() time.Duration { return l.due }

func (l *live) wake() {
	l.due = -1
	l.then()
}

// liveRuns are the live runs in a fixed order.
func (e *Engine) liveRuns() []*live {
	out := make([]*live, 0, len(e.live))
	for _, l := range e.live {
		out = append(out, l)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Opened < out[j].Opened || out[i].Opened == out[j].Opened && out[i].Planned.Run < out[j].Planned.Run
	})
	return out
}

// open opens a run for an episode that has none, and starts it with what was seen
// just before, if anything was.
func (e *Engine) open(ep *Episode, seen *Sighting) {
	l, ok := e.plan(ep, nil)
	switch {
	case !ok:
	case seen == nil:
		l.take()
		l.observe(0)
	default:
		l.fresh = l.take() && e.undisturbed(l.Resources, *seen)
		l.consider(*seen)
	}
}

// openRefused opens a run that ends with a refusal, where nothing was seen.
func (e *Engine) openRefused(ep *Episode, v *Verdict) {
	if l, ok := e.plan(ep, v); ok {
		l.blocked(v.Guard, v.Reason, v.Detail, v.Passing)
	}
}

// undisturbed tells that no run that may have changed one of the resources held it
// since the look was asked for: then what was seen is as good as seen with the slots.
func (e *Engine) undisturbed(resources []string, seen Sighting) bool {
	if seen.Asked.Boot != e.stamp.Now.Boot {
		return false
	}
	asked := e.now - (e.stamp.Now.Since - seen.Asked.Since)
	for _, res := range resources {
		if at, ok := e.freed[res]; ok && at >= asked {
			return false
		}
	}
	return true
}

// plan opens a run; ok is false where none can be, or where it has ended at once: with
// unmet, where its alert names no member.
func (e *Engine) plan(ep *Episode, unmet *Verdict) (_ *live, ok bool) {
	p := e.playbook(ep.Playbook)
	if p == nil || ep.Run != "" {
		return nil, false
	}
	plan := Planned{
		Run: e.newID(), Episode: ep.ID, Playbook: p.Name, Tier: p.Tier, Autonomy: Observe,
		Digests: Digests{Playbook: p.Digest, Version: e.cfg.Version},
	}
	a, err := e.place(p, ep)
	var t cluster.Target
	var unasked error
	if err == nil {
		t = a.target
		plan.Verify, unasked = p.verification(ep.Labels())
		plan.Target, plan.Sought = t.String(), ep.found != ""
		plan.Autonomy = e.autonomy(p, t)
		plan.Digests = e.digests(p, t)
		plan.Resources, plan.Steps = a.resources, a.steps
		if mutant("an undo is not planned") {
			plan.Steps = withoutUndo(plan.Steps)
		}
	}
	ep.quiet.holding, ep.quiet.said, ep.quiet.waits = nil, nil, nil
	e.record(TypePlanned, "run/"+plan.Run, plan)
	l := e.adopt(ep, e.st.runs[plan.Run], p, t)
	if err != nil {
		if unmet != nil && errors.As(err, new(*UnnamedError)) {
			l.blocked(unmet.Guard, unmet.Reason, unmet.Detail, unmet.Passing)
			return nil, false
		}
		l.blocked(ReasonTarget, ReasonTarget, err.Error(), false)
		return nil, false
	}
	if unasked != nil {
		l.blocked(ReasonVerify, ReasonVerify, unasked.Error(), true)
		return nil, false
	}
	return l, true
}

// adopt makes a run of the fold a live one.
func (e *Engine) adopt(ep *Episode, r *Run, p *Playbook, t cluster.Target) *live {
	if r == nil {
		return nil
	}
	l := &live{Run: r, e: e, ep: ep, playbook: p, target: t, due: -1, settled: -1}
	l.set = e.settingsFor(r.Playbook, r.Tier, t.Cluster.Name)
	l.specs, l.unbound = e.specsOf(r.Steps)
	e.live[r.Planned.Run] = l
	if e.onTarget[r.Target] == nil {
		e.onTarget[r.Target] = map[string]*live{}
	}
	e.onTarget[r.Target][r.Planned.Run] = l
	return l
}

func (e *Engine) autonomy(p *Playbook, t cluster.Target) Autonomy {
	a := e.cfg.Autonomy(p.Name, t.Cluster.Name, p.Tier)
	if p.Ceiling != "" {
		a = a.AtMost(p.Ceiling)
	}
	return a
}

// take takes all the run's slots, or none.
func (l *live) take() bool {
	if l.holds {
		return true
	}
	if _, taken := l.e.SlotHolder(l.Resources, l.Planned.Run); taken && !mutant("slots are free") {
		return false
	}
	for _, res := range l.Resources {
		l.e.slots[res] = l.Planned.Run
	}
	l.holds, l.fresh = true, false
	return true
}

// give gives the slots back, and asks those at once who wait for them.
func (l *live) give() {
	if !l.holds {
		return
	}
	l.holds = false
	l.e.left(l.mayTake())
	for _, res := range l.Resources {
		if l.e.slots[res] == l.Planned.Run {
			delete(l.e.slots, res)
		}
		if l.Intents > 0 {
			l.e.freed[res] = l.e.now
		}
	}
	l.e.hurryQueued()
}

// spec is the action of step i.
func (l *live) spec(i int) ActionSpec { return l.specs[i] }

// goal tells whether the target is in order: the last step's Done(nil, now).
func (l *live) goal(now Observation) bool {
	return l.spec(len(l.Steps)-1).Action.Done(nil, now)
}

// after waits before it goes on; an event that comes meanwhile is not waited for.
func (l *live) after(d time.Duration, then func()) {
	l.due, l.then = l.e.now+d, then
	l.e.timers.set(l)
}

// observe looks at step i's target and goes on with considering it.
func (l *live) observe(i int) {
	l.due = -1
	l.fresh = l.holds
	l.e.look(l.spec(i), l.target, func(ev Looked) {
		if l.Finished != nil {
			return
		}
		if ev.Err != nil {
			l.lookFailed(ev.Err)
			return
		}
		l.consider(ev.Seen)
	})
}

func (l *live) lookFailed(err error) {
	v := notSeen(err)
	l.blocked(v.Guard, v.Reason, v.Detail, v.Passing)
}

// notSeen is the refusal of a look that failed.
func notSeen(err error) Verdict {
	reason := ReasonObserve
	if errors.Is(err, ErrAgent) {
		reason = ReasonAgent
	}
	return Verdict{Guard: reason, Reason: reason, Detail: err.Error(), Passing: true}
}

// blocked ends the run with a refusal.
func (l *live) blocked(guard, reason, detail string, passing bool) {
	v := Verdict{Guard: guard, Reason: reason, Detail: detail, Passing: passing}
	l.e.note(Note{Refused: &v})
	l.finish(FinishedData{Outcome: Blocked, Guard: guard, Reason: reason, Detail: detail, Passing: passing})
}

// finish ends the run.
func (l *live) finish(f FinishedData) {
	f.Run, f.Episode, f.Playbook, f.Target = l.Planned.Run, l.Planned.Episode, l.Playbook, l.Target
	f.Mutated = l.Mutating > 0 && !l.owed() // what is owed ends no new repair
	e := l.e
	reason := tellsOf(f)
	news := reason != "" && l.ep != nil && !l.ep.tells(reason)
	switch { // said first: of the end alone no later start would know that it is still to be told
	case l.undoes():
		e.tellUndo(l, f)
	case f.Outcome == Unknown && e.st.episodes[f.Episode] == nil: // a person has closed it, and it holds slots
		e.tellRun(l.Planned, reason, f.Detail)
	}
	e.record(TypeFinished, "run/"+f.Run, f)
	delete(e.live, f.Run)
	if delete(e.onTarget[l.Target], f.Run); len(e.onTarget[l.Target]) == 0 {
		delete(e.onTarget, l.Target)
	}
	l.due = -1
	l.give()
	if f.Outcome == Repaired {
		e.note(Note{Stage: "settle", Took: e.now - l.verified})
		if l.ep != nil && !l.undoes() {
			e.note(Note{Restored: &Restored{Cluster: l.target.Cluster.Name, Tier: l.Tier, Took: l.verified - l.ep.Opened}})
			e.restored(l.ep, l.span)
		}
	}
	if l.undoes() {
		e.afterUndo(l, f)
		return
	}
	e.owe(f.Run)
	if e.st.episodes[f.Episode] == nil {
		return
	}
	if news {
		e.tell(l.ep, reason, f.Detail)
	}
	e.afterRun(l.ep, f)
}

// resolve finds an episode's target as the running configuration has it.
func (e *Engine) resolve(ep *Episode) (cluster.Target, *Playbook, error) {
	p := e.playbook(ep.Playbook)
	if p == nil {
		return cluster.Target{}, nil, fmt.Errorf("%w: playbook %s is not in the running configuration", ErrUnresolved, ep.Playbook)
	}
	if ep.ask != nil && !ep.ask.seeks {
		return *ep.ask.target, p, nil
	}
	t, _, err := p.resolve(e.cfg.Inventory, ep.Labels(), ep.found)
	return t, p, err
}

// TargetOf is "cluster/member" as the running configuration resolves an episode's
// labels; empty where they name nothing.
func (e *Engine) TargetOf(ep Episode) string {
	t, _, err := e.resolve(&ep)
	if err != nil {
		return ""
	}
	return t.String()
}

// RunningFor is the live run of another episode that an open one waits for: the same
// playbook on the same target. Empty: there is none.
func (e *Engine) RunningFor(ep Episode) string {
	if own := e.st.episodes[ep.ID]; own != nil && own.ask != nil && own.Run == "" {
		return own.ask.running(own.Playbook)
	}
	return ""
}

// Refusals is how often an open episode's last answer was given, the recorded one included.
func (e *Engine) Refusals(episode string) int {
	ep := e.st.episodes[episode]
	if ep == nil {
		return 0
	}
	if ep.Last == nil { // it was a record within the hour, and something else came between
		return int(ep.quiet.refused)
	}
	return 1 + int(ep.quiet.refused)
}
