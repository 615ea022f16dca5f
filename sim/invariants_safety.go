package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// The names of the invariants.
const (
	ruleDurable    = "no mutation without a durable intent"
	ruleOne        = "at most one mutation in flight per resource"
	ruleInTime     = "no mutation is begun too late"
	ruleFresh      = "guards see a fresh View"
	ruleOnce       = "no once-step twice"
	rulePause      = "no mutation while paused"
	ruleCooldown   = "cooldowns hold"
	ruleAttempts   = "attempts are bounded"
	ruleQuorum     = "no mutation breaks the quorum"
	ruleData       = "no start on wrong data"
	ruleMeant      = "only who is meant is changed"
	ruleNobody     = "an alert that is over means nobody else"
	ruleNeeded     = "no mutation that is not needed"
	ruleOnPurpose  = "what was stopped on purpose stays stopped"
	ruleRepaired   = "never repaired while not in order"
	ruleSettled    = "repaired only after the settle time"
	ruleClosed     = "an episode closes only in order"
	ruleAcked      = "every acknowledged alert has its episode"
	ruleSays       = "an open episode says why"
	ruleSameFold   = "the same journal folds to the same state"
	ruleVerifies   = "the journal verifies"
	ruleSpin       = "the engine does not spin"
	ruleAsked      = "no open episode is left unasked"
	ruleFewRecords = "a blocked state writes few records"
	ruleWindow     = "nothing is changed outside its window"
	ruleRadius     = "no more is down by fettle's hand than was declared"
	ruleApproved   = "what needs approval is done under one that counts"
	rulePremise    = "what is done is what was approved"
	ruleToldOnce   = "people are told once per cluster and reason"
	ruleToldLate   = "people are told at the tier's deadline"
	ruleToldOn     = "what people are told is told until it is over"
	ruleToldEnds   = "what is over or acknowledged is told no more"
	ruleFlood      = "a flood of refusals is few runs"
	rulePlanned    = "every step undone was journaled before it was done"
	ruleStill      = "an undo changes only what its run has set"
	ruleHealthy    = "nothing is returned to service while it is ill"
	ruleBackwards  = "what was begun last is undone first"
	ruleOwed       = "what is owed is put back, or a person is told"
	ruleStillOwed  = "nothing is put back that is owed no more"
	ruleRuns       = "every dead member with intact data runs again"
	ruleOver       = "every episode is closed without a person"
)

// durableIntent: no effect before its intent is on disk (ENGINE.md, the critical
// rule of section 3).
func (v *watcher) durableIntent(f repair.Apply) {
	lines := v.w.fettle.disk.lines
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Type == repair.TypeIntent && read[repair.IntentData](lines[i]).ID == f.Intent.ID {
			return
		}
	}
	v.report(ruleDurable, "%s on %s is applied, and its intent %s is not on disk", f.Intent.Action, f.Intent.Target, f.Intent.ID)
}

// onePerResource: a second mutation is never issued while an earlier one may still
// take effect (rule 7). What a person released after an unknown end is that person's.
func (v *watcher) onePerResource(in repair.IntentData, run *runSeen) {
	for _, m := range v.w.mutations {
		if !m.open(v.w) || m.intent.ID == in.ID || m.vouched {
			continue
		}
		for _, res := range run.plan.Resources {
			if slices.Contains(m.resources, res) {
				v.report(ruleOne, "an intent to %s %s while %s on %s may still take effect on %s", in.Action, in.TargetName, m.intent.Action, m.intent.Target, res)
			}
		}
	}
}

// vouch is a person's release of an episode's slots, after its run ended unknown.
func (v *watcher) vouch(d repair.ReleasedData) {
	for _, m := range v.w.mutations {
		if r := v.ledger.runs[m.intent.Run]; m.intent.Episode == d.Episode && r != nil && r.finished {
			m.vouched = true
		}
	}
}

// inTime: an executor does not begin later than notAfter, nor in another boot (rule 8).
func (v *watcher) inTime(m *mutation) {
	now := v.w.reading()
	if now.Boot != m.intent.NotAfterBoot || now.Since > m.intent.NotAfterSince {
		v.report(ruleInTime, "%s on %s began %s after its notAfter", m.intent.Action, m.intent.Target, now.Since-m.intent.NotAfterSince)
	}
}

// freshView: a View asked for more than 5 s ago, or in another boot, is a refusal
// (section 5).
func (v *watcher) freshView(in repair.IntentData, look *looking, stamp repair.Stamp) {
	age := stamp.Now.Since - (in.NotAfterSince - v.w.fettle.notAfter)
	if limit := v.w.settings(in.TargetName).ViewAge; in.NotAfterBoot != stamp.Now.Boot || age > limit || look == nil {
		v.report(ruleFresh, "an intent to %s %s on a View that is %s old", in.Action, in.TargetName, age)
	}
}

// onceOnly: a step that must not be done twice is not (rules 11 and 12).
func (v *watcher) onceOnly(m *mutation) {
	run := v.ledger.runs[m.intent.Run]
	if run == nil || m.intent.Step >= len(run.plan.Steps) || !run.plan.Steps[m.intent.Step].Once {
		return
	}
	key := fmt.Sprintf("%s|%d", m.intent.Run, m.intent.Step)
	if v.once[key]++; v.once[key] > 1 {
		v.report(ruleOnce, "step %d of run %s on %s is begun a second time", m.intent.Step, m.intent.Run, m.intent.Target)
	}
}

// notPaused: global, per cluster, or by the brake file (the pause guard, rule 8).
func (v *watcher) notPaused(in repair.IntentData, u *unit, stamp repair.Stamp) {
	if stamp.Brake {
		v.report(rulePause, "an intent to %s %s while the brake file is there", in.Action, in.TargetName)
	}
	for _, c := range v.ledger.pauses {
		if c == "" || c == u.target.Cluster.Name {
			v.report(rulePause, "an intent to %s %s while %q is paused", in.Action, in.TargetName, c)
		}
	}
}

