package repair

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Told is what people are told of a cluster for one reason, since when, until no
// episode is left that it is about, or each was acknowledged (rule 22).
type Told struct {
	Cluster string // empty: of no cluster; a storm is of all
	Reason  string
	Tier    Tier // the most urgent one of its episodes
	Detail  string
	At      time.Duration
	Wall    time.Time
	Runs    []ToldRun
}

// ToldRun is a run that people are told of beside, or after, its episode: one that takes
// another back, or one that left something to be taken back.
type ToldRun struct {
	Run     string `json:"run"`
	Episode string `json:"episode"`
	Target  string `json:"target"`
	Detail  string `json:"detail,omitempty"`
	Open    bool   `json:"open,omitempty"` // its episode was
}

// Escalate is the effect that has Alertmanager told. Nothing answers it: what still
// holds is told again.
type Escalate struct {
	Alerts  []Escalation
	Timeout time.Duration
}

// Escalation is one alert: of a cluster, for a reason.
type Escalation struct {
	Cluster  string
	Reason   string
	Tier     Tier
	Since    time.Time
	Ends     time.Time // now, where it is over
	Over     bool
	Detail   string // of the first that it was told for
	Episodes int    // that it is about now
	Sample   []EscalatedEpisode
}

// EscalatedEpisode is one of an Escalation's episodes.
type EscalatedEpisode struct {
	Episode, Target, Playbook string
	Answer                    string // the last one, in words; empty: there was none
}

// maxSample is how many episodes an alert names.
const maxSample = 10

func (Escalate) effect() {}

// reasonStorm is what all episodes are told of that the whole fleet's state holds: a
// storm is one.
const reasonStorm = "storm"

// reasonDeadline is an episode whose target was not in order in its tier's time.
const reasonDeadline = "deadline"

func toldKey(cluster, reason string) string { return cluster + "|" + reason }

// tellsOf is what people are to be told of a run's end; empty: nothing.
func tellsOf(f FinishedData) string {
	switch {
	case f.Outcome == Unknown, f.Outcome == Failed:
		return string(f.Outcome)
	case f.Outcome == Blocked && !f.Passing:
		return f.Reason
	}
	return ""
}

// tells is whether an episode is one that people were to be told of for a reason,
// acknowledged or not.
func (ep *Episode) tells(reason string) bool {
	return ep.escalated[reason] || slices.Contains(ep.quiet.told, reason)
}

// Tells are the reasons for which people are to be told of an episode, and those of
// them that were acknowledged, sorted.
func (e *Engine) Tells(episode string) (reasons, acked []string) {
	ep := e.st.episodes[episode]
	if ep == nil {
		return nil, nil
	}
	for _, reason := range ep.reasons() {
		reasons = append(reasons, reason)
		if ep.acked[reason] {
			acked = append(acked, reason)
		}
	}
	return reasons, acked
}

func (ep *Episode) reasons() []string {
	out := append(sortedKeys(ep.escalated), ep.quiet.told...)
	slices.Sort(out)
	return slices.Compact(out)
}

// clusterOf is the cluster of an episode's target, empty where its labels name none.
func (e *Engine) clusterOf(ep *Episode) string {
	if ep.ask != nil {
		return ep.ask.target.Cluster.Name
	}
	t, _, err := e.resolve(ep)
	if err != nil {
		return ""
	}
	return t.Cluster.Name
}

// tellRun has people told of a run, whose episode may be over.
func (e *Engine) tellRun(of Planned, reason, detail string) {
	tier := of.Tier
	if tier == "" {
		tier = P2
	}
	e.moreUrgent(e.st.told[toldKey(clusterOf(of.Target), reason)], tier)
	e.record(TypeEscalate, "run/"+of.Run, EscalatedData{
		Episode: of.Episode, Run: of.Run, Target: of.Target, Reason: reason, Detail: detail, Cluster: clusterOf(of.Target), Tier: tier,
	})
	e.tellSoon()
}

// holds tells that a run is still to be told of: until it is acknowledged, and as long
// as what it is about is so.
func (s *State) holds(r ToldRun, reason string) bool {
	switch reason {
	case ReasonIsolated, string(Failed):
		for _, o := range s.owed {
			if o.Episode == r.Episode {
				return true
			}
		}
		return false
	case string(Unknown):
		for _, h := range s.held {
			if h.episode == r.Episode {
				return true
			}
		}
		return false
	}
	return !r.Open || s.episodes[r.Episode] != nil
}

// escalate has people told, once per cluster and reason: the others that it is true of
// are named with it.
func (e *Engine) escalate(ep *Episode, reason, detail string) {
	if ep.tells(reason) {
		return
	}
	ep.quiet.told = append(ep.quiet.told, reason)
	e.tell(ep, reason, detail)
}

// tell is escalate's, where the episode is already one of those.
func (e *Engine) tell(ep *Episode, reason, detail string) {
	tier := P2
	if p := e.playbook(ep.Playbook); p != nil {
		tier = p.Tier
	}
	name := e.scopeOf(ep, reason)
	told := e.st.told[toldKey(name, reason)]
	if told != nil && told.Tier <= tier && !mutant("escalation is told per episode") {
		return
	}
	e.moreUrgent(told, tier)
	target := ""
	if t, _, err := e.resolve(ep); err == nil {
		target = t.String()
	}
	e.record(TypeEscalate, "episode/"+ep.ID, EscalatedData{Episode: ep.ID, Target: target, Reason: reason, Detail: detail, Cluster: name, Tier: tier})
	e.tellSoon()
}

func (e *Engine) scopeOf(ep *Episode, reason string) string {
	if reason == reasonStorm {
		return ""
	}
	return e.clusterOf(ep)
}

// acknowledge takes a person's word that an episode's state is known: what was told of
// it until now is told no more.
func (e *Engine) acknowledge(ev Acknowledge) error {
	all, fresh, target := e.toldAbout(ev.Episode)
	switch {
	case e.st.episodes[ev.Episode] == nil && len(all) == 0:
		return fmt.Errorf("%w: no open episode %q, nor one that people are told of", ErrNotFound, ev.Episode)
	case len(all) == 0:
		return refusef("nobody was told of episode %s: there is nothing to acknowledge", ev.Episode)
	case len(fresh) == 0:
		return refusef("%s of episode %s is acknowledged already; another reason would be told again", strings.Join(all, ", "), ev.Episode)
	}
	e.record(TypeAcked, "episode/"+ev.Episode, AckedData{Episode: ev.Episode, Target: target, Reasons: fresh, Actor: ev.Actor, Comment: ev.Comment})
	e.tellSoon()
	return nil
}

// toldAbout are the reasons for which people are told of an episode or of its runs, and
// those of them that nobody has acknowledged.
func (e *Engine) toldAbout(episode string) (all, fresh []string, target string) {
	if ep := e.st.episodes[episode]; ep != nil {
		for _, reason := range ep.reasons() {
			all = append(all, reason)
			if !ep.acked[reason] {
				fresh = append(fresh, reason)
			}
		}
		if t, _, err := e.resolve(ep); err == nil {
			target = t.String()
		}
	}
	for _, told := range e.st.Told() {
		for _, r := range told.Runs {
			if r.Episode == episode && !slices.Contains(fresh, told.Reason) {
				all, fresh, target = append(all, told.Reason), append(fresh, told.Reason), r.Target
			}
		}
	}
	return all, fresh, target
}

// Told lists what people are told now, by cluster and reason.
func (s *State) Told() []Told {
	out := make([]Told, 0, len(s.told))
	for _, t := range s.told {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Told) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
