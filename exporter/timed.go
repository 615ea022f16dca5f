package exporter

import (
	"context"
	"sync"
	"time"
)

// timed is a context that ends at its deadline and not with any other. Its timer starts
// when somebody first waits for that: most collectors read a file and never do, and a
// timer for each of them is a quarter of what a scrape leaves to the garbage collector.
type timed struct {
	context.Context // has the values, and never ends
	until           time.Time

	mu     sync.Mutex
	timer  context.Context // nil: nobody waits
	cancel context.CancelFunc
	ended  bool
}

func newTimed(ctx context.Context, until time.Time) *timed {
	return &timed{Context: context.WithoutCancel(ctx), until: until}
}

// end ends the context before its deadline.
func (c *timed) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended = true; c.cancel != nil {
		c.cancel()
	}
}

// Deadline implements [context.Context].
func (c *timed) Deadline() (time.Time, bool) { return c.until, true }

// Done implements [context.Context].
func (c *timed) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		c.timer, c.cancel = context.WithDeadline(c.Context, c.until)
		if c.ended {
			c.cancel()
		}
	}
	return c.timer.Done()
}

// Err implements [context.Context].
func (c *timed) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.timer != nil:
		return c.timer.Err()
	case c.ended:
		return context.Canceled
	case !time.Now().Before(c.until):
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Value implements [context.Context]. A context that is made of this one finds the timer
// here, and needs no goroutine to end with it.
func (c *timed) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		return c.timer.Value(key)
	}
	return c.Context.Value(key)
}
