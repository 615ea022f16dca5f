package repair_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// fakeJournal stands before a real one and does what a case wants.
type fakeJournal struct {
	repair.Journal
	mu         sync.Mutex
	written    map[string]bool // by record ID, once Append has returned
	hold       func([]journal.Draft)
	fail       func([]journal.Draft) error
	checkpoint error
	full       error
	rotate     error
	rotations  int
}

func (j *fakeJournal) Full() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.full
}

func (j *fakeJournal) setFull(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.full = err
}

func (j *fakeJournal) Rotate(carried []journal.Draft) ([]journal.Record, error) {
	if j.rotate != nil {
		return nil, j.rotate
	}
	j.rotations++
	return j.Journal.Rotate(carried)
}

func (j *fakeJournal) Append(drafts []journal.Draft) ([]journal.Record, error) {
	if j.hold != nil {
		j.hold(drafts)
	}
	if j.fail != nil {
		if err := j.fail(drafts); err != nil {
			return nil, err
		}
	}
	records, err := j.Journal.Append(drafts)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range drafts {
		if d.Type == repair.TypeIntent {
			j.written[intentOf(d)] = true
		}
	}
	return records, err
}

func (j *fakeJournal) MaybeCheckpoint(now journal.Reading) error {
	if j.checkpoint != nil {
		return j.checkpoint
	}
	return j.Journal.MaybeCheckpoint(now)
}

func (j *fakeJournal) has(intent string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written[intent]
}

