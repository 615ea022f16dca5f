package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/webhook"
)

// stormAlerts is how many alerts a storm has, ten for each target of the fleet.
const stormAlerts = 100_000

// shape is how a storm is sent.
type shape struct {
	name   string
	alerts int     // in a message
	rate   float64 // messages a second; 0: one message, and its time is only told
}

// stormMemory is what a storm is held to, and stormWithin the p99 of its answers.
const (
	stormMemory  = 256 // MiB
	stormWithin  = time.Second
	stormLongest = 2 * time.Minute // then what is left is not sent
)

// storm sends the same 100,000 alerts in three shapes, each to a fake fleet that
// begins anew. Every target looks failing, one playbook at auto is for all of them,
// and its action takes something away, so that the storm guard is asked.
func (b *bench) storm(ctx context.Context) error {
	for _, s := range []shape{
		{"1 message", stormAlerts, 0},
		{"1,000 messages", 100, 100},
		{"100,000 messages", 1, 1500},
	} {
		if err := b.stormOf(ctx, s); err != nil {
			return fmt.Errorf("in %s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) stormOf(ctx context.Context, s shape) error {
	alerts := stormAlerts
	if b.short && s.alerts == 1 {
		alerts = 3 * int(s.rate) // of which fewer are enough to see whether it runs
	}
	st, err := b.newStage(ctx, "storm-"+strconv.Itoa(s.alerts), wants{autonomy: "auto", fleet: true})
	if err != nil {
		return err
	}
	file := filepath.Join(st.dir, "applies")
	srv, err := b.serve(ctx, st, append(b.profiled("storm-"+strconv.Itoa(s.alerts)), "--failing="+strconv.Itoa(targets), "--applies="+file)...)
	if err != nil {
		return err
	}
	l := load{
		address: st.address, path: webhook.Path, token: st.tokens["webhook"], message: newMessage(matchedName, s.alerts),
		connections: 16, messages: alerts / s.alerts, rate: s.rate, longest: stormLongest,
		progress: func(answered int, after time.Duration) {
			now, peak, _ := srv.memory()
			b.say("%s: %d answered after %s, %.0f MiB resident, %.0f MiB at most", s.name, answered, after.Round(time.Second), mebibytes(now), mebibytes(peak))
		},
	}
	if l.messages == 1 {
		l.connections = 1
	}
	own, theirs := ownProcessor(), processorOf(srv)
	got := l.run(ctx)
	own, theirs = ownProcessor()-own, processorOf(srv)-theirs
	b.say("%s: sent in %s (%s alerts/s); processor: the fake fleet %.2f, generator %.2f of a core; %v", s.name, got.took.Round(time.Millisecond), number(got.alertRate()),
		theirs.Seconds()/got.took.Seconds(), own.Seconds()/got.took.Seconds(), got.statuses)
	if err := b.stormHolds(ctx, srv); err != nil {
		return errors.Join(err, srv.kill())
	}
	b.stormFigures(ctx, s, st, srv, got)
	if err := srv.stop(); err != nil {
		return err
	}
	return b.stormRecords(s, st, file, alerts, got)
}

// stormHolds gives every target three more looks.
func (b *bench) stormHolds(ctx context.Context, srv *server) error {
	looks := 15 * time.Second
	if b.short {
		looks = 6 * time.Second
	}
	began, before := time.Now(), processorOf(srv)
	select {
	case <-srv.ended:
		return errors.New("the fake fleet ended")
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(looks):
	}
	b.say("and for %s of looks at the targets: %.2f of a core", looks, (processorOf(srv)-before).Seconds()/time.Since(began).Seconds())
	return nil
}

// stormFigures takes what only the running process knows.
func (b *bench) stormFigures(ctx context.Context, s shape, st *stage, srv *server, got sent) {
	now, peak, err := srv.memory()
	if err != nil {
		b.say("memory: %s", err)
	}
	b.figure(figure{name: s.name + ", resident at most", value: mebibytes(peak), unit: "MiB", limit: &limit{stormMemory, below}})
	b.figure(figure{name: s.name + ", resident after it", value: mebibytes(now), unit: "MiB"})
	if s.rate > 0 {
		b.figure(figure{
			name: s.name + ", p99 of the answers at " + number(s.rate) + "/s", value: milliseconds(quantile(got.latency, .99)), unit: "ms",
			limit: &limit{milliseconds(stormWithin), below},
		})
	} else {
		b.figure(figure{name: s.name + ", answered after", value: milliseconds(got.took), unit: "ms"})
	}
	refused, err := srv.metric(ctx, st.tokens["metrics"], "fettle_guard_refusals_total", `guard="storm"`)
	if err != nil {
		b.say("/metrics: %s", err)
	}
	b.figure(figure{name: s.name + ", refusals by the storm guard", value: refused, limit: &limit{0, above}})
}

// stormRecords takes what the journal and the fake fleet say at the end.
func (b *bench) stormRecords(s shape, st *stage, applies string, alerts int, got sent) error {
	c, err := count(st.journal())
	if err != nil {
		return err
	}
	applied, err := readApplies(applies)
	if err != nil {
		return err
	}
	b.figure(figure{name: s.name + ", acknowledged", value: float64(got.alerts), limit: &limit{float64(alerts), exactly}})
	b.figure(figure{name: s.name + ", records `received`", value: float64(c.types[repair.TypeReceived]), limit: &limit{float64(alerts), exactly}})
	b.figure(figure{name: s.name + ", targets acted on", value: float64(len(applied)), limit: &limit{0, exactly}})
	b.figure(figure{name: s.name + ", runs opened", value: float64(c.types[repair.TypePlanned])})
	b.figure(figure{name: s.name + ", runs live at once, at most", value: float64(c.liveMost)})
	b.figure(figure{name: s.name + ", records in all", value: float64(c.records)})
	return nil
}

func processorOf(srv *server) time.Duration {
	d, err := srv.processor()
	if err != nil {
		return 0
	}
	return d
}
