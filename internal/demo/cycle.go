package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fettle-io/fettle/journal"
)

// play is a demo under way: a stage, a writer, and the cycles.
type play struct {
	stage   *Stage
	writer  *writer
	clock   func() journal.Reading
	random  *rand.Rand
	screen  *printer
	next    uint64 // the journal's first record that no cycle has taken
	figures []Figure
}

func newPlay(s *Stage, w *writer, screen *printer, seed uint64) (*play, error) {
	clock, err := journal.SystemClock()
	if err != nil {
		return nil, err
	}
	return &play{stage: s, writer: w, clock: clock, screen: screen, random: rand.New(rand.NewPCG(seed, 0))}, nil //nolint:gosec // a choice of members
}

// errNotRepaired ends a demo whose member fettle did not bring back.
var errNotRepaired = errors.New("the member was not repaired")

// patience is how long one repair may take before it has failed. A hung member is
// listened to for 6 s, and Prometheus takes longer to tell that it hangs.
func patience(kind FaultKind) time.Duration {
	if kind == Hang {
		return 2 * time.Minute
	}
	return time.Minute
}

// cycle breaks one member and follows what comes of it. With last, it does not wait
// for the end of the alert.
func (p *play) cycle(ctx context.Context, number int, kind FaultKind, last bool) error {
	member := p.stage.Specs[p.random.IntN(len(p.stage.Specs))]
	probe, err := newProbe(member.Client, p.clock)
	if err != nil {
		return err
	}
	defer probe.close()

	if err := p.jitter(ctx); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience(kind))
	defer cancel()
	c := &course{cycle: number, at: p.clock(), cluster: p.stage.Cluster}
	if c.fault, err = p.stage.Break(within, member.Name, kind); err != nil {
		return err
	}
	p.screen.event(c.begin())
	first := make(chan journal.Reading, 1)
	go func() {
		if at, ok := probe.firstRead(within); ok {
			first <- at
		}
	}()
	if err := p.follow(within, c); err != nil {
		if ctx.Err() == nil && within.Err() != nil {
			return fmt.Errorf("%w within %s: %w", errNotRepaired, patience(kind), err)
		}
		return err
	}
	if err := p.repaired(within, c, first); err != nil || last {
		return err
	}
	return p.settle(ctx, c)
}

// jitter waits for a part of the scrape interval: what came before ended with a
// scrape, and a fault does not wait for one.
func (p *play) jitter(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(p.random.Int64N(int64(p.stage.Interval)))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow prints what Prometheus and the journal tell, until the member is repaired.
func (p *play) follow(ctx context.Context, c *course) error {
	return p.watch(ctx, c, func() (bool, error) {
		if c.repaired == nil && c.over != "" {
			return false, fmt.Errorf("%w: %s", errNotRepaired, c.over)
		}
		return c.repaired != nil, nil
	})
}

// watch takes the journal's records and Prometheus' alert until done says so. The
// alert is asked for before a record of its receipt is shown: it came first.
func (p *play) watch(ctx context.Context, c *course, done func() (bool, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records := make(chan journal.Record)
	ended := make(chan error, 1)
	go func() {
		ended <- journal.Follow(ctx, p.stage.Journal(), p.next, func(r journal.Record) error {
			r.Data, r.Line = bytes.Clone(r.Data), nil
			select {
			case records <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	fired := c.received != nil
	askPrometheus := func() {
		if fired {
			return
		}
		if at, ok := p.firing(ctx, c); ok {
			fired = true
			p.screen.event(c.fired(at))
		}
	}
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("follow the journal: %w", err)
		case <-tick.C:
			askPrometheus()
		case r := <-records:
			p.next = r.Seq + 1
			events, err := c.take(r)
			if err != nil {
				return err
			}
			for _, e := range events {
				if e.Name == eventReceived {
					askPrometheus()
				}
				if e.Name != eventRepaired { // it is shown with its figures
					p.screen.event(e)
				}
			}
			if stop, err := done(); stop || err != nil {
				return err
			}
		}
	}
}

// firing is since when Prometheus' own alert for the course's member is active.
func (p *play) firing(ctx context.Context, c *course) (time.Time, bool) {
	alerts, err := p.stage.Alerts(ctx)
	if err != nil {
		return time.Time{}, false // asked again
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == memberDown && a.Labels["member"] == c.fault.Member && a.State == "firing" && a.ActiveAt.After(c.at.Wall) {
			return a.ActiveAt, true
		}
	}
	return time.Time{}, false
}

// repaired counts what was written, and prints the last line of the timeline.
func (p *play) repaired(ctx context.Context, c *course, first <-chan journal.Reading) error {
	written, err := p.writer.check(ctx)
	if err != nil {
		return err
	}
	var read journal.Reading
	select {
	case read = <-first:
	case <-time.After(2 * probeReply):
		return fmt.Errorf("fettle says that member %s is repaired, but the probe never read through it", c.fault.Member)
	}
	f := c.figures(c.since(read))
	p.figures = append(p.figures, f)
	e := c.end(f, p.stage.Settle, len(written.Lost))
	p.screen.event(e)
	if !p.screen.json {
		for _, line := range f.lines(c.fault.Kind, limitsAt(p.stage.Interval)) {
			p.screen.line("        " + line)
		}
	}
	return written.err()
}

// settle waits until the episode is closed, and everything as it was.
func (p *play) settle(ctx context.Context, c *course) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.watch(ctx, c, func() (bool, error) { return c.closed, nil }); err != nil {
		return fmt.Errorf("waiting for the episode to be closed: %w", err)
	}
	return p.stage.AwaitWhole(ctx)
}
