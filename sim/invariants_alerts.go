package sim

import (
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// acknowledged: when a message is answered, each of its alerts that fires and that a
// playbook is for has an open episode on disk (rules 1 and 2), or a person closed it
// a short time ago, or what this message brought has ended it already. Where a new
// configuration was given while the disk was still writing, it is not known by which
// one the message was judged.
func (v *watcher) acknowledged(event repair.Event, began time.Duration) {
	ev, ok := event.(repair.Alerts)
	if !ok {
		return
	}
	v.w.stats.Messages++
	if v.w.fettle.changedAt >= began {
		return
	}
	for _, a := range ev.Alerts {
		if a.Status != alert.Firing || !v.w.fettle.matched(a.Labels) {
			continue
		}
		v.w.stats.Alerts++
		if v.ledger.open[a.Fingerprint] != "" {
			continue
		}
		c, ok := v.ledger.closed[a.Fingerprint]
		if ok && (c.at >= v.w.home().ran(began) || c.reason == "person") {
			continue
		}
		v.report(ruleAcked, "a firing alert of %s/%s is acknowledged, and has no episode", a.Labels["cluster"], a.Labels["member"])
	}
}

// closedWhenOver: an episode closes when its target has been in order for the settle
// time, by a person, or for want of a target or a playbook (rule 4).
func (v *watcher) closedWhenOver(c repair.ClosedData) {
	ep := v.ledger.episodes[c.Episode]
	if ep == nil {
		v.report(ruleClosed, "an episode closes that is not open: %s", c.Episode)
		return
	}
	u, ok := v.w.named[v.targetOf(c.Episode, ep.received.Labels)]
	switch c.Reason {
	case "in_order", "recovered_by_itself":
		if !ok || !u.orderSince(v.lastLook(u.name())) {
			v.report(ruleClosed, "the episode of %s closes %s, and it is not in order", targetName(ep.received.Labels), c.Reason)
		}
	case "alert_ended":
		if ok && v.lastLookWorked(u) && v.w.fettle.has(ep.received.Playbook) && v.w.fettle.resolves(u.name()) {
			v.report(ruleClosed, "the episode of %s closes for its alert's end alone, and it can be looked at", u.name())
		}
	}
	if ep.run != "" && c.Reason != "person" {
		v.report(ruleClosed, "the episode of %s closes under a live run", targetName(ep.received.Labels))
	}
}

func targetName(labels map[string]string) string { return labels["cluster"] + "/" + labels["member"] }

// targetOf is also that of an alert whose labels do not name the member: what fettle says
// that it means.
func (v *watcher) targetOf(episode string, labels map[string]string) string {
	if labels["member"] != "" {
		return targetName(labels)
	}
	for _, ep := range v.w.fettle.engine.State().Episodes() {
		if ep.ID == episode {
			return v.w.fettle.engine.TargetOf(ep)
		}
	}
	return ""
}

// saysWhy: an open episode has a run under way, or the reason with which its last one
// ended, once it was asked (rule 5). It waits behind the run of another one on its
// target, which is all that can be said meanwhile, and is asked after it.
func (v *watcher) saysWhy() {
	p := v.w.fettle
	if !p.up || p.slowDisk {
		return
	}
	busy := map[string]bool{}
	for _, r := range v.ledger.runs {
		if !r.finished {
			busy[r.plan.Target] = true
		}
	}
	for _, ep := range p.engine.State().Episodes() {
		target := v.w.meantBy(ep.Labels())
		if busy[target] {
			v.behind[target] = v.w.now
			continue
		}
		if ep.CloseReason != "" || ep.Run != "" || ep.Last != nil || ep.LastOutcome != "" {
			continue
		}
		if _, ok := v.w.named[target]; ok && v.w.now-max(p.startedAt, p.changedAt, v.behind[target]) > v.patience(target) && v.w.home().ran(v.w.now)-v.opened(ep.ID) > v.patience(target) {
			v.report(ruleSays, "the open episode of %s has neither a run nor an answer", target)
		}
	}
}

// patience is how long an episode may wait for its next look: the tier's interval,
// with looks that take their time-out, and a run's pauses.
func (v *watcher) patience(target string) time.Duration {
	return 2*v.w.settings(target).Look + 90*time.Second
}

func (v *watcher) opened(episode string) time.Duration {
	if ep := v.ledger.episodes[episode]; ep != nil {
		return ep.opened
	}
	return v.w.home().ran(v.w.now)
}

// everyEpisodeAsked: an open episode's target is looked at, at the tier's interval
// (rule 5).
func (v *watcher) everyEpisodeAsked() {
	w := v.w
	p := w.fettle
	if !p.up || p.slowDisk {
		return
	}
	for _, ep := range v.ledger.episodes {
		target := w.meantBy(ep.received.Labels)
		if _, ok := w.named[target]; !ok || !p.resolves(target) || !p.has(ep.received.Playbook) {
			continue
		}
		last := max(v.asked[target], p.startedAt, p.changedAt)
		limit := v.patience(target)
		if opened := w.home().ran(w.now) - ep.opened; w.now-last > limit && opened > limit {
			v.report(ruleAsked, "the open episode of %s was not looked at for %s", target, w.now-last)
		}
	}
}

// fewRecords: what is only refused, again and again, writes at most 30 records an
// hour for one episode (rule 5, section 5).
func (v *watcher) fewRecords(d journal.Draft) {
	const most = 30
	if d.Type != repair.TypeFinished {
		return
	}
	ep := v.ledger.episodes[read[repair.FinishedData](d).Episode]
	if ep == nil {
		return
	}
	now := v.ledger.ran(d.At)
	for len(ep.records) > 0 && now-ep.records[0] >= time.Hour {
		ep.records = ep.records[1:]
	}
	if len(ep.records) > most {
		v.report(ruleFewRecords, "%d records within an hour for the episode of %s, and no intent: the last is %s(%s)", len(ep.records), targetName(ep.received.Labels), ep.last.Guard, ep.last.Reason)
	}
}
