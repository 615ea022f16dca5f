package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// approved: what needs approval is done under one that was given to this very premise,
// by enough people, in time, in this boot, and that no other run has used (rule 23).
func (v *watcher) approved(in repair.IntentData, u *unit, run *runSeen, look *looking, stamp repair.Stamp) {
	needs := v.cfg.Autonomy(run.plan.Playbook, u.target.Cluster.Name, run.plan.Tier) == repair.Approve
	if needs && in.Approval == nil {
		v.report(ruleApproved, "an intent to %s %s without approval", in.Action, in.TargetName)
	}
	if in.Approval == nil {
		return
	}
	set := v.cfg.Settings(run.plan.Tier, u.target.Cluster.Name, run.plan.Playbook)
	var by []string
	var premise *repair.Premise
	for _, g := range v.ledger.given[in.Episode] {
		late := g.used == "" && v.w.ranAt(stamp.Now)-g.at > set.ApprovalValid
		if g.Premise.Digest != in.Approval.Premise || g.boot != stamp.Now.Boot || late || g.used != "" && g.used != in.Run {
			continue
		}
		if premise = &g.Premise; !slices.Contains(by, g.Actor) {
			by = append(by, g.Actor)
		}
	}
	if len(by) < max(1, set.Approvers) {
		v.report(ruleApproved, "an intent to %s %s under an approval of %v that does not count: %d have to", in.Action, in.TargetName, by, set.Approvers)
		return
	}
	if run.intents == 0 {
		v.premiseHolds(in, run, look, *premise)
	}
}

// premiseHolds: the world is the one that people have seen when they approved.
func (v *watcher) premiseHolds(in repair.IntentData, run *runSeen, look *looking, p repair.Premise) {
	if p.Step != in.Step {
		v.report(rulePremise, "an intent to %s %s, step %d, and step %d was approved", in.Action, in.TargetName, in.Step, p.Step)
	}
	if want := "playbook " + run.plan.Playbook + " " + run.plan.Digests.Playbook; len(p.Words) == 0 || p.Words[0] != want {
		v.report(rulePremise, "an intent to %s %s with %s, and approved was %v", in.Action, in.TargetName, want, p.Words)
	}
	if look != nil && look.unit.ring != nil && look.leader != leaderIn(p) {
		v.report(rulePremise, "an intent to %s %s while %q leads, and it was approved while %q led", in.Action, in.TargetName, look.leader, leaderIn(p))
	}
}

// toldOnce: people are told once per cluster and reason, again only for a more urgent
// tier (rule 22).
func (v *watcher) toldOnce(d repair.EscalatedData) {
	key := toldKey(d.Cluster, d.Reason)
	if tier, ok := v.ledger.told[key]; ok && d.Run == "" && tier <= d.Tier {
		v.report(ruleToldOnce, "people are told of %s in %s again: %s", d.Reason, d.Cluster, d.Detail)
	}
}

// audit looks at what has to go on: what people were told is posted again and again,
// until it is over or everybody whom it is about was acknowledged.
func (v *watcher) auditTold() {
	w, p := v.w, v.w.fettle
	if !p.up || p.slowDisk || !p.cfg.Alertmanagers {
		return
	}
	const slack = 30 * time.Second
	now := w.home().ran(w.now)
	for key := range v.ledger.told {
		every := v.cfg.Settings(repair.P1, "", "").EscalateEvery
		if last := max(v.posted[key], p.startedAt, p.changedAt); w.now-last > every+slack && now-v.ledger.since[key] > every+slack {
			v.report(ruleToldOn, "%s is not posted for %s, and it is not over", key, w.now-last)
		}
		over := v.overSince[key]
		if v.stillAbout(key) {
			delete(v.overSince, key)
			continue
		}
		if over == 0 {
			v.overSince[key] = w.now
			continue
		}
		if w.now-max(over, p.startedAt) > 2*every+slack {
			v.report(ruleToldEnds, "%s is told for %s after nothing is left that it could be about, or all was acknowledged", key, w.now-over)
		}
	}
}

// auditDeadlines: people are told of an episode whose target is not in order by its
// tier's deadline, itself or with the others of its cluster (rules 10 and 22).
func (v *watcher) auditDeadlines() {
	w, p := v.w, v.w.fettle
	if !p.up || p.slowDisk || p.blind {
		return
	}
	for _, id := range v.ledger.opened {
		ep := v.ledger.episodes[id]
		if ep == nil {
			continue
		}
		u, ok := w.named[w.meantBy(ep.received.Labels)]
		if !ok || u.inOrder || !p.has(ep.received.Playbook) || !p.resolves(u.name()) {
			continue
		}
		limit := w.settings(u.name()).Deadline + v.patience(u.name())
		age := w.home().ran(w.now) - ep.opened
		if age < limit || w.now-max(p.startedAt, p.changedAt, u.outSince) < limit {
			continue
		}
		_, told := v.ledger.told[toldKey(u.target.Cluster.Name, "deadline")]
		_, storm := v.ledger.told[toldKey("", "storm")]
		if !told && !storm && !slices.Contains(v.ledger.acked[id], "deadline") && !slices.Contains(v.ledger.acked[id], "storm") {
			v.report(ruleToldLate, "the episode of %s is open for %s, its target is not in order, and nobody was told", u.name(), age)
		}
	}
}

// stillAbout tells that something may be left that people were told of: an open episode
// of that cluster that nobody has acknowledged for it, or a run that is to be put back.
func (v *watcher) stillAbout(key string) bool {
	name, reason, _ := strings.Cut(key, "|")
	if len(v.ledger.owed) > 0 || v.w.holdsAny() {
		return true
	}
	for _, id := range v.ledger.people.runs[key] {
		if !slices.Contains(v.ledger.acked[id], reason) {
			return true
		}
	}
	for id, ep := range v.ledger.episodes {
		if u, known := v.w.named[v.w.meantBy(ep.received.Labels)]; known && name != "" && u.target.Cluster.Name != name {
			continue
		}
		if !slices.Contains(v.ledger.acked[id], reason) {
			return true
		}
	}
	return false
}

// holdsAny tells that a run which ended unknown keeps slots.
func (w *world) holdsAny() bool { return slices.ContainsFunc(w.units, w.fettle.holds) }

// floodHeld: for one passing refusal a few episodes get a run of their own within an
// hour; the others are recorded together (rule 5). A run that could have begun something
// when it opened is none of these.
func (v *watcher) floodHeld(f repair.FinishedData, run *runSeen, at time.Duration) {
	if run == nil || run.at != at || f.Outcome != repair.Blocked || !f.Passing || f.Guard != "pause" {
		return
	}
	key := f.Guard + "/" + f.Reason
	now := v.w.home().ran(v.w.now)
	list := slices.DeleteFunc(v.own[key], func(at time.Duration) bool { return now-at >= time.Hour })
	v.own[key] = append(list, now)
	if most := v.cfg.Settings(repair.P1, "", "").RefusalRuns; len(v.own[key]) > most {
		v.report(ruleFlood, "%d episodes got a run for %s within an hour: %d may", len(v.own[key]), key, most)
	}
}
