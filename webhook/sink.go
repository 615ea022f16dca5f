package webhook

import (
	"context"
	"iter"

	"github.com/fettle-io/fettle/alert"
)

// Message is what an Alertmanager message says about itself. All of it is
// untrusted text, and shortened to MaxField bytes each.
type Message struct {
	// ID is given by the receiver: a UUIDv7.
	ID string
	// Receiver and GroupKey are Alertmanager's. They identify no episode: both
	// change with its configuration.
	Receiver, GroupKey string
	// Truncated is how many alerts of the group the sender left out.
	Truncated uint64
	// Reason is notification_reason, empty before Alertmanager 0.32.
	Reason string
	// ExternalURL is where the sender says that it is: for people, never asked.
	ExternalURL string
	// Actor is the authenticated sender.
	Actor string
	// Size is the body's, in bytes.
	Size int64
}

// Taken is what became of a message.
type Taken struct {
	// Seq is the sequence number of the last record that it made; where all of
	// it was known already, of the journal's last record.
	Seq uint64
	// Received alerts were recorded, Repeats needed no record, and Unmatched
	// are those of the received that no playbook is for.
	Received, Repeats, Unmatched int
}

// Sink persists messages. It is used from many goroutines.
type Sink interface {
	// Take persists one message: its alerts in order, then its end. When it
	// returns without an error, everything is on disk. Any error means that it
	// is not, and makes the sender try again. The alerts are bounded
	// (alert.Bound); an error among them has to be returned.
	Take(ctx context.Context, m Message, alerts iter.Seq2[alert.Alert, error]) (Taken, error)
	// Overflow notes that a message over a size limit was refused: its alerts
	// have to be fetched from Alertmanager. Size is in bytes, and what was
	// read of a body whose length was not announced. An error means that it is
	// not on disk, and makes the sender try again.
	Overflow(ctx context.Context, actor string, size int64) error
}
