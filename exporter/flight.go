package exporter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// errLate is the answer of a call that did not come back in time.
var errLate = errors.New("missed the deadline")

// flight lets at most one call be under way. Some of what is asked here cannot be
// interrupted (statfs on a dead mount sleeps in the kernel), so the call is left
// behind at the deadline, and not made a second time before it came back.
type flight[T any] struct {
	mu      sync.Mutex
	current *call[T]
}

type call[T any] struct {
	until time.Time     // nobody waits longer
	given time.Duration // the time that there was for it
	done  chan struct{}
	value T
	err   error
	users atomic.Int32 // who joined and did not leave
}

// last takes the caller from those who joined, and tells that no other is left: nobody
// reads the value any more. Who went away at its deadline never leaves.
func (c *call[T]) last() bool { return c.users.Add(-1) == 0 }

// do answers with fn's result, or errLate once ctx has ended. Who asks while a
// call is under way shares its result, unless that call had much less time than who
// asks has; if that call is late already, the answer
// is errLate at once, and its result, which would be stale, is thrown away. fn's
// context ends a little before ctx, so that fn can still say what it got by then;
// it does not end with the caller, who may not be the only one to wait. A panic
// in fn is an error. ctx must have a deadline.
func (f *flight[T]) do(ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	c, err := f.share(ctx, fn)
	if c == nil {
		var none T
		return none, err
	}
	return c.value, err
}

// share is do for who gives back what the value is made of: it answers with the call,
// nil if that was late.
func (f *flight[T]) share(ctx context.Context, fn func(context.Context) (T, error)) (*call[T], error) {
	return f.join(ctx, func(until time.Time) (T, error) {
		ctx := newTimed(ctx, leave(until))
		defer ctx.end()
		return fn(ctx)
	})
}

// ask is do for an fn that no context can end.
func (f *flight[T]) ask(ctx context.Context, fn func() (T, error)) (T, error) {
	c, err := f.join(ctx, func(time.Time) (T, error) { return fn() })
	if c == nil {
		var none T
		return none, err
	}
	return c.value, err
}

func (f *flight[T]) join(ctx context.Context, fn func(until time.Time) (T, error)) (*call[T], error) {
	until, _ := ctx.Deadline()
	for {
		c, joined := f.call(until, fn)
		if c == nil {
			return nil, fmt.Errorf("an earlier call is still stuck: %w", errLate)
		}
		hurried := joined && c.given < time.Until(until)/2
		select {
		case <-c.done:
		case <-ctx.Done():
			select {
			case <-c.done: // both were ready
				return c, c.err
			default:
				return nil, errLate
			}
		}
		if !hurried || ctx.Err() != nil {
			return c, c.err
		}
		c.users.Add(-1) // its result is what whoever was in a hurry got
	}
}

// call finds the call under way, or starts one; nil if the one under way is late.
func (f *flight[T]) call(until time.Time, fn func(until time.Time) (T, error)) (c *call[T], joined bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.current; c != nil {
		if time.Now().After(c.until) {
			return nil, false
		}
		c.users.Add(1)
		return c, true
	}
	c = &call[T]{until: until, given: time.Until(until), done: make(chan struct{})}
	c.users.Add(1)
	f.current = c
	go func() {
		c.value, c.err = protect(until, fn)
		f.mu.Lock()
		f.current = nil
		f.mu.Unlock()
		close(c.done)
	}()
	return c, false
}

// settle waits until no call is under way, until ctx ends.
func (f *flight[T]) settle(ctx context.Context) {
	f.mu.Lock()
	c := f.current
	f.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case <-c.done:
	case <-ctx.Done():
	}
}

// idle tells that no call is under way.
func (f *flight[T]) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current == nil
}

// leave is a deadline that leaves room to hand on what was got: a tenth of the
// time there is, 250 ms at most.
func leave(until time.Time) time.Time {
	return until.Add(-min(250*time.Millisecond, time.Until(until)/10))
}

// panicError is a panic in a collector or a driver, as an error.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func protect[T any](until time.Time, fn func(time.Time) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return fn(until)
}
