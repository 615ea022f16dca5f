package sim_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/sim"
)

func newKit(t testing.TB) *sim.Kit {
	t.Helper()
	k, err := sim.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// play plays seeds on all processors, a tenth of them with a real journal, and fails
// with the story of the first that broke an invariant.
func play(t *testing.T, seeds uint64, profile sim.Profile) sim.Stats {
	t.Helper()
	k := newKit(t)
	var mu sync.Mutex
	var all sync.WaitGroup
	var sum sim.Stats
	var broken []uint64
	next := uint64(0)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= seeds && len(broken) == 0
	}
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed, ok := take(); ok; seed, ok = take() {
				o := sim.Options{Profile: profile}
				if seed%10 == 0 {
					o.Journal = t.TempDir()
				}
				r := k.Run(seed, o)
				mu.Lock()
				sum.Add(r.Stats)
				if r.Broken != nil {
					broken = append(broken, seed)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(broken) > 0 {
		slices.Sort(broken)
		r := k.Run(broken[0], sim.Options{Profile: profile, Story: true, Journal: t.TempDir()})
		t.Fatalf("seed %d: %v\n%s", r.Seed, r.Broken, strings.Join(r.Story, "\n"))
	}
	return sum
}

func TestSeeds(t *testing.T) {
	const seeds = 500
	s := play(t, seeds, sim.Mixed)
	if s.Applied == 0 || s.Crashes == 0 || s.Repaired == 0 || s.Unknown == 0 || s.Ended == 0 || s.Segments == 0 || s.Persons == 0 {
		t.Errorf("a world too tame: %+v", s)
	}
	scorecard.Row(t, 15, fmt.Sprintf("%d seeds, %s simulated, %d faults, %d kills, %d mutations: every invariant holds", seeds, s.Simulated.Round(time.Hour), s.Faults, s.Crashes, s.Applied))
}

// Days in which clocks jump: a slice of what `make simulate PROFILE=clocks` plays.
func TestClockJumps(t *testing.T) {
	const seeds = 20
	s := play(t, seeds, sim.Clocks)
	if s.Jumps < seeds || s.Repaired < seeds {
		t.Errorf("a world too tame: %+v", s)
	}
	scorecard.Row(t, 14, fmt.Sprintf("%d simulated days, %d jumps of up to ± 1 day, %d mutations: no run doubled or skipped", int(s.Simulated.Hours()/24), s.Jumps, s.Applied))
}

// The same seed gives the same story, with a real journal and without one.
func TestSeedReplays(t *testing.T) {
	k := newKit(t)
	for seed := range uint64(12) {
		first := k.Run(seed, sim.Options{Story: true})
		again := k.Run(seed, sim.Options{Story: true, Journal: t.TempDir()})
		untold := k.Run(seed, sim.Options{})
		if !slices.Equal(first.Story, again.Story) {
			t.Errorf("seed %d tells two stories", seed)
		}
		if first.Stats != untold.Stats {
			t.Errorf("seed %d, untold: %+v, told: %+v", seed, untold.Stats, first.Stats)
		}
		if len(first.Story) < 5 || !strings.Contains(first.Story[0], fmt.Sprintf("seed %d", seed)) {
			t.Errorf("the story of seed %d: %q", seed, first.Story)
		}
	}
}

// The real journal that a seed leaves is one that an auditor verifies, and damage in
// it is found: what the invariant says is not only that no file is there.
func TestJournalIsReal(t *testing.T) {
	dir := t.TempDir()
	r := newKit(t).Run(1, sim.Options{Journal: dir})
	if r.Broken != nil {
		t.Fatal(r.Broken)
	}
	var key string
	path := filepath.Join(dir, "journal")
	if err := journal.Read(path, 0, func(rec journal.Record) error {
		if _, after, ok := strings.Cut(string(rec.Line), `"verifier_key":"`); ok && key == "" {
			key, _, _ = strings.Cut(after, `"`)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	report, err := journal.Verify(path, key, journal.VerifyOptions{})
	if err != nil || report.Records < 10 || report.Proven == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	damage(t, path)
	if _, err := journal.Verify(path, key, journal.VerifyOptions{}); err == nil {
		t.Error("a changed record is not found")
	}
}

// damage changes a letter of the first record after the genesis record.
func damage(t *testing.T, dir string) {
	t.Helper()
	var done bool
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || done {
			return err
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte("config.loaded")) {
			done = true
			return os.WriteFile(path, bytes.Replace(b, []byte("config.loaded"), []byte("config.Loaded"), 1), 0o600)
		}
		return nil
	}); err != nil || !done {
		t.Fatalf("no record was changed: %v", err)
	}
}
