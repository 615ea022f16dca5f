package repair

import (
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/alert"
)

// Why an episode closed.
const (
	closedInOrder   = "in_order"
	closedByItself  = "recovered_by_itself"
	closedAlertOver = "alert_ended"
	closedByPerson  = "person"
	closedUnmatched = "unmatched"
)

// onAlerts takes a part of a message: rule 2 for each alert, a closing record
// with the last part.
func (e *Engine) onAlerts(ev Alerts) MessageEnd {
	var end MessageEnd
	if ev.End != nil {
		end = *ev.End
	}
	for _, a := range ev.Alerts {
		e.onAlert(ev, a, &end)
	}
	if ev.End == nil {
		return end
	}
	end.Message, end.Actor = ev.Message, ev.Actor
	if end.Received > 0 || end.TooLarge {
		e.record(TypeMessage, "message/"+ev.Message, end)
	}
	if end.Truncated > 0 || end.TooLarge { // the rest is with the Alertmanagers
		e.fetch = true
		e.pollNow()
	}
	return end
}

func (e *Engine) onAlert(ev Alerts, a alert.Alert, sum *MessageEnd) {
	fp, ep := fingerprintOf(a.Fingerprint), e.st.openOf[a.Fingerprint]
	k, isKnown := e.st.fingerprints[fp]
	if isKnown && ep == nil && !k.firing && e.now-k.at > e.forget() {
		delete(e.st.fingerprints, fp)
		isKnown = false
	}
	var p *Playbook
	if !a.Oversize {
		p = e.match(a.Labels)
	}
	if p == nil {
		sum.Unmatched++
	}
	firing := a.Status == alert.Firing
	last := isKnown && k.firing == firing
	held := isKnown && e.st.byPerson[fp] && e.now-k.closedAt < e.reopen() // a person closed it, and it never ended since
	if last && (!firing || ep != nil || p == nil || held) || !isKnown && !firing && ep == nil && p == nil {
		sum.Repeats++
		return
	}
	sum.Received++
	rec := Received{
		Fingerprint: a.Fingerprint, Status: a.Status, Labels: a.Labels, Annotations: a.Annotations,
		StartsAt: a.StartsAt, EndsAt: a.EndsAt, Generator: a.GeneratorURL, Message: ev.Message, Actor: ev.Actor,
		Oversize: a.Oversize, LabelsDigest: a.LabelsDigest, Cut: a.Cut,
	}
	if p != nil {
		rec.Playbook = p.Name
	}
	switch {
	case ep != nil:
		rec.Episode, rec.Playbook = ep.ID, ep.Playbook
	case firing && p != nil && !held && (!isKnown || !mutant("known is handled")):
		rec.Episode, rec.Opened = e.newID(), true
	}
	e.record(TypeReceived, "alert/"+string(a.Fingerprint), rec)
	delete(e.back, a.Fingerprint)
	if ep != nil {
		e.ended(ep, a)
	}
	switch {
	case rec.Opened:
		if !isKnown || !k.firing {
			e.detected(a)
		}
		e.opened(e.st.episodes[rec.Episode], p)
	case ep != nil && firing:
		ep.quiet.absent = 0
		e.enrol(ep, e.now)
	case ep != nil:
		e.tryClose(ep)
	}
}

// opened has a new episode answered. Where its labels name nothing, a run says so.
func (e *Engine) opened(ep *Episode, p *Playbook) {
	at, err := e.place(p, ep)
	switch {
	case err == nil:
		e.join(ep, at)
	case !e.seek(ep, p, err):
		e.open(ep, nil)
		return
	}
	e.askBy(ep.ask, e.now)
}

// general are the settings that belong to no playbook.
func (e *Engine) general() Settings { return e.generals }

func (e *Engine) forget() time.Duration { return e.general().Forget }
func (e *Engine) reopen() time.Duration { return e.general().ReopenClosed }

