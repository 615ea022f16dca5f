// Package line keeps one connection to one member of a cluster, and puts one question
// at a time to it: a sick server is never asked by many at once, and one that fails
// again and again is left alone for a while. Drivers that speak a protocol over a
// connection of their own (MySQL, PostgreSQL, Redis …) use it.
//
// Line is the connection, Lines those to all members of a cluster, asked at once. HTTP,
// Once and Stream are what a Line is made over; Conn limits what comes in, TLS reads a
// client's certificates, Reason says in a bounded word why a question failed. For a
// driver that stands on all of it, read cluster/nginx/driver.go.
package line

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// How long a member that fails is left alone: not at all after the first failure,
// then for firstPause, and twice as long each time, until mostPause.
const (
	firstPause = time.Second
	mostPause  = 10 * time.Second
)

// fair is how much time a question must have had for its end to say something of the
// member: who asks in a hurry has no one left alone.
const fair = 250 * time.Millisecond

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
// new one. What panics, as libraries may over what a server says, fails. ctx must have
// a deadline.
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
	Deepen()
	until, _ := ctx.Deadline()
	hurried := time.Until(until) < fair
	var conn C
	_, err := protect(func() (err error) {
		conn, err = l.connection(ctx)
		return err
	})
	if err != nil {
		return l.failed(err, true, hurried)
	}
	if panicked, err := protect(func() error { return fn(ctx, conn) }); err != nil {
		return l.failed(err, panicked || !l.o.Usable(err), hurried)
	}
	l.mu.Lock()
	l.failures, l.last = 0, nil
	l.mu.Unlock()
	return nil
}

// protect makes an error of a panic: one member must not end the whole program.
func protect(fn func() error) (panicked bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked, err = true, Because(cluster.BadProtocol, fmt.Errorf("what it says cannot be read: %v", p))
		}
	}()
	return false, fn()
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
// on the member is left alone for a while. That there was no time does not count.
func (l *Line[C]) failed(err error, broken, hurried bool) error {
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
	if hurried && Reason(err) == cluster.Timeout {
		return err
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
