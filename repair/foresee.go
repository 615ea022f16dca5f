package repair

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
)

// Foreseen is what an alert is asked about: what would happen if it came now. Looks are
// taken outside, and handed in; what is missing stands in Foresight.Wants.
type Foreseen struct {
	Labels map[string]string
	Stamp  Stamp
	// Seen are the looks taken so far, by ActionSpec.Sees.
	Seen map[string]Looked
	// Cluster is a look at the whole cluster, where the alert names no member of it; nil:
	// none was taken.
	Cluster *Looked
	// Fleet is a look at the whole inventory; nil: none was taken.
	Fleet *Fleet
	// Verified is what Prometheus said; nil: it was not asked.
	Verified *VerifyResult
}

// Foresight is what would happen, in the order in which a run would go.
type Foresight struct {
	// Playbook matches; nil: none does, and Misses says why.
	Playbook *Playbook
	Misses   []Miss
	// Own: it is one of fettle's own alerts, which are never matched.
	Own bool
	// Episode is the open one of this alert, and Run its live run; empty: none.
	Episode, Run string
	// Unresolved is why the labels name no target or no parameters; nil: they do.
	Unresolved error
	Target     cluster.Target
	Autonomy   Autonomy
	Resources  []string
	Verify     string // what Prometheus is asked, too
	Steps      []ForeseenStep
	// Wants are the looks that are missing, and WantsVerify and WantsFleet the questions.
	// WantsCluster is whose look shows the whole cluster, through Target, which need not be
	// the member that is meant.
	Wants        []ActionSpec
	WantsCluster *ActionSpec
	WantsVerify  bool
	WantsFleet   bool
	// Verdicts are every guard's about the first step that is to be done, and Refusal the
	// one that a run would end with; nil: go.
	Verdicts []Verdict
	Refusal  *Verdict
	// Outcome is what a run would end with before it changes anything: noop, observed or
	// blocked. Empty: it would begin Steps[First].
	Outcome Outcome
	First   int
	Looks   int // that would have to say "not in order" before it begins
}

// Miss is a playbook that does not match, with the conditions that fail.
type Miss struct {
	Playbook *Playbook
	Fails    []alert.Matcher
}

// ForeseenStep is one step of the plan with what was seen of it.
type ForeseenStep struct {
	PlannedStep
	Spec    ActionSpec
	Looked  bool
	Err     error // of the look
	InOrder bool
	Says    string
}

// Foresee says what would happen for an alert with these labels, by what was seen. It
// decides with the same code as a run, changes nothing and records nothing: call it
// between two Steps.
func (e *Engine) Foresee(q Foreseen) Foresight {
	x := *e // what it is asked about is now; the engine's own now stays
	x.stamp, x.now, x.fleet = q.Stamp, e.st.clock.at(q.Stamp.Now), q.Fleet
	f, found := Foresight{Own: q.Labels["origin"] == "fettle"}, ""
	fp := alert.FingerprintOf(q.Labels)
	if ep := e.st.openOf[fp]; ep != nil {
		f.Episode, f.Run = ep.ID, ep.Run
		if t, _, err := e.resolve(ep); err == nil && e.alone[t.String()] {
			found = ep.found
		}
		f.Playbook = e.playbook(ep.Playbook)
	} else {
		f.Playbook = e.match(q.Labels)
	}
	if f.Playbook == nil {
		f.Misses = e.misses(q.Labels)
		return f
	}
	at, err := x.aimFor(f.Playbook, q.Labels, found)
	var un *UnnamedError
	if errors.As(err, &un) {
		if found = f.seek(x.cfg.Actions, un.Cluster, q.Cluster, x.st.openOf[fp]); found == "" {
			return f
		}
		at, err = x.aimFor(f.Playbook, q.Labels, found)
	}
	if err == nil {
		f.Verify, err = f.Playbook.verification(q.Labels)
	}
	if err != nil {
		f.Unresolved = err
		f.refuse(Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Detail: err.Error()})
		return f
	}
	f.Target, f.Resources, f.Autonomy = at.target, at.resources, x.autonomy(f.Playbook, at.target)
	f.look(at, q)
	if len(f.Wants) == 0 {
		x.foresee(&f, at, q, e.silent[fp])
	}
	return f
}

// seek is the member that is meant by an alert that names none, as a look at the whole
// cluster shows it: the one that is down, or, where all of them answer, the one that the
// open episode meant. Empty: that look is wanted, or shows nobody.
func (f *Foresight) seek(actions map[string]ActionSpec, c cluster.Cluster, seen *Looked, ep *Episode) string {
	spec, ok := f.Playbook.seeking(actions)
	switch {
	case !ok || len(c.Members) == 0:
		f.Unresolved = &UnnamedError{Cluster: c}
		f.refuse(Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Detail: f.Unresolved.Error()})
	case seen == nil:
		f.Target, f.WantsCluster = cluster.Target{Cluster: c, Member: c.Members[0]}, &spec
	case seen.Err != nil:
		f.Unresolved = fmt.Errorf("the alert names no member of cluster %s, and the look at it failed: %w", c.Name, seen.Err)
		f.refuse(notSeen(seen.Err))
	default:
		found, err := meantBy(c, seen.Seen)
		if errors.Is(err, errAllAnswer) && ep != nil && ep.found != "" {
			return ep.found
		}
		if err != nil {
			f.Unresolved = err
			f.refuse(Verdict{Guard: ReasonTarget, Reason: ReasonTarget, Detail: err.Error(), Passing: true})
		}
		return found
	}
	return ""
}