// afterRun goes on with an episode whose run has ended.
func (e *Engine) afterRun(ep *Episode, f FinishedData) {
	if e.st.episodes[ep.ID] == nil {
		return
	}
	e.queue(ep)
	q := &ep.quiet
	q.inOrder, q.refused = -1, 0
	if f.Outcome == Repaired || f.Outcome == Noop {
		q.inOrder = e.now
		if f.Outcome == Repaired {
			q.inOrder = e.now - e.settingsOf(ep).Settle // it settled
		}
		e.tryClose(ep)
		if e.st.episodes[ep.ID] == nil {
			return
		}
	}
	e.enrol(ep, e.now+e.settingsOf(ep).Look)
}

// over tells that the alert is no longer active (rule 4), as far as it was heard of.
func (ep *Episode) over() bool { return !ep.Active || ep.absent() }

// absent tells that no Alertmanager has it.
func (ep *Episode) absent() bool { return ep.quiet.absent >= 2 }

// tryClose closes an episode whose alert is no longer active and whose target has
// been in order for the settle time (rule 4).
func (e *Engine) tryClose(ep *Episode) {
	if ep.Run != "" {
		return
	}
	q := &ep.quiet
	if !ep.over() && q.inOrder < 0 { // nothing below can close it
		return
	}
	set := e.settingsOf(ep)
	if _, _, err := e.resolve(ep); err != nil || q.unseen { // then the alert's end alone closes it, once it was answered
		if answered := ep.Last != nil || ep.LastOutcome != ""; ep.over() && (answered || e.heldStill() != nil) {
			e.close(ep, closedAlertOver, "", "")
		}
		return
	}
	if q.inOrder < 0 && !mutant("resolved is repaired") || mutant("open for ever") {
		return
	}
	over := ep.over() || !e.cfg.Alertmanagers && e.now-q.inOrder >= set.QuietInOrder
	if !over {
		if (ep.LastOutcome == Repaired || ep.LastOutcome == Noop) && e.now-ep.LastEnded > set.StillActive {
			e.escalate(ep, "still_active", fmt.Sprintf("its target is in order and the alert has been active for %s since: the rule and the playbook disagree", set.StillActive))
		}
		return
	}
	if e.now-q.inOrder < set.Settle {
		return
	}
	reason := closedInOrder
	if !ep.Mutated {
		reason = closedByItself
	}
	e.close(ep, reason, "", "")
}

func (e *Engine) close(ep *Episode, reason, actor, comment string) {
	if len(ep.reasons()) > 0 {
		e.tellSoon()
	}
	e.record(TypeClosed, "episode/"+ep.ID, ClosedData{
		Episode: ep.ID, Fingerprint: ep.Fingerprint, Reason: reason, Mutated: ep.Mutated, Actor: actor, Comment: comment, playbook: ep.Playbook,
		Absent: reason == closedByPerson && ep.absent(),
	})
	e.reappears(ep.Fingerprint)
	e.hurryQueued()
}

func (e *Engine) pollNow() {
	if e.cfg.Alertmanagers {
		e.pollDue = e.now
	}
}

// wantsPoll tells that a poll is to be asked for, now or when it is due.
func (e *Engine) wantsPoll() bool {
	return e.cfg.Alertmanagers && !e.polling && (len(e.st.episodes) > 0 || e.fetch || len(e.unfetched) > 0 || len(e.back) > 0)
}

// duePoll asks the Alertmanagers, while any episode is open (rule 4), or one that is
// closed may come back.
func (e *Engine) duePoll() (asked bool) {
	if !e.wantsPoll() || e.pollDue > e.now {
		return false
	}
	if e.gone(); !e.wantsPoll() {
		return false
	}
	if e.now-e.pollAt > e.general().PollLeftOut { // nobody asked meanwhile
		clear(e.sources)
	}
	e.polling, e.fetching, e.pollAt = true, e.fetch, e.now
	e.pollDue = e.now + e.general().PollEvery
	e.effect(Poll{Fetch: e.fetch || len(e.back) > 0})
	e.fetch = false
	return true
}

