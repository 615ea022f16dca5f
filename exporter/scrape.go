package exporter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	flight    flight[reading]
	failing   atomic.Bool // at the last scrape; only a change is logged
}

// reading is what one call of a collector brought.
type reading struct {
	samples []prometheus.Metric
	err     error
	late    bool // did not come back in time
}

// read calls the collector, or joins the call under way, until ctx ends.
func (c *running) read(ctx context.Context, s *Scrape) reading {
	r, err := c.flight.do(ctx, func(ctx context.Context) (reading, error) {
		var r reading
		var unfit error
		err := c.collector.Collect(ctx, s, func(m *Metric, value float64, labels ...string) {
			sample, err := m.sample(value, labels...)
			if err != nil {
				unfit = err
				return
			}
			r.samples = append(r.samples, sample)
		})
		r.err = errors.Join(err, unfit)
		return r, nil
	})
	if err != nil {
		return reading{err: err, late: errors.Is(err, errLate)}
	}
	return r
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

func (o own) tell(name string, r reading, took time.Duration) []prometheus.Metric {
	var told []prometheus.Metric
	for m, value := range map[*Metric]float64{
		o.success:  boolean(r.err == nil),
		o.duration: took.Seconds(),
		o.timeout:  boolean(r.late),
	} {
		// Cannot fail: the label is a name of the table, the values are finite.
		told = append(told, prometheus.MustNewConstMetric(m.desc, m.Type, value, name))
	}
	return told
}

// scrape reads all of the chosen collectors at once and returns when the last of
// them did, or ctx ended.
func (e *Exporter) scrape(ctx context.Context, chosen []*running) samples {
	s := &Scrape{clusters: e.clusters}
	all := make([][]prometheus.Metric, len(chosen))
	var readings sync.WaitGroup
	for i, c := range chosen {
		readings.Go(func() {
			begin := time.Now()
			r := c.read(ctx, s)
			all[i] = append(e.own.tell(c.Name, r, time.Since(begin)), r.samples...)
			e.note(c, r.err)
		})
	}
	readings.Wait()
	var flat samples
	for _, a := range all {
		flat = append(flat, a...)
	}
	return flat
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

// samples is what one scrape read, as a collector of a registry of its own.
type samples []prometheus.Metric

// Describe tells nothing: which series there are is known when they were read.
func (samples) Describe(chan<- *prometheus.Desc) {}

// Collect hands over the samples.
func (s samples) Collect(ch chan<- prometheus.Metric) {
	for _, m := range s {
		ch <- m
	}
}