// misses are the playbooks that do not match, the nearest first.
func (e *Engine) misses(labels map[string]string) []Miss {
	var all []Miss
	for _, p := range e.cfg.Playbooks {
		m := Miss{Playbook: p}
		for _, c := range p.On {
			if !c.Matches(labels) {
				m.Fails = append(m.Fails, c)
			}
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b Miss) int { return len(a.Fails) - len(b.Fails) })
	return all
}

// look fills in what was seen of each step.
func (f *Foresight) look(at *aim, q Foreseen) {
	for i, s := range at.steps {
		step := ForeseenStep{PlannedStep: s, Spec: at.specs[i]}
		seen, ok := q.Seen[step.Spec.Sees]
		switch {
		case !ok:
			if !slices.ContainsFunc(f.Wants, func(w ActionSpec) bool { return w.Sees == step.Spec.Sees }) {
				f.Wants = append(f.Wants, step.Spec)
			}
		case seen.Err != nil:
			step.Looked, step.Err = true, seen.Err
		default:
			step.Looked, step.Says = true, seen.Seen.Observation.Says
			step.InOrder = step.Spec.Action.Done(nil, seen.Seen.Observation)
		}
		f.Steps = append(f.Steps, step)
	}
}

// foresee goes the way of answer and consider, with everything seen.
func (e *Engine) foresee(f *Foresight, at *aim, q Foreseen, silenced bool) {
	goal := f.Steps[len(f.Steps)-1]
	switch {
	case goal.Err != nil:
		f.refuse(notSeen(goal.Err))
		return
	case goal.InOrder && f.Verify == "":
		f.Outcome = Noop
		return
	case goal.InOrder && q.Verified == nil:
		f.WantsVerify = true
		return
	case goal.InOrder && q.Verified.shown():
		f.Outcome = Noop
		return
	case goal.InOrder && !q.Verified.believed():
		f.refuse(notShown(f.Verify, q.Verified))
		return
	}
	for f.First = range f.Steps {
		if s := f.Steps[f.First]; s.Err != nil {
			f.refuse(notSeen(s.Err))
			return
		} else if !s.InOrder {
			e.foreseeStep(f, at, q, silenced)
			return
		}
	}
	if goal.InOrder { // and Prometheus denies it: no step would bring it about
		f.refuse(notShown(f.Verify, q.Verified))
		return
	}
	f.Outcome = Noop
}

// foreseeStep asks the guards about the first step that is to be done.
func (e *Engine) foreseeStep(f *Foresight, at *aim, q Foreseen, silenced bool) {
	seen := q.Seen[f.Steps[f.First].Spec.Sees].Seen
	verdicts, refusal := e.judge(Question{
		Playbook: f.Playbook, Step: at.steps[f.First], Spec: at.specs[f.First], Target: at.target, Seen: seen, Silenced: silenced, Run: f.Run,
	})
	set := e.settings(f.Playbook, at.target.Cluster.Name)
	if refusal != nil && e.isApproved(f, at, seen, verdicts, set) {
		refusal = refusalIn(verdicts)
	}
	f.Verdicts = verdicts
	holder, taken := e.SlotHolder(at.resources, f.Run)
	service := serviceOf(seen, at.target)
	switch held := e.heldStill(); {
	case q.Fleet == nil && slices.ContainsFunc(e.cfg.Guards, func(g Guard) bool { return g.Fleet }):
		f.WantsFleet = true
	case service.State == cluster.ServiceAutoRestart && !e.described(at.steps[f.First]):
		f.refuse(Verdict{Guard: ReasonAutoRestart, Reason: ReasonAutoRestart, Detail: "the service manager is about to start it itself", Passing: true})
	case held != nil:
		f.refuse(*held)
	case refusal != nil && (refusal.Observed || !refusal.Passing):
		f.refuse(*refusal)
	case taken:
		f.refuse(Verdict{Guard: ReasonConcurrency, Reason: ReasonConcurrency, Detail: "slots are taken by " + holder, Passing: true})
	case refusal != nil:
		f.refuse(*refusal)
	case e.tooOld(seen, set):
		f.refuse(Verdict{Guard: ReasonObserve, Reason: ReasonObserve, Detail: "the look was older than " + set.ViewAge.String() + " when it came", Passing: true})
	}
	f.Looks = 1
	if s, ok := seen.Facts.Sight(at.target.Member.Name); service.State != cluster.ServiceDead && (!ok || !s.Hung) {
		f.Looks = set.EagerLooks
	}
}

// isApproved is approved, which records nothing: whether people have approved just this,
// which is then put into the verdicts.
func (e *Engine) isApproved(f *Foresight, at *aim, seen Sighting, verdicts []Verdict, set Settings) bool {
	a := e.st.approvals[f.Episode]
	asking := asksApproval(verdicts)
	if a == nil || a.run != "" || len(asking) == 0 || !covers(a.premise.Guards, asking) {
		return false
	}
	now := e.premise(basis{f.Playbook, at.target, at.steps, f.First, seen}, a.premise.Guards)
	people := e.counting(a, set)
	if now.Digest != a.premise.Digest || len(people) < max(1, set.Approvers) {
		return false
	}
	for i, v := range verdicts {
		if approvable(v) {
			verdicts[i] = Verdict{Guard: v.Guard, OK: true, Detail: "approved by " + people[0].Actor}
		}
	}
	return true
}

func (f *Foresight) refuse(v Verdict) {
	f.Refusal, f.Outcome = &v, Blocked
	if v.Observed {
		f.Outcome = ObservedOnly
	}
}
