package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/durable"
	"github.com/fettle-io/fettle/journal"
)

func TestRotate(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 4)
	records := rotate(t, j, 2)
	if len(records) != 3 || records[0].Seq != 5 || records[0].Type != "journal.segment" || records[2].Seq != 7 || records[2].Subject != "state/1" {
		t.Errorf("records %+v", records)
	}
	if j.Checkpointed() != 5 {
		t.Errorf("the newest checkpoint covers %d records, want all 5 before the segment", j.Checkpointed())
	}
	add(t, j, 1)
	if got := filepath.Base(f.segment()); got != "000000000005.jsonl" {
		t.Errorf("the newest segment is %s", got)
	}
	// What starts up reads the newest segment: its own record, the carried ones
	// and what follows.
	var replayed, told []string
	if err := j.Replay(func(r journal.Record) error {
		replayed = append(replayed, fmt.Sprint(r.Seq, " ", r.Type))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "5 journal.segment,6 carried,7 carried,8 received"
	if got := strings.Join(replayed, ","); got != want {
		t.Errorf("replayed %s, want %s", got, want)
	}
	shut(t, j)
	o := f.options()
	o.Each = func(r journal.Record) error {
		told = append(told, fmt.Sprint(r.Seq, " ", r.Type))
		return nil
	}
	again, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, again)
	if got := strings.Join(told, ","); got != want {
		t.Errorf("told at the start %s, want %s", got, want)
	}
	if r := f.verify(); r.Records != 9 || r.Segments != 2 || r.Keys != 1 {
		t.Errorf("report %+v", r)
	}
}

func TestEachMayRefuse(t *testing.T) {
	f := newFixture(t)
	o, stop := f.options(), errors.New("the fold does not take it")
	o.Each = func(journal.Record) error { return stop }
	if _, err := journal.Open(f.dir, f.key, o); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	f.open() // the lock was given back
}

