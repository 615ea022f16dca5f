package repair

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// begin starts effects. Each answers with an event, always, but for Escalate.
func (s *Sequencer) begin(effects []Effect) {
	for _, f := range effects {
		s.work.Add(1)
		go func() {
			defer s.work.Done()
			switch f := f.(type) {
			case Look:
				s.look(f)
			case Apply:
				s.apply(f)
			case Poll:
				ctx, cancel := context.WithTimeout(s.ctx, pollTimeout)
				defer cancel()
				s.post(Polled{Sources: s.edges.Poll(ctx, f.Fetch)})
			case Survey:
				s.post(Surveyed{s.survey(f)})
			case Escalate:
				s.escalate(f)
			}
		}()
	}
}

// pollTimeout bounds one round of polls.
const pollTimeout = 20 * time.Second

func (s *Sequencer) look(f Look) {
	ctx, cancel := context.WithTimeout(s.ctx, f.Timeout)
	defer cancel()
	ev := Looked{Look: f.ID}
	defer func() {
		if p := recover(); p != nil {
			ev.Err = fmt.Errorf("observe %s: panic: %v", f.Target, p)
		}
		s.post(ev)
	}()
	if w, ok := f.Spec.Action.(Watcher); ok && f.Intent != nil {
		ev.Seen, ev.Err = w.Watch(ctx, f.Target, *f.Intent)
	} else {
		ev.Seen, ev.Err = f.Spec.Action.Observe(ctx, f.Target)
	}
	ev.Output = s.keepOutput(ev.Seen.Output)
	if ev.Err == nil && f.Verify != nil {
		r := s.verify(*f.Verify)
		ev.Verified = &r
	}
}

func (s *Sequencer) escalate(f Escalate) {
	if s.edges.Escalate == nil {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, f.Timeout)
	defer cancel()
	s.edges.Escalate(ctx, f.Alerts)
}

func (s *Sequencer) survey(f Survey) Fleet {
	if s.edges.Survey == nil {
		return Fleet{Asked: s.edges.Clock(), Err: errors.New("nothing looks at the whole inventory")}
	}
	ctx, cancel := context.WithTimeout(s.ctx, f.Timeout)
	defer cancel()
	return s.edges.Survey(ctx)
}

// verifyTimeout bounds all queries of one verification.
const verifyTimeout = 10 * time.Second

// verify has a time of its own: the look before it may have taken all of the look's.
func (s *Sequencer) verify(v Verification) VerifyResult {
	if s.edges.Verify == nil {
		return VerifyResult{Says: "no Prometheus is configured (prometheus.url)"}
	}
	ctx, cancel := context.WithTimeout(s.ctx, verifyTimeout)
	defer cancel()
	return s.edges.Verify(ctx, v.Expr, v.Since)
}

func (s *Sequencer) apply(f Apply) {
	ctx, cancel := context.WithTimeout(s.ctx, f.Timeout)
	defer cancel()
	ev := Applied{Run: f.Intent.Run, Intent: f.Intent.ID}
	defer func() {
		if p := recover(); p != nil {
			ev.Err = fmt.Errorf("apply %s: panic: %v", f.Intent.Action, p)
		}
		s.post(ev)
	}()
	failpoint("before-apply", "")
	if !f.Intent.MayBegin(s.edges.Clock()) {
		ev.Err = ErrNotBegun
		return
	}
	ev.Err = f.Spec.Action.Apply(ctx, f.Intent)
	ev.Output = s.keep(ev.Err)
	failpoint("after-apply", "")
}

// keepTimeout bounds the writing of one blob.
const keepTimeout = 5 * time.Second

// keep has the output kept that an error brings along.
func (s *Sequencer) keep(err error) *Evidence {
	var said interface{ Output() []byte }
	if !errors.As(err, &said) {
		return nil
	}
	return s.keepOutput(said.Output())
}

// keepOutput has the output of a failed program kept. A blob that cannot be written is
// no reason to lose the answer.
func (s *Sequencer) keepOutput(output []byte) *Evidence {
	if s.edges.Keep == nil || len(output) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, keepTimeout)
	defer cancel()
	kept, err := s.edges.Keep(ctx, output)
	if err != nil {
		s.edges.Logger.Warn("output of a failed action could not be kept", "err", err)
		return nil
	}
	return &kept
}
