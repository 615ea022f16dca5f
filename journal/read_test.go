package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
)

// seqs reads the sequence numbers from a place on.
func seqs(t *testing.T, dir string, from uint64) []uint64 {
	t.Helper()
	var all []uint64
	if err := journal.Read(dir, from, func(r journal.Record) error {
		all = append(all, r.Seq)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadFrom(t *testing.T) {
	f, _ := started(t)
	f = f.copied()
	reopen(f) // 0 to 2 and 3 to 6, in two segments
	for from, want := range [][]uint64{{0, 1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}, {2, 3, 4, 5, 6}, {3, 4, 5, 6}, {4, 5, 6}, {5, 6}, {6}, nil, nil} {
		if got := seqs(t, f.dir, uint64(from)); !reflect.DeepEqual(got, want) {
			t.Errorf("from %d: %v, want %v", from, got, want)
		}
	}
	if err := journal.Read(t.TempDir(), 0, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestReadBesideAWriter(t *testing.T) {
	f, j := started(t)
	c := crash(f, j, 2)
	for n := range c.group {
		image := c.image(c.group[:n])
		if got := len(seqs(t, image.dir, 0)); got < c.synced || got > len(c.all) {
			t.Fatalf("%d bytes of the last group: %d records", n, got)
		}
	}
	// Behind a bad line that later writes follow there is nothing to show.
	b := f.read(f.segment())
	b[5] ^= 1
	image := f.copied()
	image.write(image.segment(), b)
	if d := damageOf(t, journal.Read(image.dir, 0, func(journal.Record) error { return nil })); d.Seq != 0 {
		t.Error(d)
	}
}

func TestReadStopsAtTheCallersError(t *testing.T) {
	f, j := started(t)
	stop := errors.New("enough")
	for name, read := range map[string]func(func(journal.Record) error) error{
		"Read":   func(fn func(journal.Record) error) error { return journal.Read(f.dir, 1, fn) },
		"Replay": j.Replay,
		"Follow": func(fn func(journal.Record) error) error { return journal.Follow(t.Context(), f.dir, 0, fn) },
	} {
		calls := 0
		err := read(func(journal.Record) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
}

// TestFollow follows a journal over two unclean ends, which move the records
// behind the checkpoint into other files.
func TestFollow(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- journal.Follow(ctx, f.dir, 1, func(r journal.Record) error {
			select {
			case got <- fmt.Sprint(r.Seq, " ", r.Subject):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	next := 1
	expect := func(n int) {
		t.Helper()
		for range n {
			select {
			case line := <-got:
				if want := fmt.Sprintf("%d alert/%d", next, next); line != want {
					t.Fatalf("%q, want %q", line, want)
				}
				next++
			case err := <-ended:
				t.Fatalf("it ended: %v", err)
			}
		}
	}
	for range 3 {
		// A writer that fails leaves records that no checkpoint covers.
		o := f.options()
		o.WrapFile = func(file journal.File) journal.File {
			return &fakeFault{File: file, after: 2, written: 0.2, err: errors.New("failed")}
		}
		j, err := journal.Open(f.dir, f.key, o)
		if err != nil {
			t.Fatal(err)
		}
		add(t, j, 2)
		expect(2)
		add(t, j, 1)
		if _, err := j.Append([]journal.Draft{draft(0)}); !errors.Is(err, journal.ErrFailed) {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		expect(1)
	}
	if n := len(f.segments()); n != 3 {
		t.Errorf("%d segments, want 3", n)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestSystemClock(t *testing.T) {
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	a, b := clock(), clock()
	if a.Boot == "" || a.Boot != b.Boot || b.Since < a.Since || a.Wall.IsZero() || a.Wall.Location() != time.UTC {
		t.Errorf("readings %+v, %+v", a, b)
	}
	if _, err := os.Stat(filepath.Join("/proc", "sys")); err == nil && a.Since < time.Second {
		t.Errorf("%v since boot", a.Since)
	}
}

// TestBesideAWriter verifies, reads, follows and scrubs a journal that grows
// meanwhile, changes its segments and sends them to an archive.
func TestBesideAWriter(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	const rounds = 150
	done := make(chan error, 1)
	write := func(n int) error {
		if _, err := j.Append([]journal.Draft{draft(n), draft(n)}); err != nil {
			return err
		}
		if n%9 == 8 {
			if _, err := j.Rotate(carried(2)); err != nil {
				return err
			}
		}
		if n%30 == 29 {
			if _, err := j.Archive(f.archive(), 1); err != nil {
				return err
			}
		}
		return j.Checkpoint()
	}
	go func() {
		for n := range rounds {
			if err := write(n); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	ctx, cancel := context.WithCancel(t.Context())
	followed := make(chan uint64, 1)
	go func() {
		var next uint64
		for ctx.Err() == nil {
			err := journal.Follow(ctx, f.dir, next, func(r journal.Record) error {
				if r.Seq != next {
					t.Errorf("followed to %d, want %d", r.Seq, next)
				}
				next = r.Seq + 1
				return nil
			})
			// It was overtaken by the archive: it goes on where lines are.
			if gone := (*journal.ArchivedError)(nil); errors.As(err, &gone) {
				next = gone.Seq + 1
			} else if !errors.Is(err, context.Canceled) {
				t.Errorf("follow: %v", err)
				break
			}
		}
		followed <- next
	}()
	var last journal.Report
	for writing := true; writing; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			writing = false
		default:
		}
		r := f.verify()
		if r.Proven < last.Proven || r.Records < r.Proven {
			t.Fatalf("%+v after %+v", r, last)
		}
		if n := uint64(len(f.history())); n < r.Records {
			t.Fatalf("%d records read, %d were verified before", n, r.Records)
		}
		if err := journal.Scrub(t.Context(), f.dir, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.ReadTree(f.dir); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.ReadKeys(f.dir, f.id.VerifierKey); err != nil {
			t.Fatal(err)
		}
		last = r
	}
	if last.Proven != j.Size() || last.Records != j.Size() || last.Archived == 0 {
		t.Errorf("at the end %+v, want %d records", last, j.Size())
	}
	cancel()
	if next := <-followed; next > j.Size() {
		t.Errorf("followed up to %d of %d", next, j.Size())
	}
}
