package repair

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// telling wakes the engine when people are to be told again.
type telling struct {
	e    *Engine
	due  time.Duration // -1: nothing is to be told
	last time.Duration
	from time.Duration // until then nothing ends: not everything has been asked since the start
	over []Escalation  // to be posted once more
}

func (t *telling) dueAt() time.Duration { return t.due }

// tellGap is the least time between two posts.
const tellGap = time.Second

// tellSoon has people told at once, or where they were just told a second later.
func (e *Engine) tellSoon() {
	t := &e.telling
	due := max(e.now, t.last+tellGap)
	if t.due < 0 || t.due > due {
		t.due = due
		e.timers.set(t)
	}
}

// wake tells what is to be told, and ends what is no longer true of any open episode,
// or was acknowledged.
func (t *telling) wake() {
	e := t.e
	t.due, t.last = -1, e.now
	every := max(tellGap, e.general().EscalateEvery)
	open := e.toldOf()
	for _, key := range sortedKeys(open) {
		if of := open[key].first; e.st.told[key] == nil { // a reload moved it to another cluster, or an older fettle told it
			_, reason, _ := strings.Cut(key, "|")
			e.tell(of[0], reason, e.sampleOf(of[0]).Answer)
		}
	}
	var alerts []Escalation
	for _, key := range sortedKeys(e.st.told) {
		told, of := e.st.told[key], open[key]
		if of == nil {
			of = &about{}
		}
		runs := slices.DeleteFunc(slices.Clone(told.Runs), func(r ToldRun) bool { return !e.st.holds(r, told.Reason) })
		if of.n+len(runs) == 0 && e.now >= t.from && !mutant("what is told never ends") {
			e.tellOver(told)
			continue
		}
		one := Escalation{
			Cluster: told.Cluster, Reason: told.Reason, Tier: told.Tier, Since: told.Wall, Detail: told.Detail,
			Ends: e.stamp.Now.Wall.Add(tellAhead * every), Episodes: of.n,
		}
		for _, r := range runs[:min(len(runs), maxSample)] {
			one.Sample = append(one.Sample, EscalatedEpisode{Episode: r.Episode, Target: r.Target, Answer: r.Detail})
		}
		for _, ep := range of.first[:min(len(of.first), maxSample-len(one.Sample))] {
			one.Sample = append(one.Sample, e.sampleOf(ep))
		}
		alerts = append(alerts, one)
	}
	if len(e.st.told) > 0 && !mutant("what is told is not told again") {
		t.due = e.now + every
		e.timers.set(t)
	}
	alerts, t.over = append(alerts, t.over...), nil
	if len(alerts) > 0 && e.cfg.Alertmanagers {
		e.effect(Escalate{Alerts: alerts, Timeout: min(every, tellTimeout)})
	}
}

// tellAhead is how many rounds an alert outlives the last time it was told: four
// minutes, at one a minute.
const tellAhead = 4

// tellTimeout bounds one round.
const tellTimeout = 20 * time.Second

// about are the open episodes that one thing is told of: how many, and the oldest.
type about struct {
	n     int
	first []*Episode
}

// add counts an episode, and keeps it where it is one of the oldest.
func (a *about) add(ep *Episode) {
	a.n++
	i, _ := slices.BinarySearchFunc(a.first, ep, func(x, y *Episode) int { return cmp.Or(cmp.Compare(x.Opened, y.Opened), cmp.Compare(x.ID, y.ID)) })
	if i == maxSample {
		return
	}
	if len(a.first) == maxSample {
		a.first = a.first[:maxSample-1]
	}
	a.first = slices.Insert(a.first, i, ep)
}

// toldOf goes through all open episodes, of which there may be very many.
func (e *Engine) toldOf() map[string]*about {
	type of struct{ cluster, reason string }
	found := map[of]*about{}
	add := func(ep *Episode, reason string) {
		if ep.acked[reason] && !mutant("an acknowledgement is forgotten") {
			return
		}
		key := of{e.scopeOf(ep, reason), reason}
		a := found[key]
		if a == nil {
			a = &about{}
			found[key] = a
		}
		a.add(ep)
	}
	for _, ep := range e.st.episodes {
		for reason := range ep.escalated {
			add(ep, reason)
		}
		for _, reason := range ep.quiet.told {
			if !ep.escalated[reason] {
				add(ep, reason)
			}
		}
	}
	out := make(map[string]*about, len(found))
	for key, a := range found {
		out[toldKey(key.cluster, key.reason)] = a
	}
	return out
}

func (e *Engine) sampleOf(ep *Episode) EscalatedEpisode {
	s := EscalatedEpisode{Episode: ep.ID, Playbook: ep.Playbook}
	if t, _, err := e.resolve(ep); err == nil {
		s.Target = t.String()
	}
	switch {
	case ep.Run != "":
		s.Answer = "its run " + ep.Run + " is live"
	case ep.quiet.said != nil:
		s.Answer = ep.quiet.said.words()
	case ep.Last != nil:
		s.Answer = ep.Last.words()
	default:
		s.Answer = string(ep.LastOutcome)
	}
	return s
}

// words are a refusal in one line.
func (r *Refusal) words() string {
	s := r.Guard + "(" + r.Reason + ")"
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

// moreUrgent ends the alert of a less urgent tier: with another label it is another one.
func (e *Engine) moreUrgent(told *Told, tier Tier) {
	if told != nil && tier < told.Tier {
		e.postOver(told)
	}
}

// tellOver ends what was told: it is posted once more, as over.
func (e *Engine) tellOver(told *Told) {
	e.record(TypeToldOver, "cluster/"+told.Cluster, ToldOverData{Cluster: told.Cluster, Reason: told.Reason})
	e.postOver(told)
}

func (e *Engine) postOver(told *Told) {
	e.telling.over = append(e.telling.over, Escalation{
		Cluster: told.Cluster, Reason: told.Reason, Tier: told.Tier, Since: told.Wall, Ends: e.stamp.Now.Wall, Over: true, Detail: told.Detail,
	})
}

// startTelling goes on with what was told before the start. Of what was joined without
// a record it finds those again whose deadline has passed.
func (e *Engine) startTelling() {
	e.telling = telling{e: e, due: -1, last: -tellGap, from: e.now + e.general().EscalateEvery}
	for _, ep := range e.st.openEpisodes() {
		if e.st.told[toldKey(e.clusterOf(ep), reasonDeadline)] != nil && e.late(ep) && !ep.tells(reasonDeadline) {
			ep.quiet.told = append(ep.quiet.told, reasonDeadline)
		}
	}
	if len(e.st.told) > 0 || len(e.toldOf()) > 0 {
		e.telling.due = e.now
		e.timers.set(&e.telling)
	}
}

func (e *Engine) late(ep *Episode) bool { return e.now-ep.Opened > e.settingsOf(ep).Deadline }
