package app

import (
	"context"
	"fmt"
	"iter"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/webhook"
)

// part is how many alerts of a message go to the sequencer at once: a huge
// message is streamed, and others get their turn in between.
const part = 256

// sink hands messages to the sequencer.
type sink struct {
	seq   *repair.Sequencer
	newID func() string
	last  func() uint64       // the journal's last sequence number
	came  func([]alert.Alert) // is shown what is durable; nil: nobody is
}

// Take implements webhook.Sink.
func (s *sink) Take(ctx context.Context, m webhook.Message, alerts iter.Seq2[alert.Alert, error]) (webhook.Taken, error) {
	ev := repair.Alerts{Message: m.ID, Actor: m.Actor}
	var sum repair.MessageEnd // of the parts before
	for a, err := range alerts {
		if err != nil {
			return webhook.Taken{}, err
		}
		ev.Alerts = append(ev.Alerts, a)
		if len(ev.Alerts) == part {
			answer, _, err := s.seq.Submit(ctx, ev)
			if err != nil {
				return webhook.Taken{}, fmt.Errorf("persist a message: %w", err)
			}
			sum.Received += answer.Message.Received
			sum.Repeats += answer.Message.Repeats
			sum.Unmatched += answer.Message.Unmatched
			s.show(ev.Alerts)
			ev.Alerts = nil
		}
	}
	ev.End = &repair.MessageEnd{
		Receiver: m.Receiver, GroupKey: m.GroupKey, Reason: m.Reason, ExternalURL: m.ExternalURL,
		Truncated: m.Truncated, Bytes: m.Size,
		Received: sum.Received, Repeats: sum.Repeats, Unmatched: sum.Unmatched,
	}
	answer, seq, err := s.seq.Submit(ctx, ev)
	if err != nil {
		return webhook.Taken{}, fmt.Errorf("persist a message: %w", err)
	}
	s.show(ev.Alerts)
	if seq == 0 {
		seq = s.last()
	}
	end := answer.Message
	return webhook.Taken{Seq: seq, Received: end.Received, Repeats: end.Repeats, Unmatched: end.Unmatched}, nil
}

func (s *sink) show(alerts []alert.Alert) {
	if s.came != nil {
		s.came(alerts)
	}
}

// Overflow implements webhook.Sink: a record, and the active alerts are fetched
// from every configured Alertmanager.
func (s *sink) Overflow(ctx context.Context, actor string, size int64) error {
	ev := repair.Alerts{Message: s.newID(), Actor: actor, End: &repair.MessageEnd{TooLarge: true, Bytes: size}}
	_, _, err := s.seq.Submit(ctx, ev)
	return err
}
