package line

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Timing says how long a look at a whole cluster may take, and by which clock. The zero
// value is ready for use.
type Timing struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Lines are the lines to all members of one cluster: what a driver asks them over, all
// at once. Their methods may be called at the same time.
type Lines[C any] struct {
	Cluster cluster.Cluster

	timing Timing
	each   []*Line[C] // in the order of Cluster.Members
}

// ToMembers makes the lines of c, which must be of this kind; to says how a member is
// reached, and its errors are of the configuration. It connects to nothing yet.
func ToMembers[C any](c cluster.Cluster, kind cluster.Kind, t Timing, to func(cluster.Member) (Options[C], error)) (*Lines[C], error) {
	if c.Kind != kind {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, kind)
	}
	if t.Timeout <= 0 {
		t.Timeout = time.Second
	}
	if t.Now == nil {
		t.Now = time.Now
	}
	l := &Lines[C]{Cluster: c, timing: t}
	for _, m := range c.Members {
		o, err := to(m)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		o.Now = t.Now
		l.each = append(l.each, New(o))
	}
	return l, nil
}

// Client is how a member is reached by a client that connects itself, such as an HTTP:
// it is there at once, and is closed after a failure that is not usable (see Options).
func Client[C interface{ Close() }](c C, usable func(error) bool) Options[C] {
	return Options[C]{
		Dial:   func(context.Context) (C, error) { return c, nil },
		Close:  func(c C) { c.Close() },
		Usable: usable,
	}
}

// Now is the time by the clock of the lines.
func (l *Lines[C]) Now() time.Time { return l.timing.Now() }

// Close closes every line.
func (l *Lines[C]) Close() error {
	for _, one := range l.each {
		one.Close()
	}
	return nil
}

// Ask puts a question to all members at once, and returns what each said, in the order
// of Cluster.Members. question has the lines' timeout, and must heed the end of its ctx.
func Ask[C, A any](ctx context.Context, l *Lines[C], question func(context.Context, *Line[C]) A) []A {
	ctx, cancel := context.WithTimeout(ctx, l.timing.Timeout)
	defer cancel()
	said := make([]A, len(l.each))
	var all sync.WaitGroup
	for i, one := range l.each {
		all.Go(func() { said[i] = question(ctx, one) })
	}
	all.Wait()
	return said
}

// View is Ask where each member speaks for itself alone: question writes into its row
// what it says. One of which question fails has Reachable false and a bounded Error.
func (l *Lines[C]) View(ctx context.Context, question func(context.Context, C, *cluster.MemberView) error) cluster.View {
	rows := Ask(ctx, l, func(ctx context.Context, one *Line[C]) (row cluster.MemberView) {
		if err := one.Do(ctx, func(ctx context.Context, c C) error { return question(ctx, c, &row) }); err != nil {
			row = cluster.MemberView{} // half of an answer is none
			Blame(&row, err)
		}
		return row
	})
	for i, m := range l.Cluster.Members {
		rows[i].Name = m.Name
	}
	return cluster.View{Cluster: l.Cluster.Name, Kind: l.Cluster.Kind, Members: rows}
}
