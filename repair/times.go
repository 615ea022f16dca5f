package repair

import (
	"time"

	"github.com/fettle-io/fettle/alert"
)

// span is what a repair did between an alert's beginning and its end, by the clocks of
// the machines. Nothing of it outlives the process: it is measured or it is not.
type span struct {
	began    time.Time // the run that repaired the target wrote its first intent
	verified time.Time // the target was seen in order
	ended    time.Time // the alert ended, by its own message
}

// detected notes how long after its beginning an alert came in. One that began before
// this process did waited for it, and one that is only told of again began with
// another episode: neither says how long the way takes.
func (e *Engine) detected(a alert.Alert) {
	if took := e.stamp.Now.Wall.Sub(a.StartsAt); a.StartsAt.After(e.started) && took >= 0 {
		e.note(Note{Stage: "detect", Took: took})
	}
}

// ended takes the end of an episode's alert, or that it fires again.
func (e *Engine) ended(ep *Episode, a alert.Alert) {
	switch over := a.Status != alert.Firing && !a.EndsAt.After(e.stamp.Now.Wall); {
	case over && ep.quiet.span == nil:
		ep.quiet.span = &span{ended: a.EndsAt}
	case over:
		ep.quiet.span.ended = a.EndsAt
	case ep.quiet.span != nil:
		ep.quiet.span.ended = time.Time{}
	}
	e.cleared(ep)
}

// restored takes when a run that repaired an episode's target began, and saw it in order.
func (e *Engine) restored(ep *Episode, run span) {
	if ep.quiet.span != nil {
		run.ended = ep.quiet.span.ended
	}
	ep.quiet.span = &run
	e.cleared(ep)
}

// cleared notes how long an alert outlived the repair of its target: not at all where it
// ended sooner than that was seen. One that had ended before anything was begun was not
// ended by it.
func (e *Engine) cleared(ep *Episode) {
	s := ep.quiet.span
	if s == nil || s.verified.IsZero() || s.ended.IsZero() || s.ended.Before(s.began) {
		return
	}
	e.note(Note{Stage: "clear", Took: max(0, s.ended.Sub(s.verified))})
	ep.quiet.span = nil
}
