package main

import (
	"context"
	"errors"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/webhook"
)

// acknowledgement is one size of message and what it is held to.
type acknowledgement struct {
	name        string
	alerts      int
	connections int
	atLeast     float64 // alerts, or messages of one, a second
	unit        string
}

// within is what every p99 of an acknowledgement at half the rate is held to.
const within = 10 * time.Millisecond

// acknowledge measures how fast alerts that were never sent before are made durable
// and answered, by the shipped program with its journal on the disk and tokens on:
// how many at saturation, and how late the answers are at half of that.
func (b *bench) acknowledge(ctx context.Context) error {
	st, err := b.newStage(ctx, "acknowledge", wants{})
	if err != nil {
		return err
	}
	srv, err := b.fettleServe(ctx, st)
	if err != nil {
		return err
	}
	t := tally{bench: b, stage: st, server: srv}
	for _, a := range []acknowledgement{
		{"messages of 50", 50, 16, 20_000, "alerts/s"},
		{"messages of 1", 1, 16, 3_000, "messages/s"},
	} {
		if err := t.measure(ctx, a); err != nil {
			return errors.Join(err, srv.kill())
		}
	}
	if err := srv.stop(); err != nil {
		return err
	}
	return t.check()
}

// tally counts what one server acknowledged.
type tally struct {
	*bench
	stage  *stage
	server *server
	next   uint64 // the first number that was never sent
	acked  int
}

// send sends a load of numbers never sent before, and demands 200 for all of it.
func (t *tally) send(ctx context.Context, l load) (sent, error) {
	l.address, l.path, l.token, l.first = t.server.address, webhook.Path, t.stage.tokens["webhook"], t.next
	s := l.run(ctx)
	t.next += uint64(s.messages) * uint64(len(l.message.marks)) //nolint:gosec // counts from 0
	t.acked += s.alerts
	return s, s.unanswered()
}

func (t *tally) measure(ctx context.Context, a acknowledgement) error {
	m := newMessage(unmatchedName, a.alerts)
	t.say("%s: %d alerts, %d bytes, %d connections", a.name, a.alerts, len(m.body), a.connections)
	var rates, p50, p99, shares []float64
	for round := range t.rounds() {
		l := load{message: m, connections: a.connections}
		l.lasts = t.lasts()
		own, theirs := ownProcessor(), processorOf(t.server)
		s, err := t.send(ctx, l)
		if err != nil {
			return err
		}
		own, theirs = ownProcessor()-own, processorOf(t.server)-theirs
		rate := s.rate()
		if a.alerts > 1 {
			rate = s.alertRate()
		}
		rates, shares = append(rates, rate), append(shares, 100*float64(own)/float64(own+theirs))
		t.say("round %d: closed loop %s %s, p99 %s; processor: fettle %.2f, generator %.2f of a core", round+1, number(rate), a.unit,
			quantile(s.latency, .99).Round(10*time.Microsecond), theirs.Seconds()/s.took.Seconds(), own.Seconds()/s.took.Seconds())

		l.rate = s.rate() / 2
		s, err = t.send(ctx, l)
		if err != nil {
			return err
		}
		p50, p99 = append(p50, milliseconds(quantile(s.latency, .5))), append(p99, milliseconds(quantile(s.latency, .99)))
		t.say("round %d: open loop at %s messages/s: p50 %s, p99 %s, worst %s from the scheduled time (sent late by: p99 %s)", round+1, number(l.rate),
			quantile(s.latency, .5).Round(10*time.Microsecond), quantile(s.latency, .99).Round(10*time.Microsecond),
			quantile(s.latency, 1).Round(10*time.Microsecond), quantile(s.late, .99).Round(10*time.Microsecond))
	}
	t.figure(figure{name: a.name + ", acknowledged", value: median(rates), unit: a.unit, limit: &limit{a.atLeast, atLeast}})
	t.figure(figure{name: a.name + ", p50 at half of it", value: median(p50), unit: "ms"})
	t.figure(figure{name: a.name + ", p99 at half of it", value: median(p99), unit: "ms", limit: &limit{milliseconds(within), below}})
	t.figure(figure{name: a.name + ", the generator's share of the processor time", value: median(shares), unit: "%"})
	return nil
}

// check reads the journal: it has one record for each alert that was acknowledged.
func (t *tally) check() error {
	c, err := count(t.stage.journal())
	if err != nil {
		return err
	}
	t.figure(figure{
		name: "records `received`, for alerts acknowledged", value: float64(c.types[repair.TypeReceived]),
		limit: &limit{float64(t.acked), exactly},
	})
	return nil
}
