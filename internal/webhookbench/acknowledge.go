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
// how many at saturation, and how late the answers are at half of the rate that is
// demanded, and at half of what it managed.
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
	demanded := a.atLeast / float64(a.alerts) / 2
	var rates, shares []float64
	var atDemanded, atManaged delays
	for round := range t.rounds() {
		l := load{message: m, connections: a.connections, lasts: t.lasts()}
		own, theirs := ownProcessor(), processorOf(t.server)
		s, err := t.send(ctx, l)
		if err != nil {
			return err
		}
		own, theirs = ownProcessor()-own, processorOf(t.server)-theirs
		rates, shares = append(rates, s.rate()*float64(a.alerts)), append(shares, 100*float64(own)/float64(own+theirs))
		t.say("round %d: closed loop %s %s, p99 %s; processor: fettle %.2f, generator %.2f of a core", round+1, number(rates[round]), a.unit,
			short(quantile(s.latency, .99)), theirs.Seconds()/s.took.Seconds(), own.Seconds()/s.took.Seconds())
		for _, at := range []struct {
			rate float64
			into *delays
		}{{demanded, &atDemanded}, {s.rate() / 2, &atManaged}} {
			l.rate = at.rate
			if s, err = t.send(ctx, l); err != nil {
				return err
			}
			at.into.add(s)
			t.say("round %d: open loop at %s messages/s: p50 %s, p99 %s, worst %s from the scheduled time (sent late by: p99 %s)", round+1, number(l.rate),
				short(quantile(s.latency, .5)), short(quantile(s.latency, .99)), short(quantile(s.latency, 1)), short(quantile(s.late, .99)))
		}
	}
	t.figure(figure{name: a.name + ", acknowledged", value: median(rates), unit: a.unit, limit: &limit{a.atLeast, atLeast}})
	t.figure(figure{name: a.name + ", p50 at half of the limit", value: median(atDemanded.p50), unit: "ms"})
	t.figure(figure{name: a.name + ", p99 at half of the limit", value: median(atDemanded.p99), unit: "ms", limit: &limit{milliseconds(within), below}})
	t.figure(figure{name: a.name + ", p50 at half of what it managed", value: median(atManaged.p50), unit: "ms"})
	t.figure(figure{name: a.name + ", p99 at half of what it managed", value: median(atManaged.p99), unit: "ms"})
	t.figure(figure{name: a.name + ", the generator's share of the processor time", value: median(shares), unit: "%"})
	return nil
}

// delays are the rounds' quantiles, in milliseconds.
type delays struct{ p50, p99 []float64 }

func (d *delays) add(s sent) {
	d.p50 = append(d.p50, milliseconds(quantile(s.latency, .5)))
	d.p99 = append(d.p99, milliseconds(quantile(s.latency, .99)))
}

// short is a duration for people.
func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

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
