package journal_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
)

// fakeClock is a clock that goes on only when it is told to.
type fakeClock struct {
	mu    sync.Mutex
	since time.Duration
}

func (c *fakeClock) now() journal.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := time.Date(2026, 11, 21, 2, 34, 0, 123456789, time.UTC)
	return journal.Reading{Wall: wall.Add(c.since), Boot: "6f2c8a9e-boot", Since: 90*time.Hour + c.since}
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since += d
}

// fixture is a journal on the disk, and what it takes to open it.
type fixture struct {
	t        testing.TB
	dir, key string
	clock    *fakeClock
	id       journal.Identity
	ids      int
}

// newFixture creates a journal.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	top := t.TempDir()
	f := &fixture{t: t, dir: filepath.Join(top, "journal"), key: filepath.Join(top, "etc", "journal.key"), clock: new(fakeClock)}
	id, err := journal.Init(f.dir, f.key, journal.InitOptions{Host: "host1", Now: f.clock.now(), NewID: f.newID, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	f.id = id
	return f
}

func (f *fixture) newID() string {
	f.ids++
	return fmt.Sprintf("0199a000-0000-7000-8000-%012d", f.ids)
}

func (f *fixture) options() journal.Options {
	return journal.Options{Now: f.clock.now, NewID: f.newID, KnownTypes: func(name string) bool { return name == "run.planned" }, Ahead: 1 << 16}
}

func (f *fixture) open() *journal.Journal {
	f.t.Helper()
	j, err := journal.Open(f.dir, f.key, f.options())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { j.Close() })
	return j
}

// at is the same journal at another place.
func (f *fixture) at(dir string) *fixture {
	other := *f
	other.dir = dir
	return &other
}

// copied is what a crash would leave now, if all writes had reached the disk.
func (f *fixture) copied() *fixture {
	f.t.Helper()
	to := f.at(filepath.Join(f.t.TempDir(), "journal"))
	if err := os.CopyFS(to.dir, os.DirFS(f.dir)); err != nil {
		f.t.Fatal(err)
	}
	return to
}

// segments lists the segment files.
func (f *fixture) segments() []string {
	f.t.Helper()
	all, err := filepath.Glob(filepath.Join(f.dir, "[0-9]*.jsonl"))
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// segment returns the path of the newest segment.
func (f *fixture) segment() string {
	all := f.segments()
	return all[len(all)-1]
}

func (f *fixture) read(path string) []byte {
	f.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fixture) write(path string, b []byte) {
	f.t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// verify fails the test unless the journal is sound.
func (f *fixture) verify() journal.Report {
	f.t.Helper()
	r, err := journal.Verify(f.dir, f.id.VerifierKey, journal.VerifyOptions{})
	if err != nil {
		f.t.Fatalf("verify: %v", err)
	}
	return r
}

// draft makes a record with some content that tells it from others.
func draft(n int) journal.Draft {
	return journal.Draft{Type: "received", Subject: fmt.Sprintf("alert/%d", n), Data: fmt.Appendf(nil, `{"n":%d,"labels":{"alertname":"FettleRaftMemberDown"}}`, n)}
}

// add appends one group of count records and returns them.
func add(t testing.TB, j *journal.Journal, count int) []journal.Record {
	t.Helper()
	drafts := make([]journal.Draft, count)
	for i := range drafts {
		drafts[i] = draft(int(j.Size()) + i)
	}
	records, err := j.Append(drafts)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// lines replays a journal into its raw lines.
func lines(t testing.TB, j *journal.Journal) []string {
	t.Helper()
	var all []string
	if err := j.Replay(func(r journal.Record) error {
		if r.Seq != uint64(len(all)) {
			return fmt.Errorf("seq %d at place %d", r.Seq, len(all))
		}
		all = append(all, string(r.Line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// isPrefix says whether short is how long begins.
func isPrefix(short, long []string) bool {
	return len(short) <= len(long) && strings.Join(short, "\n") == strings.Join(long[:len(short)], "\n")
}

// damageOf returns the damage in err, and fails the test if it is none.
func damageOf(t testing.TB, err error) *journal.DamageError {
	t.Helper()
	var d *journal.DamageError
	if !errors.As(err, &d) {
		t.Fatalf("error %v, want a DamageError", err)
	}
	return d
}
