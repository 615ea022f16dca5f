package repair

import (
	"slices"
	"time"
)

// holding is what one passing refusal holds: the episodes that wait to be a record
// together. A run each would say the same thing thousands of times, with a plan and
// every guard's verdict: a flood, and no record.
type holding struct {
	e       *Engine
	refusal Refusal
	varies  bool // not all were told the same detail
	waiting []*Episode
	due     time.Duration   // when they become a record; -1: nobody waits
	written time.Duration   // when some last did; -1: never
	own     []time.Duration // when an episode got a run of its own for it, within the last hour
}

const (
	// heldGap is the least time between two records of one refusal, and the longest that an
	// episode's first answer is pending, however often it changes meanwhile.
	heldGap = time.Minute
	// maxHeld is how many episodes one record names.
	maxHeld = 500
	// ownWithin is the time in which runs of their own are counted.
	ownWithin = time.Hour
)

// holding of a refusal; it is made where there is none.
func (e *Engine) holding(v *Verdict) *holding {
	key := v.Guard + "/" + v.Reason
	h := e.holdings[key]
	if h == nil {
		h = &holding{e: e, due: -1, written: -1}
		e.holdings[key] = h
	}
	return h
}

// holds tells that a refusal is answered without a run: it is the whole fleet's, or so
// many episodes had a run of their own for it within the hour that another one would
// tell nothing new. What waits for a person, and what is only observed, has its run
// always.
func (e *Engine) holds(v *Verdict) bool {
	if !v.Passing || v.Observed {
		return false
	}
	if e.ofAll(v.Guard) {
		return true
	}
	h := e.holding(v)
	h.own = slices.DeleteFunc(h.own, func(at time.Duration) bool { return e.now-at >= ownWithin })
	if len(h.own) >= e.general().RefusalRuns && !mutant("a flood is not held") {
		return true
	}
	h.own = append(h.own, e.now)
	return false
}

// hold gives an episode an answer without a run: one record has it for all that get it
// within the minute. Until then it is pending.
func (e *Engine) hold(ep *Episode, v *Verdict) {
	e.note(Note{Refused: v})
	if v.Reason == ReasonConcurrency && ep.ask != nil {
		e.queued[ep.ask.key] = true
	}
	h := e.holding(v)
	if ep.quiet.holding == h {
		return
	}
	if len(h.waiting) == 0 {
		h.refusal, h.varies = Refusal{v.Guard, v.Reason, v.Detail, v.Passing}, false
	}
	h.varies = h.varies || v.Detail != h.refusal.Detail
	if ep.quiet.holding == nil {
		ep.quiet.pending = e.now
	}
	ep.quiet.holding = h
	h.waiting = append(h.waiting, ep)
	due := e.now
	if h.written >= 0 {
		due = max(e.now, h.written+heldGap)
	}
	if ep.Last == nil && ep.LastOutcome == "" {
		due = min(due, max(e.now, ep.quiet.pending+heldGap))
	}
	if h.due < 0 || due < h.due {
		h.due = due
		e.timers.set(h)
	}
}

// LastAnswer is why nothing is done about an open episode, as it was said last; nil:
// nothing was refused. recorded is false while it is still to be gathered into a record.
func (e *Engine) LastAnswer(ep Episode) (last *Refusal, recorded bool) {
	own := e.st.episodes[ep.ID]
	if own == nil || own.quiet.said == nil {
		return ep.Last, true
	}
	return own.quiet.said, own.quiet.holding == nil
}

func (h *holding) dueAt() time.Duration { return h.due }

// wake makes the record of those that still wait with this answer.
func (h *holding) wake() {
	e := h.e
	h.due, h.written = -1, e.now
	var ids []string
	for _, ep := range h.waiting {
		if ep.quiet.holding == h && e.st.episodes[ep.ID] == ep {
			ids = append(ids, ep.ID)
			ep.quiet.holding, ep.quiet.refused = nil, 0
		}
	}
	h.waiting = nil
	for some := range slices.Chunk(ids, maxHeld) {
		e.record(TypeHeld, "guard/"+h.refusal.Guard, HeldData{Refusal: h.refusal, Varies: h.varies, Episodes: some})
	}
}