// cooledDown: over restarts, reboots and clocks that jump (the cooldown guard, rule
// 20). A further attempt inside a run, and the start of a member of a ring without
// a leader, are not asked.
func (v *watcher) cooledDown(in repair.IntentData, run *runSeen, stamp repair.Stamp) {
	before, ok := repair.Unpack[action.Member](in.Before, "member/1")
	if run.intents > 0 || ok && in.Action == "member-start" && before.ClusterLeader == "" {
		return
	}
	at, ok := v.ledger.mutated[run.plan.Playbook+"|"+in.TargetName]
	if !ok {
		return
	}
	if since, want := v.w.ranAt(stamp.Now)-at, v.w.settings(in.TargetName).Cooldown; since < want {
		v.report(ruleCooldown, "%s changes %s again %s after its last mutating run: %s must pass", run.plan.Playbook, in.TargetName, since, want)
	}
}

// attemptsLeft: 3 attempts within 15 minutes, then only a release lets it go on
// (the attempts guard).
func (v *watcher) attemptsLeft(in repair.IntentData, _ *runSeen, stamp repair.Stamp) {
	key, set := v.ledger.counts(in)+"|"+in.TargetName, v.w.settings(in.TargetName)
	if n := v.ledger.within(key, v.w.ranAt(stamp.Now), set.AttemptsWithin); n >= set.Attempts {
		v.report(ruleAttempts, "attempt %d to %s %s within %s", n+1, in.Action, in.TargetName, set.AttemptsWithin)
	}
	if v.ledger.circuits[key] {
		v.report(ruleAttempts, "%s on %s, whose circuit is open", in.Action, in.TargetName)
	}
}

// quorumKept: whoever is taken away, the others are a quorum without it; by the
// truth when its View was asked for, or when it began, because what breaks between
// the two nobody can know (rule 14).
func (v *watcher) quorumKept(m *mutation) {
	r := m.unit.ring
	if r == nil || m.does != repair.Takes {
		return
	}
	look := v.looks[m.asked]
	if now := r.servingWithout(m.unit); now < r.quorum() && (look == nil || look.without < r.quorum()) {
		v.report(ruleQuorum, "%s on %s begins, and %d others serve: %d are a quorum", m.intent.Action, m.intent.Target, now, r.quorum())
	}
}

// startedOnData: fettle starts no member on an empty directory, nor on another's
// (rule 25, the proof guard).
func (v *watcher) startedOnData(u *unit, m *mutation) {
	if u.ring != nil && u.data != intact && u.wipedAt <= m.asked {
		v.report(ruleData, "%s was started on a data directory that is %s", u.name(), u.data)
	}
}

// needed: what is changed was not in order when its View was asked for, and where
// its manager does not say that the process is gone it was so in three looks (rule 9).
func (v *watcher) needed(in repair.IntentData, look *looking) {
	if look.inOrder {
		v.report(ruleNeeded, "an intent to %s %s, which was in order", in.Action, in.TargetName)
	}
	hung := false
	if before, ok := repair.Unpack[action.Member](in.Before, "member/1"); ok {
		hung = before.Hung
	}
	if hung || look.service.State == cluster.ServiceDead {
		return
	}
	list := v.seen[look.sees()]
	looks, first := 0, look.asked
	for i := len(list) - 1; i >= 0 && !list[i].inOrder; i-- {
		looks, first = looks+1, list[i].asked
	}
	set := v.w.settings(in.TargetName)
	if looks < set.EagerLooks || look.asked-first < time.Duration(set.EagerLooks-1)*set.EagerGap {
		v.report(ruleNeeded, "an intent to %s %s after %d looks over %s", in.Action, in.TargetName, looks, look.asked-first)
	}
}

// notOnPurpose: what a person stopped before the look is left alone (the guard of
// that name).
func (v *watcher) notOnPurpose(in repair.IntentData, u *unit, look *looking) {
	if u.state == cluster.ServiceStopped && u.stoppedAt <= look.began {
		v.report(ruleOnPurpose, "an intent to %s %s, which was %s by a person", in.Action, in.TargetName, u.purpose)
	}
}

// repairedInOrder: repaired and noop are shown by a look, and are so (section 3).
func (v *watcher) repairedInOrder(f repair.FinishedData) {
	u, ok := v.w.named[f.Target]
	if run := v.ledger.runs[f.Run]; run != nil && run.plan.Undoes != "" { // of what it put back, not of its target
		if l := v.last[f.Target]; (f.Outcome == repair.Repaired || f.Outcome == repair.Noop) && (l == nil || !l.inOrder) {
			v.report(ruleRepaired, "a run that takes another back ends %s, and its last look at %s does not say so", f.Outcome, f.Target)
		}
		return
	}
	if ok && (f.Outcome == repair.Repaired || f.Outcome == repair.Noop) && !u.orderSince(v.lastLook(f.Target)) {
		v.report(ruleRepaired, "a run ends %s, and %s is not in order", f.Outcome, f.Target)
	}
}

// settled: repaired means that it was verified, and stayed so for the settle time.
func (v *watcher) settled(f repair.FinishedData, d journal.Draft) {
	run := v.ledger.runs[f.Run]
	if f.Outcome != repair.Repaired || run == nil || run.plan.Undoes != "" {
		return
	}
	if since, want := v.w.ranAt(d.At)-run.verified, v.w.settings(f.Target).Settle; since < want {
		v.report(ruleSettled, "%s is repaired %s after it was verified: it settles for %s", f.Target, since, want)
	}
}
