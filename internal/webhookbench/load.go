package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is what is sent at one server.
type load struct {
	address, path, token string
	message              *message
	connections          int
	// first is the number of the first alert: message n carries those from
	// first + n × alerts on.
	first uint64
	// rate is messages a second, sent by a schedule that is fixed beforehand (open
	// loop); 0: each connection sends as soon as it has its answer (closed loop).
	rate float64
	// messages bounds how many are sent, lasts for how long; 0: not by that.
	messages int
	lasts    time.Duration
	// longest is when it is given up, however much is left to send; 0: never.
	longest time.Duration
	// fragile ends a connection's part with its first error: the server is about
	// to be killed.
	fragile bool
	// progress, if set, is told now and then how many were answered.
	progress func(answered int, after time.Duration)
}

// sent is what became of a load.
type sent struct {
	began        time.Time // the schedule's first time
	messages, ok int
	numbers      []uint64 // the first alert of each message that was answered 200
	alerts       int      // in the messages that were answered 200
	took         time.Duration
	// latency of each that was answered 200: in open loop from the scheduled time
	// on, so that a slow answer also counts for those that had to wait behind it.
	latency []time.Duration
	// late is how long after its scheduled time each was sent.
	late     []time.Duration
	statuses map[int]int
	err      error // the last one of a connection
}

// rate is messages answered 200 a second.
func (s sent) rate() float64 { return float64(s.ok) / s.took.Seconds() }

// alertRate is alerts acknowledged a second.
func (s sent) alertRate() float64 { return float64(s.alerts) / s.took.Seconds() }

// unanswered says what was not answered 200, nil where all was.
func (s sent) unanswered() error {
	if s.ok == s.messages {
		return nil
	}
	err := fmt.Errorf("%d of %d messages were not answered 200, by status: %v", s.messages-s.ok, s.messages, s.statuses)
	return errors.Join(err, s.err)
}

// run sends it.
func (l load) run(ctx context.Context) sent {
	if l.lasts > 0 && l.rate > 0 {
		l.messages = int(l.rate * l.lasts.Seconds())
	}
	if l.rate > 0 {
		// Who waits in the kernel for its time keeps one of the runtime's processors for
		// up to 10 ms. Were there fewer than connections, answers that are there would
		// wait for a reader, and the generator would measure itself.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(l.connections + 2))
	}
	var (
		next, answered atomic.Int64
		all            sync.WaitGroup
		parts          = make([]sent, l.connections)
	)
	start := time.Now()
	for i := range parts {
		all.Go(func() { parts[i] = l.work(ctx, start, &next, &answered) })
	}
	stop := l.report(start, &answered)
	all.Wait()
	stop()
	whole := sent{began: start, took: time.Since(start), statuses: map[int]int{}}
	for _, p := range parts {
		whole.messages += p.messages
		whole.ok += p.ok
		whole.numbers = append(whole.numbers, p.numbers...)
		whole.latency = append(whole.latency, p.latency...)
		whole.late = append(whole.late, p.late...)
		for status, n := range p.statuses {
			whole.statuses[status] += n
		}
		if p.err != nil {
			whole.err = p.err
		}
	}
	whole.alerts = whole.ok * len(l.message.marks)
	slices.Sort(whole.latency)
	slices.Sort(whole.late)
	return whole
}

// work is one connection's part.
func (l load) work(ctx context.Context, start time.Time, next, answered *atomic.Int64) sent {
	s := sent{statuses: map[int]int{}}
	c := connection{address: l.address}
	defer func() { s.err = cmpErr(s.err, c.close()) }()
	p := newPost(l.message, l.path, l.token)
	for ctx.Err() == nil {
		n := next.Add(1) - 1
		if l.messages > 0 && n >= int64(l.messages) || l.lasts > 0 && l.rate == 0 && time.Since(start) >= l.lasts {
			break
		}
		if l.longest > 0 && time.Since(start) >= l.longest {
			break
		}
		number := l.first + uint64(n)*uint64(len(l.message.marks)) //nolint:gosec // counts from 0
		p.number(number)
		due := time.Now()
		if l.rate > 0 {
			due = start.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			waitUntil(due)
			s.late = append(s.late, time.Since(due))
		}
		status, err := c.send(ctx, p.bytes)
		s.messages++
		answered.Add(1)
		switch {
		case err != nil:
			s.err = err
		case status == 200:
			s.ok++
			s.numbers = append(s.numbers, number)
			s.latency = append(s.latency, time.Since(due))
		}
		s.statuses[status]++
		if err != nil && l.fragile {
			break
		}
	}
	return s
}

func (l load) report(start time.Time, answered *atomic.Int64) (stop func()) {
	if l.progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				l.progress(int(answered.Load()), time.Since(start))
			}
		}
	})
	return func() { close(done); all.Wait() }
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// quantile of what is sorted; 0 of nothing.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// median of a few rounds.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