// onPolled learns what is no longer active, and what is silenced.
func (e *Engine) onPolled(ev Polled) {
	e.polling = false
	if !e.cfg.Alertmanagers { // a reload took them away meanwhile
		return
	}
	set := e.general()
	complete := len(ev.Sources) > 0
	var asked []PollSource
	for _, s := range ev.Sources {
		if s.Err == nil {
			delete(e.sources, s.Name)
			e.fetch = e.fetch || e.unfetched[s.Name] && !e.fetching
			delete(e.unfetched, s.Name)
			asked = append(asked, s)
			continue
		}
		if _, ok := e.sources[s.Name]; !ok {
			e.sources[s.Name] = e.now
		}
		if e.now-e.sources[s.Name] < set.PollLeftOut {
			complete = false
			e.fetch = e.fetch || e.fetching // what it alone has is asked for again
			continue
		}
		if e.fetching {
			e.unfetched[s.Name] = true
		}
		e.leftOut(s, set)
	}
	for _, s := range asked {
		e.fetched(s)
	}
	silent := map[alert.Fingerprint]bool{}
	for _, ep := range e.st.openEpisodes() {
		present := false
		for _, s := range asked {
			muted, ok := s.Active[ep.Fingerprint]
			present = present || ok
			if muted {
				silent[ep.Fingerprint] = true
			}
		}
		if !complete && e.silent[ep.Fingerprint] { // the one that said so may be who does not answer
			silent[ep.Fingerprint] = true
		}
		q := &ep.quiet
		switch {
		case present:
			q.absent = 0
		case complete && len(asked) > 0 && (q.absent == 0 || e.pollAt-q.absentAt >= set.PollEvery):
			q.absent++
			q.absentAt = e.pollAt
		}
		e.tryClose(ep)
	}
	e.silent = silent
}

// leftOut tells people that an Alertmanager is left out: once for each cluster, on
// the episode that has been open for the longest time.
func (e *Engine) leftOut(s PollSource, set Settings) {
	told := map[string]bool{}
	for _, ep := range e.st.openEpisodes() {
		name := ""
		if ep.ask != nil {
			name = ep.ask.target.Cluster.Name
		}
		if !told[name] {
			told[name] = true
			e.escalate(ep, "alertmanager", s.Name+" has not answered for "+set.PollLeftOut.String()+": "+s.Err.Error())
		}
	}
}

// purge forgets what rule 2 no longer wants known, once an hour: it is a cache,
// and attempts that no window reaches any more.
func (e *Engine) purge() {
	if e.now < e.purged+time.Hour {
		return
	}
	e.purged = e.now
	set := e.general()
	for fp, k := range e.st.fingerprints {
		if !k.firing && e.now-k.at > set.Forget && e.st.openOf[alert.Fingerprint(fp.String())] == nil {
			delete(e.st.fingerprints, fp)
		}
	}
	for fp, at := range e.st.untold {
		if e.now-at > maxUntold {
			delete(e.st.untold, fp)
		}
	}
	for key, as := range e.st.attempts {
		old := slices.IndexFunc(as, func(a attempt) bool { return e.now-a.at <= maxWindow })
		switch {
		case old < 0:
			delete(e.st.attempts, key)
		case old > 0:
			e.st.attempts[key] = slices.Clone(as[old:])
		}
	}
}

// fetched takes the alerts that a message left out (rule 3), those that a playbook is
// for, and those that came back.
func (e *Engine) fetched(s PollSource) {
	ev := Alerts{Message: e.newID(), Actor: "alertmanager:" + s.Name, End: &MessageEnd{}}
	for _, a := range s.Alerts {
		_, back := e.back[a.Fingerprint]
		if (e.fetching || back) && !a.Oversize && e.match(a.Labels) != nil {
			ev.Alerts = append(ev.Alerts, a)
		}
	}
	if len(ev.Alerts) > 0 {
		e.onAlerts(ev)
	}
}
