package exporter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
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
	until time.Time // nobody waits longer
	done  chan struct{}
	value T
	err   error
}

// do answers with fn's result, or errLate once ctx has ended. Who asks while a
// call is under way shares its result; if that call is late already, the answer
// is errLate at once, and its result, which would be stale, is thrown away. fn's
// context ends a little before ctx, so that fn can still say what it got by then;
// it does not end with the caller, who may not be the only one to wait. A panic
// in fn is an error. ctx must have a deadline.
func (f *flight[T]) do(ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	var none T
	c := f.join(ctx, fn)
	if c == nil {
		return none, fmt.Errorf("an earlier call is still stuck: %w", errLate)
	}
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
	}
	select {
	case <-c.done: // both were ready
		return c.value, c.err
	default:
		return none, errLate
	}
}

// join finds the call under way, or starts one; nil if the one under way is late.
func (f *flight[T]) join(ctx context.Context, fn func(context.Context) (T, error)) *call[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil {
		if time.Now().After(f.current.until) {
			return nil
		}
		return f.current
	}
	until, _ := ctx.Deadline()
	c := &call[T]{until: until, done: make(chan struct{})}
	f.current = c
	go func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), leave(until))
		defer cancel()
		c.value, c.err = protect(ctx, fn)
		f.mu.Lock()
		f.current = nil
		f.mu.Unlock()
		close(c.done)
	}()
	return c
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

func protect[T any](ctx context.Context, fn func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return fn(ctx)
}