func intentOf(d journal.Draft) string {
	_, rest, _ := strings.Cut(string(d.Data), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func ofType(drafts []journal.Draft, typ string) bool {
	for _, d := range drafts {
		if d.Type == typ {
			return true
		}
	}
	return false
}

func TestSequencerRepairsAndResumes(t *testing.T) {
	defer goleak.VerifyNone(t)
	at, unit := newPlace(t), &fakeUnit{}
	j := at.open(t, nil)
	s, reg := sequence(t, unit.config(t), replayed(t, j), j)
	s.Start()
	a, seq, err := s.Submit(t.Context(), unitDown("u1"))
	if err != nil || seq == 0 || a.Message.Received != 1 {
		t.Fatalf("%+v, seq %d, %v", a, seq, err)
	}
	await(t, s, "repaired", ended(repair.Repaired))
	if _, n := unit.counts(); n != 1 {
		t.Errorf("%d mutations", n)
	}
	if metric(t, reg, "fettle_journal_writable") != 1 || s.Failed() != nil {
		t.Error("the journal does not count as writable")
	}
	for _, timed := range []struct{ name, label, value string }{
		{"fettle_run_stage_duration_seconds", "stage", "respond"},
		{"fettle_run_stage_duration_seconds", "stage", "settle"},
		{"fettle_run_restore_duration_seconds", "tier", "P0"},
	} {
		if n := timesTaken(t, reg, timed.name, timed.label, timed.value); n != 1 {
			t.Errorf("%+v: %d times were taken, not one", timed, n)
		}
	}
	var before views
	if err := s.Read(t.Context(), func(e *repair.Engine) { before = viewsOf(e.State()) }); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	j = at.open(t, nil)
	st := replayed(t, j)
	if after := viewsOf(st); !sameRuns(before, after) {
		t.Errorf("read back otherwise:\n%+v\n%+v", before, after)
	}
	s, _ = sequence(t, unit.config(t), st, j)
	s.Start()
	if a, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil || a.Message.Repeats != 1 {
		t.Errorf("after a restart: %+v, %v", a, err)
	}
	s.Stop()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// sameRuns compares what a restart must keep; wall times lose their zone on the way.
func sameRuns(a, b views) bool {
	key := func(v views) (out []string) {
		for _, r := range v.Runs {
			out = append(out, r.Planned.Run, r.Target, string(r.Finished.Outcome))
		}
		for _, ep := range v.Episodes {
			out = append(out, ep.ID, ep.Playbook, string(ep.LastOutcome))
		}
		return out
	}
	return a.Open == b.Open && a.Live == b.Live && reflect.DeepEqual(key(a), key(b))
}

// No effect begins before its records are on disk.
func TestEffectsBeginAfterAppend(t *testing.T) {
	defer goleak.VerifyNone(t)
	unit := &fakeUnit{}
	disk := newPlace(t).open(t, nil)
	j := &fakeJournal{Journal: disk, written: map[string]bool{}}
	early := atomic.Bool{}
	unit.apply = func(_ context.Context, in repair.Intent) error {
		if !j.has(in.ID) {
			early.Store(true)
		}
		return nil
	}
	j.hold = func(drafts []journal.Draft) {
		looks, applies := unit.counts()
		if ofType(drafts, repair.TypeReceived) && looks != 0 || ofType(drafts, repair.TypeIntent) && applies != 0 {
			early.Store(true)
		}
	}
	s, _ := sequence(t, unit.config(t), repair.NewState(), j)
	s.Start()
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
		t.Fatal(err)
	}
	await(t, s, "repaired", ended(repair.Repaired))
	s.Stop()
	if early.Load() {
		t.Error("an effect began before its records were on disk")
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// failingFile cannot sync once it is told to.
type failingFile struct {
	journal.File
	broken *atomic.Bool
}

func (f failingFile) Sync() error {
	if f.broken.Load() {
		return errDisk
	}
	return f.File.Sync()
}

// A journal that cannot be written ends all repairs for this process (rule 17).
func TestFailedJournalIsFinal(t *testing.T) {
	broken := &atomic.Bool{}
	for name, wrap := range map[string]func(*fakeJournal){
		"a failing fsync": func(*fakeJournal) { broken.Store(true) },
		"a failing Append": func(j *fakeJournal) {
			j.fail = func([]journal.Draft) error { return errDisk }
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			broken.Store(false)
			unit := &fakeUnit{}
			disk := newPlace(t).open(t, func(f journal.File) journal.File { return failingFile{f, broken} })
			j := &fakeJournal{Journal: disk, written: map[string]bool{}}
			s, reg := sequence(t, unit.config(t), repair.NewState(), j)
			s.Start()
			if err := s.Read(t.Context(), func(*repair.Engine) { wrap(j) }); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_, seq, err := s.Submit(t.Context(), unitDown("u1"))
				if !errors.Is(err, repair.ErrJournal) || !errors.Is(err, errDisk) || seq != 0 {
					t.Errorf("seq %d, %v: want ErrJournal with its cause", seq, err)
				}
			}
			if _, _, err := s.Submit(t.Context(), repair.SetPause{Actor: "op"}); !errors.Is(err, repair.ErrJournal) {
				t.Errorf("a pause that is not on disk was acknowledged: %v", err)
			}
			if err := s.Read(t.Context(), func(*repair.Engine) {}); err != nil {
				t.Errorf("reading: %v", err)
			}
			if looks, applies := unit.counts(); looks != 0 || applies != 0 {
				t.Errorf("%d looks, %d mutations after the failure", looks, applies)
			}
			if metric(t, reg, "fettle_journal_writable") != 0 || !errors.Is(s.Failed(), repair.ErrJournal) {
				t.Errorf("fettle_journal_writable %v, failed %v", metric(t, reg, "fettle_journal_writable"), s.Failed())
			}
			s.Stop()
			if err := disk.Close(); err != nil && name == "a failing Append" {
				t.Fatal(err)
			}
		})
	}
}

// The journal fails with the intent: the mutation is not begun.
func TestNoMutationWithoutItsIntent(t *testing.T) {
	defer goleak.VerifyNone(t)
	unit := &fakeUnit{}
	disk := newPlace(t).open(t, nil)
	j := &fakeJournal{Journal: disk, written: map[string]bool{}, fail: func(drafts []journal.Draft) error {
		if ofType(drafts, repair.TypeIntent) {
			return errDisk
		}
		return nil
	}}
	s, _ := sequence(t, unit.config(t), repair.NewState(), j)
	s.Start()
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
		t.Fatal(err)
	}
	await(t, s, "the failure", func(*repair.State) bool { return s.Failed() != nil })
	s.Stop()
	if _, applies := unit.counts(); applies != 0 {
		t.Errorf("%d mutations", applies)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// A checkpoint that cannot be put in place loses nothing; a failed journal does.
func TestCheckpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		final bool
	}{"a full disk": {errDisk, false}, "the journal failed": {errors.Join(journal.ErrFailed, errDisk), true}} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			disk := newPlace(t).open(t, nil)
			s, _ := sequence(t, (&fakeUnit{}).config(t), repair.NewState(), &fakeJournal{Journal: disk, written: map[string]bool{}, checkpoint: tc.err})
			s.Start()
			_, _, err := s.Submit(t.Context(), unitDown("u1"))
			if errors.Is(err, repair.ErrJournal) != tc.final {
				t.Errorf("%v", err)
			}
			s.Stop()
			if err := disk.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// An action that panics has failed; fettle has not.
func TestPanicIsAnError(t *testing.T) {
	boom := func() error { panic("boom") }
	for name, tc := range map[string]struct {
		unit *fakeUnit
		want repair.Outcome
		says string
	}{
		"in a look":   {&fakeUnit{observe: boom}, repair.Blocked, "panic: boom"},
		"in a change": {&fakeUnit{apply: func(context.Context, repair.Intent) error { return boom() }}, repair.Failed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			disk := newPlace(t).open(t, nil)
			s, _ := sequence(t, tc.unit.config(t), repair.NewState(), disk)
			s.Start()
			if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
				t.Fatal(err)
			}
			await(t, s, string(tc.want), ended(tc.want))
			if err := s.Read(t.Context(), func(e *repair.Engine) {
				if f := e.State().Runs()[0].Finished; !strings.Contains(f.Detail, tc.says) {
					t.Errorf("detail %q does not say %q", f.Detail, tc.says)
				}
			}); err != nil {
				t.Fatal(err)
			}
			s.Stop()
			if err := disk.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Stop waits for what was begun, and everybody after it is told.
func TestStopWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	begun, over := make(chan struct{}), atomic.Bool{}
	unit := &fakeUnit{apply: func(ctx context.Context, _ repair.Intent) error {
		close(begun)
		<-ctx.Done()
		over.Store(true)
		return ctx.Err()
	}}
	disk := newPlace(t).open(t, nil)
	s, _ := sequence(t, unit.config(t), repair.NewState(), disk)
	s.Start()
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
		t.Fatal(err)
	}
	<-begun
	s.Stop()
	if !over.Load() {
		t.Error("Stop came back while a change was being made")
	}
	if _, _, err := s.Submit(t.Context(), unitDown("u2")); !errors.Is(err, repair.ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
	if err := s.Read(t.Context(), func(*repair.Engine) {}); !errors.Is(err, repair.ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
	s.Stop() // again is nothing
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// Many senders at once: each gets its own answer, and a sequence number that covers it.
func TestManySenders(t *testing.T) {
	defer goleak.VerifyNone(t)
	unit := &fakeUnit{up: true}
	disk := newPlace(t).open(t, nil)
	s, _ := sequence(t, unit.config(t), repair.NewState(), disk)
	s.Start()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if a, seq, err := s.Submit(t.Context(), unitDown("u1", newID())); err != nil || seq == 0 || a.Message.Received != 1 {
				t.Errorf("%+v, seq %d, %v", a, seq, err)
			}
		})
	}
	all.Wait()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Submit(cancelled, unitDown("u1")); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a sender that left: %v", err)
	}
	s.Stop()
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is asked between two Steps must not put off what is due: a busy console
// once kept runs from settling.
func TestWakeCountsFromNow(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = time.Minute
	fire(w, "m2")
	w.run(1050 * time.Millisecond)
	in, ok := w.engine.Wake(w.reading())
	if !ok || in <= 0 {
		t.Fatalf("wake in %s, %v", in, ok)
	}
	later := w.reading()
	later.Since += in - time.Millisecond
	if left, ok := w.engine.Wake(later); !ok || left != time.Millisecond {
		t.Errorf("wake in %s a millisecond before it is due", left)
	}
	later.Since += time.Hour
	if left, ok := w.engine.Wake(later); !ok || left != 0 {
		t.Errorf("wake in %s when it is overdue", left)
	}
}
