package journal_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/internal/durable"
	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/journal"
)

// play does everything that a journal does. It goes on after errors, calls begin
// before it opens the journal, acknowledge with the number of records that were
// acknowledged, and ends with the journal closed.
func play(f *fixture, o journal.Options, begin func(), acknowledge func(records uint64)) {
	session := func(key string, do func(j *journal.Journal)) {
		begin()
		j, err := journal.Open(f.dir, key, o)
		if err != nil {
			return
		}
		acknowledge(j.Size())
		do(j)
		j.Close()
	}
	grow := func(j *journal.Journal, n int) {
		drafts := make([]journal.Draft, n)
		for i := range drafts {
			drafts[i] = draft(int(j.Size()) + i)
		}
		if _, err := j.Append(drafts); err == nil {
			acknowledge(j.Size())
		}
	}
	rotate := func(j *journal.Journal, n int) {
		if _, err := j.Rotate(carried(n)); err == nil {
			acknowledge(j.Size())
		}
	}
	session(f.key, func(j *journal.Journal) {
		grow(j, 3)
		j.Checkpoint()
		grow(j, 2)
		rotate(j, 3)
		grow(j, 1)
		grow(j, 4)
		rotate(j, 0)
		grow(j, 2)
		j.Checkpoint()
	})
	begin()
	if _, err := journal.Rekey(f.dir, f.key, f.key+"-next", o, rand.Reader); err == nil {
		acknowledge(0)
	}
	next := f.key
	if _, err := os.Stat(f.key + "-next"); err == nil {
		next += "-next"
	}
	session(next, func(j *journal.Journal) {
		grow(j, 1)
		rotate(j, 2)
		j.Archive(f.archive(), 2)
		grow(j, 2)
		j.Archive(f.archive(), 1)
		grow(j, 1)
	})
}

// crashImage is a disk as a crash left it, and how many records were acknowledged.
type crashImage struct {
	dir          string
	acknowledged uint64
}

// survive opens what a crash left: every acknowledged record is there, it
// verifies, goes on, and what it shows is how the history begins.
func (c crashImage) survive(t *testing.T, f *fixture, history []string) {
	t.Helper()
	at := *f
	at.t = t
	at.dir, at.key = filepath.Join(c.dir, "journal"), filepath.Join(c.dir, "etc", "journal.key")
	// Rekey was interrupted, or not begun, or is through: it can be done.
	_, err := journal.Rekey(at.dir, at.key, at.key+"-next", at.options(), rand.Reader)
	if err != nil {
		t.Fatalf("%s: %v", c.dir, err)
	}
	at.key += "-next"
	j := at.open()
	found := at.history()
	if len(found) < int(c.acknowledged) {
		t.Fatalf("%s: %d records, %d were acknowledged", c.dir, len(found), c.acknowledged)
	}
	// Unless the key had been changed before, the last record says so.
	if n := len(found) - 1; n >= len(history) || found[n] != history[n] {
		found = found[:n]
	}
	if !isPrefix(found, history) {
		t.Fatalf("%s: the records are not those that were written", c.dir)
	}
	add(t, j, 2)
	rotate(t, j, 2)
	add(t, j, 1)
	if _, err := j.Archive(at.archive(), 1); err != nil {
		t.Fatalf("%s: %v", c.dir, err)
	}
	shut(t, j)
	if r := at.verify(); r.Proven != r.Records || r.Records != j.Size() {
		t.Fatalf("%s: %+v", c.dir, r)
	}
	if err := journal.Scrub(t.Context(), at.dir, 0); err != nil {
		t.Fatalf("%s: %v", c.dir, err)
	}
}

// crashes cuts the power at every step of play, so many times each.
func crashes(t *testing.T, each int, seed uint64) int {
	f := newFixture(t)
	top := filepath.Dir(f.dir)
	shut(t, f.open())
	p := watch(t, top)
	r := mathrand.New(mathrand.NewPCG(seed, 0))
	var images []crashImage
	var mu sync.Mutex
	acknowledged := uint64(0)
	o := f.options().Watch(func(s durable.Step) error {
		mu.Lock()
		defer mu.Unlock()
		for n := range each {
			images = append(images, crashImage{p.cut(r, n == 0), acknowledged})
		}
		p.done(s)
		return nil
	})
	play(f, o, func() {}, func(n uint64) { acknowledged = max(acknowledged, n) })
	history := f.history()
	if len(history) < 26 {
		t.Fatalf("%d records: the play ended early", len(history))
	}
	for _, image := range images {
		image.survive(t, f, history)
		if err := os.RemoveAll(image.dir); err != nil {
			t.Fatal(err)
		}
	}
	return len(images)
}

// TestPowerCut is a slice of what runs under the tag faults.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	t.Logf("%d states after a power cut", crashes(t, 3, 1))
}

// TestFailingStep fails each step in turn. Nothing acknowledged is lost, and
// after a failed sync nothing is written.
func TestFailingStep(t *testing.T) {
	t.Parallel()
	steps := 0
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for steps = 0; failAt(t, steps, cause); steps++ {
			continue
		}
	}
	scorecard.Row(t, 7, fmt.Sprintf("each of the %d steps of all that a journal does failed once with EIO and once with ENOSPC: nothing acknowledged is lost, and after a failed sync no step follows", steps))
}

// failAt fails step n, and says whether there was one.
func failAt(t *testing.T, n int, cause error) bool {
	f := newFixture(t)
	defer os.RemoveAll(filepath.Dir(f.dir))
	acknowledged, step := uint64(0), 0
	var failed durable.Step
	var after []string // what was done in the session whose sync failed
	open := true
	key := f.key
	o := f.options().Watch(func(s durable.Step) error {
		step++
		if step == n+1 {
			failed = s
			return cause
		}
		// The archive and the key may be on another disk, and fail by themselves.
		if failed.Op == durable.Sync && open && filepath.Dir(failed.Path) == f.dir {
			after = append(after, string(s.Op)+" "+s.Path)
		}
		return nil
	})
	play(f, o, func() { open = failed.Op == "" }, func(n uint64) { acknowledged = max(acknowledged, n) })
	if failed.Op == "" {
		return false
	}
	name := fmt.Sprintf("%v of step %d, %s %s", cause, n, failed.Op, filepath.Base(failed.Path))
	for _, k := range []string{key + "-next", key} {
		j, err := journal.Open(f.dir, k, f.options())
		if errors.Is(err, os.ErrNotExist) || err != nil && k != key {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if j.Size() < acknowledged {
			t.Fatalf("%s: %d records, %d were acknowledged", name, j.Size(), acknowledged)
		}
		add(t, j, 1)
		shut(t, j)
		break
	}
	if r := f.verify(); r.Proven != r.Records {
		t.Fatalf("%s: %+v", name, r)
	}
	if got := len(f.history()); got < int(acknowledged) {
		t.Fatalf("%s: %d lines, %d were acknowledged", name, got, acknowledged)
	}
	if len(after) > 0 {
		t.Fatalf("%s: after that it did %q", name, after)
	}
	return true
}
