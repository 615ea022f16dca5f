package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// runRate is how many runs a second are opened where the way to the first Apply is
// measured, and runSettings are the engine's numbers there: at that rate the
// default of ten live runs, each in order for a minute, would measure nothing but
// the waiting.
const (
	runRate     = 100
	runSettings = "live_runs: 1000, settle: 100ms"
)

// apply measures how long it takes from an alert until its target is acted on:
// match, episode, run, look, guards (the storm guard's look at the whole inventory
// among them), intent on the disk, Apply. Each alert is a message of its own about
// another failing target of the fake fleet.
func (b *bench) apply(ctx context.Context) error {
	b.say("the engine's numbers against their defaults: %s; %d runs/s, fewer than a third of the fleet fail", runSettings, runRate)
	var p50, p99, fromRecord []float64
	for round := range b.rounds() {
		t, err := b.applyRound(ctx, round)
		if err != nil {
			return err
		}
		p50 = append(p50, milliseconds(quantile(t.scheduled, .5)))
		p99 = append(p99, milliseconds(quantile(t.scheduled, .99)))
		fromRecord = append(fromRecord, milliseconds(quantile(t.recorded, .99)))
		b.say("round %d: from the post's scheduled time to Apply: p50 %s, p99 %s, worst %s; from the time in `received`: p50 %s, p99 %s", round+1,
			short(quantile(t.scheduled, .5)), short(quantile(t.scheduled, .99)), short(quantile(t.scheduled, 1)),
			short(quantile(t.recorded, .5)), short(quantile(t.recorded, .99)))
	}
	b.figure(figure{name: "post scheduled to first Apply, p50", value: median(p50), unit: "ms", limit: &limit{3, below}})
	b.figure(figure{name: "post scheduled to first Apply, p99", value: median(p99), unit: "ms", limit: &limit{20, below}})
	b.figure(figure{name: "`received` to first Apply, p99", value: median(fromRecord), unit: "ms"})
	return nil
}

// ways are how long it took to each first Apply, sorted.
type ways struct{ scheduled, recorded []time.Duration }

func (b *bench) applyRound(ctx context.Context, round int) (ways, error) {
	runs := int(runRate * b.lasts().Seconds())
	st, srv, file, err := b.fleet(ctx, fmt.Sprintf("apply-%d", round), runs)
	if err != nil {
		return ways{}, err
	}
	l := b.singles(st, runs)
	l.rate = runRate
	s := l.run(ctx)
	// What was sent last has its run as well.
	if err := errors.Join(b.ended(ctx, st, srv), s.unanswered(), srv.stop()); err != nil {
		return ways{}, err
	}
	applied, err := readApplies(file)
	if err != nil {
		return ways{}, err
	}
	received, err := receivedAt(st.journal())
	if err != nil {
		return ways{}, err
	}
	var w ways
	for n := range runs {
		all := applied[targetName(uint64(n))] //nolint:gosec // counts from 0
		if len(all) == 0 {
			continue
		}
		due := s.began.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
		w.scheduled = append(w.scheduled, all[0].Sub(due))
		w.recorded = append(w.recorded, all[0].Sub(received[targetName(uint64(n))])) //nolint:gosec // counts from 0
	}
	b.figure(figure{name: "runs that came to an Apply, of " + strconv.Itoa(runs), value: float64(len(w.scheduled)), limit: &limit{float64(runs), exactly}})
	slices.Sort(w.scheduled)
	slices.Sort(w.recorded)
	return w, nil
}

func targetName(n uint64) string {
	return fmt.Sprintf("c%03d/m%03d", n%targets/membersPerCluster, n%membersPerCluster)
}

// readApplies is when each target was acted on.
func readApplies(file string) (map[string][]time.Time, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string][]time.Time{}
	for l := range strings.Lines(string(data)) {
		name, at, _ := strings.Cut(strings.TrimSpace(l), " ")
		ns, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[name] = append(all[name], time.Unix(0, ns))
	}
	return all, nil
}

// receivedAt is when each target's alert was taken, as its record says.
func receivedAt(dir string) (map[string]time.Time, error) {
	at := map[string]time.Time{}
	err := journal.Read(dir, 0, func(r journal.Record) error {
		if r.Type != repair.TypeReceived {
			return nil
		}
		v, err := decode[repair.Received](r)
		at[v.Labels["cluster"]+"/"+v.Labels["member"]] = r.At.Wall
		return err
	})
	return at, err
}

// until waits for a condition.
func (b *bench) until(ctx context.Context, long time.Duration, met func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for {
		ok, err := met()
		if ok || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("not within %s", long)
		}
		waitUntil(time.Now().Add(100 * time.Millisecond))
	}
}

// profiled is the fake fleet, with its profiles kept if that is wanted.
func (b *bench) profiled(name string) []string {
	argv := []string{b.fakefleet}
	if b.profiles != "" {
		argv = append(argv, "--cpuprofile="+filepath.Join(b.profiles, name+".cpu"), "--heapprofile="+filepath.Join(b.profiles, name+".heap"))
	}
	return argv
}
