package anchor

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// An Anchor takes checkpoints. Its methods are called by one goroutine at a time.
type Anchor interface {
	// Kind is file, url or syslog.
	Kind() string
	// String names it, for messages.
	String() string
	// Send hands a signed checkpoint over and returns when it is there, as far as
	// that can be told, or when ctx is done.
	Send(ctx context.Context, note []byte) error
}

const (
	// sendTimeout bounds one Send.
	sendTimeout = 10 * time.Second
	// idle is after how long a checkpoint that has not changed is sent again, so
	// that silence means something.
	idle = time.Hour
)

// Options is what a Keeper needs.
type Options struct {
	// Latest is the journal's newest signed checkpoint.
	Latest  func() ([]byte, error)
	Anchors []Anchor
	// Every is the least time between two checkpoints to one anchor.
	Every   time.Duration
	Metrics *Metrics
	Log     *slog.Logger
}

// Keeper sends each new checkpoint to every anchor. An anchor that does not answer
// holds up neither another one nor whoever writes the journal.
type Keeper struct {
	o    Options
	each []*sender
}

// sender is one anchor and what it has.
type sender struct {
	Anchor
	n       int // its place, for the metrics
	last    []byte
	at      time.Time
	failing bool
}

// NewKeeper makes a Keeper.
func NewKeeper(o Options) *Keeper {
	k := &Keeper{o: o}
	for i, a := range o.Anchors {
		k.each = append(k.each, &sender{Anchor: a, n: i})
	}
	o.Metrics.begin(o.Anchors)
	return k
}

// Run sends at once, and then what is new, until ctx is done.
func (k *Keeper) Run(ctx context.Context) {
	k.all(func(s *sender) {
		tick := time.NewTicker(k.o.Every)
		defer tick.Stop()
		for {
			k.send(ctx, s)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// Finish sends the last checkpoint, once Run and the journal have ended.
func (k *Keeper) Finish(ctx context.Context) {
	k.all(func(s *sender) { k.send(ctx, s) })
}

func (k *Keeper) all(fn func(*sender)) {
	var all sync.WaitGroup
	for _, s := range k.each {
		all.Go(func() { fn(s) })
	}
	all.Wait()
}

func (k *Keeper) send(ctx context.Context, s *sender) {
	if ctx.Err() != nil {
		return
	}
	note, err := k.o.Latest()
	if err == nil && bytes.Equal(note, s.last) && time.Since(s.at) < idle {
		return
	}
	if err == nil {
		one, cancel := context.WithTimeout(ctx, sendTimeout)
		err = s.Send(one, note)
		cancel()
	}
	if err != nil {
		if ctx.Err() != nil {
			return // the end has come in between; Finish tries again
		}
		k.o.Metrics.failed(s.Kind())
		if !s.failing {
			k.o.Log.Warn("a checkpoint could not be anchored, it is tried again", "kind", s.Kind(), "anchor", s.String(), "every", k.o.Every, "err", err)
		}
		s.failing = true
		return
	}
	if s.failing {
		k.o.Log.Info("checkpoints are anchored again", "kind", s.Kind(), "anchor", s.String())
	}
	s.last, s.at, s.failing = note, time.Now(), false
	k.o.Metrics.sent(s.n, s.at)
}
