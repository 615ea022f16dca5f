// Package line keeps one connection to one member of a cluster, and puts one question
// at a time to it: a sick server is never asked by many at once, and one that fails
// again and again is left alone for a while. Drivers that speak a protocol over a
// connection of their own (MySQL, PostgreSQL, Redis …) use it.
//
// Line is the connection, Conn limits what comes in over it, TLS reads a client's
// certificates, Reason says in a bounded word why a question failed.
package line

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How long a member that fails is left alone: not at all after the first failure,
// then for firstPause, and twice as long each time, until mostPause.
const (
	firstPause = time.Second
	mostPause  = 10 * time.Second
)

// Options say how a Line is made.
type Options[C any] struct {
	// Dial makes a connection that can be asked: logged in, its version known.
	Dial func(ctx context.Context) (C, error)
	// Close closes it. It must not wait for the server.
	Close func(C)
	// Usable tells of an error of a question that the connection can be asked again:
	// the server said no. nil: of none.
	Usable func(error) bool
	// Now is the clock.
	Now func() time.Time
}

// Line is one connection to one member, made when it is first asked. Its methods may
// be called at the same time.
type Line[C any] struct {
	o    Options[C]
	turn chan struct{} // one question at a time

	mu       sync.Mutex
	conn     C
	open     bool
	failures int       // in a row
	until    time.Time // not asked before
	last     error
	closed   bool
}

// New makes a Line that has no connection yet.
func New[C any](o Options[C]) *Line[C] {
	if o.Usable == nil {
		o.Usable = func(error) bool { return false }
	}
	return &Line[C]{o: o, turn: make(chan struct{}, 1)}
}

// PausedError tells that the member was not asked, because it failed again and again.
// It unwraps to the last failure.
type PausedError struct {
	For  time.Duration // it is left alone for this long
	Last error
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("not asked for another %s, because it failed again and again: %v", e.For.Round(100*time.Millisecond), e.Last)
}

// Unwrap is the last failure.
func (e *PausedError) Unwrap() error { return e.Last }

var errClosed = errors.New("the line is closed")

// Do puts one question: fn gets the connection, which it must not keep, and a ctx
// whose end it must heed. It waits for its turn, until ctx ends. What fails closes
// the connection, unless Options.Usable says otherwise; the next question makes a
// new one. ctx must have a deadline.
func (l *Line[C]) Do(ctx context.Context, fn func(context.Context, C) error) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return fmt.Errorf("an earlier question is still under way: %w", ctx.Err())
	}
	if err := l.ready(); err != nil {
		return err
	}
	conn, err := l.connection(ctx)
	if err != nil {
		return l.failed(err, true)
	}
	if err := fn(ctx, conn); err != nil {
		return l.failed(err, !l.o.Usable(err))
	}
	l.mu.Lock()
	l.failures, l.last = 0, nil
	l.mu.Unlock()
	return nil
}

func (l *Line[C]) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	if left := l.until.Sub(l.o.Now()); left > 0 {
		return &PausedError{For: left, Last: l.last}
	}
	return nil
}

func (l *Line[C]) connection(ctx context.Context) (C, error) {
	l.mu.Lock()
	conn, open := l.conn, l.open
	l.mu.Unlock()
	if open {
		return conn, nil
	}
	conn, err := l.o.Dial(ctx)
	if err != nil {
		return conn, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.o.Close(conn)
		return conn, errClosed
	}
	l.conn, l.open = conn, true
	return conn, nil
}

// failed counts a failure. One of the connection ends it, and from the second in a row
// on the member is left alone for a while.
func (l *Line[C]) failed(err error, broken bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = err
	if !broken {
		return err
	}
	if l.open {
		l.o.Close(l.conn)
		var none C
		l.conn, l.open = none, false
	}
	l.failures++
	if l.failures > 1 {
		pause := firstPause << min(l.failures-2, 10)
		l.until = l.o.Now().Add(min(pause, mostPause))
	}
	return err
}

// Close closes the connection. A question under way may end with an error.
func (l *Line[C]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.open {
		l.o.Close(l.conn)
		l.open = false
	}
}
