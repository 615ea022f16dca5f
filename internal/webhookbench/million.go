package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/fettle-io/fettle/webhook"
)

// million makes a fettle know a million fingerprints, and measures the memory that
// it takes, the start on its journal, and how long that takes to be verified.
func (b *bench) million(ctx context.Context) error {
	known, perMessage := 1_000_000, 500
	if b.short {
		known = 100_000
	}
	st, err := b.newStage(ctx, "million", wants{})
	if err != nil {
		return err
	}
	srv, err := b.fettleServe(ctx, st)
	if err != nil {
		return err
	}
	if err := b.known(ctx, st, srv, known, perMessage); err != nil {
		return errors.Join(err, srv.kill())
	}
	if err := srv.stop(); err != nil {
		return err
	}
	c, err := count(st.journal())
	if err != nil {
		return err
	}
	b.figure(figure{name: "records in that journal", value: float64(c.records)})
	var starts []float64
	for range b.rounds() {
		if srv, err = b.fettleServe(ctx, st); err != nil {
			return err
		}
		starts = append(starts, milliseconds(srv.ready))
		if err := srv.stop(); err != nil {
			return err
		}
	}
	b.figure(figure{name: "start on that journal until ready", value: median(starts), unit: "ms", limit: &limit{1000, below}})
	took, err := b.verify(ctx, st)
	if err != nil {
		return err
	}
	b.figure(figure{name: "fettle journal verify --deep", value: took.Seconds(), unit: "s", limit: &limit{10, below}})
	return nil
}

// known sends that many alerts never sent before, and some of them again.
func (b *bench) known(ctx context.Context, st *stage, srv *server, known, perMessage int) error {
	l := load{
		address: st.address, path: webhook.Path, token: st.tokens["webhook"], message: newMessage(unmatchedName, perMessage),
		connections: 4, messages: known / perMessage,
		progress: func(answered int, after time.Duration) {
			b.say("%s of %s alerts after %s", number(float64(answered*perMessage)), number(float64(known)), after.Round(time.Second))
		},
	}
	s := l.run(ctx)
	if err := s.unanswered(); err != nil {
		return err
	}
	now, peak, err := srv.memory()
	if err != nil {
		return err
	}
	b.figure(figure{name: number(float64(known)) + " known fingerprints, resident at most", value: mebibytes(peak), unit: "MiB", limit: &limit{1024, below}})
	b.figure(figure{name: number(float64(known)) + " known fingerprints, resident after", value: mebibytes(now), unit: "MiB"})
	l.messages /= 20
	s = l.run(ctx)
	if err := s.unanswered(); err != nil {
		return err
	}
	repeats, err := srv.metric(ctx, st.tokens["metrics"], "fettle_webhook_alerts_total", `result="repeat"`)
	if err != nil {
		return err
	}
	b.figure(figure{name: "sent again, and known", value: repeats, limit: &limit{float64(s.alerts), exactly}})
	return nil
}

// verify is how long the command takes that folds and checks all of a journal.
func (b *bench) verify(ctx context.Context, st *stage) (time.Duration, error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, b.fettle, "journal", "verify", "--deep", st.journal()) //nolint:gosec // the program under test
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("fettle journal verify --deep: %w: %s", err, out)
	}
	took := time.Since(began)
	b.say("verify --deep used %s of processor time in %s", short(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()), short(took))
	return took, nil
}
