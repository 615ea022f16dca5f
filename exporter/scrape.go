package exporter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
)

const (
	timeoutHeader  = "X-Prometheus-Scrape-Timeout-Seconds"
	defaultTimeout = 10 * time.Second // Prometheus' own default
	maxTimeout     = 10 * time.Minute
	// onTheWire is left for the answer to reach Prometheus.
	onTheWire = 500 * time.Millisecond
)

// deadline is how long a scrape may take: Prometheus' timeout less half a second,
// or half of a timeout that is a second or less.
func deadline(h http.Header) (time.Duration, error) {
	timeout := defaultTimeout
	if s := h.Get(timeoutHeader); s != "" {
		seconds, err := strconv.ParseFloat(s, 64)
		if err != nil || !(seconds > 0) {
			return 0, fmt.Errorf("header %s: want a number of seconds above 0, got %q", timeoutHeader, s)
		}
		timeout = time.Duration(math.Min(seconds, maxTimeout.Seconds()) * float64(time.Second))
	}
	return max(timeout-onTheWire, timeout/2), nil
}

// running is an enabled collector, of which at most one call is under way.
type running struct {
	Entry
	collector Collector
	label     []string // its name, as the values of labels
	flight    flight[*reading]
	spare     atomic.Pointer[reading] // of an earlier call, to be filled again
	failing   atomic.Bool             // at the last scrape; only a change is logged
}

// reading is what one call of a collector brought.
type reading struct {
	samples []sample
	passed  []*dto.MetricFamily // what others wrote
	err     error
	late    bool            // did not come back in time
	call    *call[*reading] // that brought it; nil: none did
}

// read calls the collector, or joins the call under way, until ctx ends. Whoever is done
// with the reading may give it back.
func (c *running) read(ctx context.Context, s *Scrape) reading {
	call, err := c.flight.share(ctx, func(ctx context.Context) (*reading, error) {
		r := c.spare.Swap(nil)
		if r == nil {
			r = &reading{}
		}
		*r = reading{samples: r.samples[:0]}
		var unfit error
		emit := func(m *Metric, value float64, labels ...string) {
			sample, err := m.sample(value, labels)
			if err != nil {
				unfit = err
				return
			}
			r.samples = append(r.samples, sample)
		}
		var err error
		if p, ok := c.collector.(passer); ok {
			r.passed, err = p.pass(ctx, emit)
		} else {
			err = c.collector.Collect(ctx, s, emit)
		}
		r.err = errors.Join(err, unfit)
		return r, nil
	})
	if err != nil {
		return reading{err: err, late: errors.Is(err, errLate)}
	}
	r := *call.value
	r.call = call
	return r
}

// giveBack keeps a reading's samples for a later call, once all who shared it gave it
// back. One that somebody keeps is left to the garbage collector.
func (c *running) giveBack(r reading) {
	if r.call != nil && r.call.last() {
		c.spare.Store(r.call.value)
	}
}

// own are the metrics that the scrape tells of each collector.
type own struct{ success, duration, timeout *Metric }

func newOwn() own {
	return own{
		success:  gauge("fettle_collector_success", "1 if the collector read all that it should.", "collector"),
		duration: gauge("fettle_collector_duration_seconds", "How long this scrape waited for the collector.", "collector"),
		timeout:  gauge("fettle_collector_timeout", "1 if the collector missed the scrape's deadline: its series are absent.", "collector"),
	}
}

// Metrics are the metrics that are told of each collector.
func (o own) Metrics() []*Metric { return []*Metric{o.success, o.duration, o.timeout} }

// told is what a scrape saw of one collector.
type told struct {
	err  error
	late bool
	took time.Duration
}

// samples tells of the chosen collectors, in order, and appends that to samples.
func (o own) samples(samples []sample, chosen []*running, all []told) []sample {
	for i, c := range chosen {
		t := all[i]
		samples = append(samples,
			sample{o.success, boolean(t.err == nil), c.label},
			sample{o.duration, t.took.Seconds(), c.label},
			sample{o.timeout, boolean(t.late), c.label})
	}
	return samples
}

// scrape reads all of the chosen collectors at once onto the page, and returns when
// the last of them did, or ctx ended.
func (e *Exporter) scrape(ctx context.Context, chosen []*running, p *page) {
	// Others may share what is read here: it does not end with who asked first.
	until, _ := ctx.Deadline()
	shared := newTimed(ctx, until)
	s := scrapeOf(shared, e.clusters, e.log)
	p.told = slices.Grow(p.told[:0], len(chosen))[:len(chosen)]
	var readings sync.WaitGroup
	for i, c := range chosen {
		readings.Go(func() {
			begin := time.Now()
			r := c.read(ctx, s)
			err := errors.Join(r.err, p.parts[c].fill(r.samples))
			p.parts[c].passed = r.passed
			c.giveBack(r)
			p.told[i] = told{err, r.late, time.Since(begin)}
			e.note(c, err)
		})
	}
	readings.Wait()
	if ctx.Err() == nil { // everything is back
		shared.end()
	}
	// Cannot have a series twice: the label is a name of the table.
	p.samples = e.own.samples(p.samples[:0], chosen, p.told)
	if e.self != nil {
		p.samples = e.self.appendTo(p.samples)
	}
	_ = p.own.fill(p.samples)
}

// note logs a collector that begins to fail and one that works again.
func (e *Exporter) note(c *running, err error) {
	failed := err != nil
	if c.failing.Swap(failed) == failed {
		return
	}
	if !failed {
		e.log.Info("Collector works again", "collector", c.Name)
		return
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		e.log.Error("Collector panicked", "collector", c.Name, "err", err, "stack", string(p.stack))
		return
	}
	e.log.Warn("Collector fails", "collector", c.Name, "err", err)
}
