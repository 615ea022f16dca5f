package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/probe"
)

type probeCollector struct {
	probes []*watchedProbe
	log    *slog.Logger

	success, failures, failing, failure                                           *Metric // state
	duration, phase, last, expiry, statusCode, dnsRecords, roundTrip, packetsLost *Metric // measured
	answered, strange                                                             *Metric // of names that lead to a cluster
}

func newProbe(h Host) Collector {
	l := []string{"probe", "kind", "cluster", "member"}
	c := &probeCollector{
		log:         h.logger(),
		success:     gauge("fettle_probe_success", "1 if the probe that this scrape made was in order.", l...),
		failures:    gauge("fettle_probe_failures", "How many probes in a row failed, this one included.", l...),
		failing:     gauge("fettle_probe_failing", "1 if as many probes in a row failed as its threshold says.", l...),
		failure:     gauge("fettle_probe_failure", "1 for the reason why the probe failed, 0 for the others.", append(l, "reason")...),
		duration:    gauge("fettle_probe_duration_seconds", "How long the probe was at it. Absent if it did not come back in time.", l...),
		phase:       gauge("fettle_probe_phase_duration_seconds", "How long a part of the probe took. Absent if it did not come to its end.", append(l, "phase")...),
		last:        gauge("fettle_probe_last_success_timestamp_seconds", "When the probe was in order last, as a Unix time. Absent if it never was since the exporter's start or its last reload.", l...),
		expiry:      gauge("fettle_probe_certificate_expiry_timestamp_seconds", "When the first certificate of the server's chain expires, trusted or not, as a Unix time. Absent if none was seen.", l...),
		statusCode:  gauge("fettle_probe_http_status_code", "The status of the answer. Absent if there was none.", l...),
		dnsRecords:  gauge("fettle_probe_dns_records", "Records of the type that was asked for. Absent if the name server told neither records nor that there are none.", l...),
		roundTrip:   gauge("fettle_probe_icmp_rtt_seconds", "Mean round trip of the packets that were answered. Absent if none was.", l...),
		packetsLost: gauge("fettle_probe_icmp_loss_ratio", "Share of the packets that were not answered. Absent if none could be sent.", l...),
	}
	c.answered = gauge("fettle_probe_dns_answered", "1 if the name's answer has this address of the cluster that it leads to. Absent if there was no answer.", "probe", "cluster", "member", "address")
	c.strange = gauge("fettle_probe_dns_strange_answers", "Addresses in the name's answer that are none of the cluster's that it leads to. Absent if there was no answer.", "probe", "cluster")
	for _, p := range h.Probes {
		c.probes = append(c.probes, &watchedProbe{Prober: p, labels: []string{p.Name, string(p.Kind), p.Cluster, p.Member}, leads: leads(p.Probe, h.Declared.Clusters)})
	}
	return c
}

func (c *probeCollector) Metrics() []*Metric {
	return []*Metric{
		c.success, c.failures, c.failing, c.failure,
		c.duration, c.phase, c.last, c.expiry, c.statusCode, c.dnsRecords, c.roundTrip, c.packetsLost, c.answered, c.strange,
	}
}

// watchedProbe is a probe of which at most one is under way.
type watchedProbe struct {
	*probe.Prober
	labels []string
	leads  []destination // of a name that leads to a cluster
	flight flight[probed]

	mu   sync.Mutex
	seen probed // last
}

// probed is one probe that was made, and those before it.
type probed struct {
	probe.Result
	failures int       // in a row
	success  time.Time // the last one; zero: none
}

// Collect makes all probes at once, each with its own limit and all before ctx ends.
func (c *probeCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(ctx, leave(until)) // what they saw is still to be emitted
	defer cancel()
	all, errs := make([]probed, len(c.probes)), make([]error, len(c.probes))
	var made sync.WaitGroup
	for i, p := range c.probes {
		made.Go(func() { all[i], errs[i] = p.make(ctx, c.log) })
	}
	made.Wait()
	for i, p := range c.probes {
		c.tell(p, all[i], errs[i], emit)
		if errs[i] != nil {
			errs[i] = fmt.Errorf("probe %q: %w", p.Name, errs[i])
		}
	}
	return errors.Join(errs...)
}

// fairProbe is how much time a probe must have had for it to count that nobody answered:
// the count is shared with those who ask with more.
const fairProbe = 250 * time.Millisecond

// make makes the probe, or joins the one under way. Only one that was made counts.
func (p *watchedProbe) make(ctx context.Context, log *slog.Logger) (probed, error) {
	got, err := p.flight.do(ctx, func(ctx context.Context) (probed, error) {
		until, _ := ctx.Deadline()
		hurried := time.Until(until) < fairProbe
		r := p.Do(ctx)
		if hurried && r.Reason == cluster.Timeout {
			p.mu.Lock()
			defer p.mu.Unlock()
			return probed{Result: r, failures: p.seen.failures, success: p.seen.success}, nil
		}
		return p.count(r, time.Now(), log), nil
	})
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		return probed{failures: p.seen.failures, success: p.seen.success}, err
	}
	return got, nil
}

// count keeps what a probe saw, and logs what changed.
func (p *watchedProbe) count(r probe.Result, now time.Time, log *slog.Logger) probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.seen.Reason
	p.seen.Result = r
	if r.Reason == "" {
		p.seen.failures, p.seen.success = 0, now
	} else {
		p.seen.failures++
	}
	switch {
	case r.Reason == before:
	case r.Reason == "":
		log.Info("A probe succeeds again", "probe", p.Name)
	default:
		log.Warn("A probe fails", "probe", p.Name, "kind", p.Kind, "reason", r.Reason, "err", r.Why)
	}
	return p.seen
}

// tell emits what a probe saw. One that did not come back has failed, for nobody got
// an answer in time.
func (c *probeCollector) tell(p *watchedProbe, got probed, late error, emit Emit) {
	reason := got.Reason
	if late != nil {
		reason = cluster.Timeout
	}
	emit(c.success, boolean(reason == ""), p.labels...)
	emit(c.failures, float64(got.failures), p.labels...)
	emit(c.failing, boolean(got.failures >= p.Failures), p.labels...)
	for _, r := range probe.Reasons() {
		emit(c.failure, boolean(r == reason), slices.Concat(p.labels, []string{r})...)
	}
	if !got.success.IsZero() {
		emit(c.last, float64(got.success.UnixNano())/1e9, p.labels...)
	}
	if late != nil {
		return
	}
	emit(c.duration, got.Took.Seconds(), p.labels...)
	for _, phase := range got.Phases {
		emit(c.phase, phase.Took.Seconds(), slices.Concat(p.labels, []string{phase.Name})...)
	}
	if !got.Expires.IsZero() {
		emit(c.expiry, float64(got.Expires.Unix()), p.labels...)
	}
	if got.Status > 0 {
		emit(c.statusCode, float64(got.Status), p.labels...)
	}
	if p.Kind == probe.DNS && got.Records >= 0 {
		emit(c.dnsRecords, float64(got.Records), p.labels...)
		c.compare(p, got.Answers, emit)
	}
	if e := got.Echo; e != nil && e.Sent > 0 {
		emit(c.packetsLost, float64(e.Sent-e.Received)/float64(e.Sent), p.labels...)
		if e.Received > 0 {
			emit(c.roundTrip, e.RTT.Seconds(), p.labels...)
		}
	}
}