// TestEachAfterRecovery: what recovery writes anew is told once.
func TestEachAfterRecovery(t *testing.T) {
	f, j := started(t)
	c := crash(f, j, 2)
	image := c.image(c.group[:len(c.group)-1])
	var told []string
	o := image.options()
	o.Each = func(r journal.Record) error {
		told = append(told, string(r.Line))
		return nil
	}
	again, err := journal.Open(image.dir, image.key, o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if found := lines(t, again); len(told) != len(found) || !isPrefix(told, found) {
		t.Errorf("told %d lines, there are %d", len(told), len(found))
	}
}

func TestOwnTypesAreRefused(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	for _, name := range []string{"genesis", "journal.segment", "journal.key"} {
		d := []journal.Draft{{Type: name}}
		if _, err := j.Append(d); !errors.Is(err, journal.ErrRefused) {
			t.Errorf("append %s: %v", name, err)
		}
		if _, err := j.Rotate(d); !errors.Is(err, journal.ErrRefused) {
			t.Errorf("carry %s: %v", name, err)
		}
	}
	add(t, j, 1)
	shut(t, j)
	if r := f.verify(); r.Records != 2 {
		t.Errorf("%d records, want 2", r.Records)
	}
	if left, err := filepath.Glob(filepath.Join(f.dir, "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRotateDue(t *testing.T) {
	f := newFixture(t)
	o := f.options()
	o.SegmentBytes = 4000
	j, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		t.Fatal(err)
	}
	grow := func() (groups int) {
		for !j.RotateDue() {
			add(t, j, 1)
			groups++
		}
		return groups
	}
	n := grow()
	if n < 5 || n > 15 {
		t.Errorf("a new segment is due after %d records", n)
	}
	rotate(t, j, 0)
	if again := grow(); again < n-2 || again > n+2 {
		t.Errorf("the second segment took %d records, the first %d", again, n)
	}
	rotate(t, j, 100) // some 40 kB
	many := grow()
	if many < 5*n {
		t.Errorf("a segment of 40 kB of carried records is over after %d more", many)
	}
	shut(t, j)
	if j, err = journal.Open(f.dir, f.key, o); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if !j.RotateDue() {
		t.Error("a new segment is not due any more after a restart")
	}
}

// TestCarriedIsWhole: half of the carried state would be a wrong state. It was
// on the disk before the segment had its name, so that what is missing there is
// damage, though no checkpoint covers it.
func TestCarriedIsWhole(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 3)
	rotate(t, j, 3)
	clean := f.copied()
	whole := string(clean.read(clean.segment()))
	rows := strings.SplitAfter(whole, "\n") // mark, opening, three carried
	for name, left := range map[string]string{
		"nothing":             "",
		"the mark":            rows[0],
		"the opening":         rows[0] + rows[1],
		"two of three":        strings.Join(rows[:4], ""),
		"half of a line":      whole[:len(whole)-30],
		"a line in between":   strings.Join(rows[:2], "") + rows[3] + rows[4],
		"a flipped bit":       strings.Replace(whole, "state/2", "state/3", 1),
		"a changed opening":   strings.Replace(whole, `"carried":3`, `"carried":0`, 1),
		"zeros at the end":    whole[:len(whole)-300] + strings.Repeat("\x00", 300),
		"an opening too much": whole + rows[1],
	} {
		t.Run(name, func(t *testing.T) {
			image := clean.copied()
			image.t = t
			image.write(image.segment(), []byte(left))
			if name == "an opening too much" {
				if r := image.verify(); r.Tail == nil {
					t.Errorf("report %+v", r)
				}
				return
			}
			refused(image)
		})
	}
	// A torn group behind it is no damage.
	add(t, j, 2)
	torn := f.copied()
	b := torn.read(torn.segment())
	torn.write(torn.segment(), b[:len(b)-30])
	if found := recovered(torn); len(found) != 9 {
		t.Errorf("%d lines, want 4, the segment's four, and one", len(found))
	}
	zeros := f.copied()
	clear(b[len(whole):])
	zeros.write(zeros.segment(), b)
	if found := recovered(zeros); len(found) != 8 {
		t.Errorf("%d lines, want 4, and the segment's four", len(found))
	}
}

// TestRolledBackCheckpoint: a segment is made when a checkpoint covers all
// before it.
func TestRolledBackCheckpoint(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	early := f.read(filepath.Join(f.dir, "checkpoint"))
	add(t, j, 3)
	rotate(t, j, 1)
	shut(t, j)
	f.write(filepath.Join(f.dir, "checkpoint"), early)
	if err := os.Remove(filepath.Join(f.dir, "checkpoints.jsonl")); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(f.dir, f.key, f.options())
	if d := damageOf(t, err); !strings.Contains(d.Reason, "the checkpoint was taken back") {
		t.Error(d)
	}
	_, err = journal.Verify(f.dir, f.id.VerifierKey, journal.VerifyOptions{})
	if d := damageOf(t, err); !strings.Contains(d.Reason, "the checkpoint was taken back") {
		t.Error(d)
	}
}

// TestFull: as long as no room can be reserved ahead, Full says so; Append goes
// on.
func TestFull(t *testing.T) {
	f := newFixture(t)
	var cause error
	tries := 0
	o := f.options().Watch(func(s durable.Step) error {
		if s.Op == durable.Reserve {
			tries++
			return cause
		}
		return nil
	})
	o.Ahead = 4000
	j, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Full(); err != nil || tries != 1 {
		t.Errorf("at the start: %v, %d tries", err, tries)
	}
	cause = syscall.ENOSPC
	add(t, j, 1)
	if err := j.Full(); err != nil || tries != 1 {
		t.Errorf("with room left: %v, %d tries", err, tries)
	}
	for range 10 {
		add(t, j, 2)
	}
	for range 3 {
		if err := j.Full(); !errors.Is(err, journal.ErrFull) || !errors.Is(err, syscall.ENOSPC) || tries != 2 {
			t.Errorf("full: %v, %d tries", err, tries)
		}
	}
	f.clock.advance(time.Second)
	if err := j.Full(); !errors.Is(err, journal.ErrFull) || tries != 3 {
		t.Errorf("after a second: %v, %d tries", err, tries)
	}
	cause = nil
	add(t, j, 1)
	if err := j.Full(); !errors.Is(err, journal.ErrFull) || tries != 3 {
		t.Errorf("at once: %v, %d tries", err, tries)
	}
	f.clock.advance(time.Second)
	if err := j.Full(); err != nil || tries != 4 {
		t.Errorf("with room again: %v, %d tries", err, tries)
	}
	cause = errors.ErrUnsupported
	for range 30 {
		add(t, j, 1)
	}
	if err := j.Full(); err != nil || tries != 5 {
		t.Errorf("on a file system that cannot: %v, %d tries", err, tries)
	}
}

// TestReserve: what is reserved is there beside the file's length, and given
// back in the end.
func TestReserve(t *testing.T) {
	f := newFixture(t)
	o := f.options()
	o.Ahead = 8 << 20
	j, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		t.Fatal(err)
	}
	allocated := func(path string) int64 {
		t.Helper()
		var s syscall.Stat_t
		if err := syscall.Stat(path, &s); err != nil {
			t.Fatal(err)
		}
		return s.Blocks * 512
	}
	first := f.segment()
	add(t, j, 1)
	if n := allocated(first); n < o.Ahead {
		t.Errorf("%d bytes are allocated, want %d ahead", n, o.Ahead)
	}
	if n := len(f.read(first)); n > 4096 {
		t.Errorf("the segment is %d bytes long", n)
	}
	rotate(t, j, 1)
	if n := allocated(first); n > 1<<16 {
		t.Errorf("%d bytes are still allocated to the segment before", n)
	}
	if n := allocated(f.segment()); n < o.Ahead {
		t.Errorf("%d bytes are allocated to the new segment", n)
	}
	shut(t, j)
	if n := allocated(f.segment()); n > 1<<16 {
		t.Errorf("%d bytes are still allocated after Close", n)
	}
}
