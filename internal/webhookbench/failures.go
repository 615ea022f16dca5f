package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/webhook"
)

// failures does to fettle what goes wrong at the peers, and to the peers as well
// where there are any: the same message again, kill -9 under load, a command that
// fails.
func (b *bench) failures(ctx context.Context) error {
	for _, f := range []func(context.Context) error{b.repeated, b.killed, b.failingCommand} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

// again is how often the same message is sent.
const again = 10

// repeated sends the same messages ten times.
func (b *bench) repeated(ctx context.Context) error {
	const alerts = 30
	st, srv, file, err := b.fleet(ctx, "repeated", alerts)
	if err != nil {
		return err
	}
	l := b.singles(st, alerts)
	var unanswered error
	for range again {
		unanswered = errors.Join(unanswered, l.run(ctx).unanswered())
	}
	if err := errors.Join(unanswered, b.ended(ctx, st, srv), srv.stop()); err != nil {
		return err
	}
	applied, err := readApplies(file)
	if err != nil {
		return err
	}
	twice := 0
	for _, all := range applied {
		if len(all) > 1 {
			twice++
		}
	}
	b.figure(figure{name: "the same message 10 times: targets acted on", value: float64(len(applied)), limit: &limit{alerts, exactly}})
	b.figure(figure{name: "the same message 10 times: acted on more than once", value: float64(twice), limit: &limit{0, exactly}})
	return b.eachPeer(ctx, "repeated", func(p peer, srv *server, ran func() int) error {
		l := load{address: srv.address, path: p.path, message: newMessage(matchedName, 1), connections: 1, messages: 1}
		for range again {
			l.run(ctx)
		}
		err := b.until(ctx, 10*time.Second, func() (bool, error) { return ran() >= again, nil })
		b.figure(figure{name: p.name + ": the same message 10 times, commands started", value: float64(ran())})
		return err
	})
}

// killed kills fettle in the middle of a load: what it answered 200 is in its
// journal, whatever it had come to.
func (b *bench) killed(ctx context.Context) error {
	st, err := b.newStage(ctx, "killed", wants{})
	if err != nil {
		return err
	}
	srv, err := b.fettleServe(ctx, st)
	if err != nil {
		return err
	}
	s, err := b.killUnder(ctx, srv, load{address: st.address, path: webhook.Path, token: st.tokens["webhook"]})
	if err != nil {
		return err
	}
	if srv, err = b.fettleServe(ctx, st); err != nil { // what a crash leaves is for the next start
		return err
	}
	if err := srv.stop(); err != nil {
		return err
	}
	recorded := map[string]bool{}
	err = journal.Read(st.journal(), 0, func(r journal.Record) error {
		if r.Type != repair.TypeReceived {
			return nil
		}
		v, err := decode[repair.Received](r)
		recorded[v.Labels["check"]] = true
		return err
	})
	if err != nil {
		return err
	}
	lost := 0
	for _, n := range s.numbers {
		if !recorded[fmt.Sprintf("%0*d", checkDigits, n)] {
			lost++
		}
	}
	b.figure(figure{name: "kill -9: lost of " + number(float64(s.ok)) + " acknowledged", value: float64(lost), limit: &limit{0, exactly}})
	return b.eachPeer(ctx, "killed", func(p peer, srv *server, ran func() int) error {
		s, err := b.killUnder(ctx, srv, load{address: srv.address, path: p.path})
		if err != nil {
			return err
		}
		waitUntil(time.Now().Add(2 * time.Second)) // for the commands that outlive it
		b.figure(figure{name: p.name + ": kill -9, commands not started of " + number(float64(s.ok)) + " answered", value: float64(max(0, s.ok-ran()))})
		return nil
	})
}

// killUnder kills a server after a second under load.
func (b *bench) killUnder(ctx context.Context, srv *server, l load) (sent, error) {
	l.message, l.connections, l.fragile, l.longest = newMessage(unmatchedName, 1), 16, true, 20*time.Second
	done := make(chan sent, 1)
	go func() { done <- l.run(ctx) }()
	waitUntil(time.Now().Add(time.Second))
	err := srv.kill()
	s := <-done
	if s.ok == 0 {
		err = errors.Join(err, errors.New("nothing was answered before the kill"))
	}
	return s, err
}

// failingCommand has every Apply of a fifth of the fleet fail.
func (b *bench) failingCommand(ctx context.Context) error {
	const alerts = 2000
	st, srv, file, err := b.fleet(ctx, "failing", alerts, "--stuck")
	if err != nil {
		return err
	}
	l := b.singles(st, alerts)
	l.rate = 500
	s := l.run(ctx)
	waitUntil(time.Now().Add(5 * time.Second)) // for the further attempts
	crashed := 0.0
	select {
	case <-srv.ended:
		crashed = 1
	default:
		if err := srv.stop(); err != nil {
			return err
		}
	}
	applied, err := readApplies(file)
	if err != nil {
		return err
	}
	most, sum := 0, 0
	for _, all := range applied {
		most, sum = max(most, len(all)), sum+len(all)
	}
	b.figure(figure{name: "a command that fails: crashes in " + number(float64(sum)) + " failures", value: crashed, limit: &limit{0, exactly}})
	b.figure(figure{name: "a command that fails: messages not answered 200", value: float64(s.messages - s.ok), limit: &limit{0, exactly}})
	b.figure(figure{name: "a command that fails: tries on one target, at most", value: float64(most), limit: &limit{4, below}})
	return nil
}

// fleet starts a fake fleet of which that many targets fail.
func (b *bench) fleet(ctx context.Context, name string, failing int, flags ...string) (*stage, *server, string, error) {
	st, err := b.newStage(ctx, name, wants{autonomy: "auto", fleet: true, overrides: runSettings})
	if err != nil {
		return nil, nil, "", err
	}
	file := filepath.Join(st.dir, "applies")
	srv, err := b.serve(ctx, st, append(append(b.profiled(name), "--failing="+strconv.Itoa(failing), "--applies="+file), flags...)...)
	return st, srv, file, err
}

// singles is a load of one message for each of the first targets.
func (b *bench) singles(st *stage, alerts int) load {
	return load{
		address: st.address, path: webhook.Path, token: st.tokens["webhook"],
		message: newMessage(matchedName, 1), connections: 16, messages: alerts,
	}
}

// ended waits until no run is live.
func (b *bench) ended(ctx context.Context, st *stage, srv *server) error {
	return b.until(ctx, 20*time.Second, func() (bool, error) {
		live, err := srv.metric(ctx, st.tokens["metrics"], "fettle_run_live")
		return live == 0, err
	})
}

// eachPeer does something to each peer that there is, whose command leaves a mark;
// ran counts them.
func (b *bench) eachPeer(ctx context.Context, name string, do func(p peer, srv *server, ran func() int) error) error {
	for i, p := range peersOf() {
		program := p.find()
		if program == "" {
			continue
		}
		dir := filepath.Join(b.work, fmt.Sprintf("%s-%d", name, i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		marks, command := filepath.Join(dir, "marks"), filepath.Join(dir, "command")
		script := "#!/bin/sh\necho x >>'" + marks + "'\n"
		if err := os.WriteFile(command, []byte(script), 0o700); err != nil { //nolint:gosec // it is to be run
			return err
		}
		srv, err := b.startPeer(ctx, p, program, filepath.Base(dir), command)
		if err != nil {
			return err
		}
		err = do(p, srv, func() int {
			data, err := os.ReadFile(marks)
			if err != nil {
				return 0
			}
			return strings.Count(string(data), "\n")
		})
		select {
		case <-srv.ended:
		default:
			err = errors.Join(err, srv.kill())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
