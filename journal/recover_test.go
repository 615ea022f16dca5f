package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/journal"
)

// recovered opens what a crash left and verifies what that made of it. It
// returns the lines.
func recovered(f *fixture) []string {
	f.t.Helper()
	j, err := journal.Open(f.dir, f.key, f.options())
	if err != nil {
		f.t.Fatal(err)
	}
	found := f.history()
	if j.Size() != uint64(len(found)) || j.Checkpointed() != j.Size() {
		f.t.Fatalf("size %d, checkpointed %d, %d lines", j.Size(), j.Checkpointed(), len(found))
	}
	if err := j.Close(); err != nil {
		f.t.Fatal(err)
	}
	if r := f.verify(); r.Proven != uint64(len(found)) || r.Records != r.Proven || r.Tail != nil {
		f.t.Fatalf("%d lines were there, report %+v", len(found), r)
	}
	return found
}

// reopen is recovered, and then the journal goes on.
func reopen(f *fixture) []string {
	f.t.Helper()
	found := recovered(f)
	j := f.open()
	add(f.t, j, 2)
	if err := j.Close(); err != nil {
		f.t.Fatal(err)
	}
	if r := f.verify(); r.Proven != uint64(len(found))+2 {
		f.t.Fatalf("%d lines were there, two were added, report %+v", len(found), r)
	}
	return found
}

// crashed is a journal of which the last group was being written.
type crashed struct {
	*fixture
	all    []string // every line, those of the last group included
	synced int      // how many were acknowledged
	before []byte   // the newest segment without the last group
	group  []byte   // the last group
}

// crash appends a last group of so many records, and takes it for unfinished.
func crash(f *fixture, j *journal.Journal, count int) *crashed {
	f.t.Helper()
	c := &crashed{synced: int(j.Size()), before: f.read(f.segment())}
	add(f.t, j, count)
	c.fixture = f.copied()
	c.group = c.read(c.segment())[len(c.before):]
	c.all = lines(f.t, j)
	return c
}

// image is the journal with these bytes in place of the last group.
func (c *crashed) image(group []byte) *fixture {
	c.t.Helper()
	f := c.copied()
	f.write(f.segment(), append(bytes.Clone(c.before), group...))
	return f
}

// survives opens an image and demands a prefix with every acknowledged line.
func (c *crashed) survives(what string, group []byte) {
	c.t.Helper()
	found := recovered(c.image(group))
	if len(found) < c.synced || !isPrefix(found, c.all) {
		c.t.Fatalf("%s: %d lines of %d, %d were acknowledged", what, len(found), len(c.all), c.synced)
	}
}

// started is a journal with a checkpoint, and a group that none covers.
func started(t testing.TB) (*fixture, *journal.Journal) {
	t.Helper()
	f := newFixture(t)
	j := f.open()
	add(t, j, 2)
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	add(t, j, 2)
	return f, j
}

func TestTornAtEveryLength(t *testing.T) {
	t.Parallel()
	f, j := started(t)
	covered := int(j.Checkpointed())
	c := crash(f, j, 1)
	whole := append(bytes.Clone(c.before), c.group...)
	two := bytes.LastIndex(c.before, []byte("\n\n")) + 1 // where the last two groups begin
	for n := two; n <= len(whole); n++ {
		image := c.copied()
		image.write(image.segment(), whole[:n])
		found := recovered(image)
		want := bytes.Count(whole[:n], []byte("}\n"))
		if len(found) != max(want, covered) || !isPrefix(found, c.all) {
			t.Fatalf("cut at %d of %d: %d lines, want %d", n, len(whole), len(found), want)
		}
	}
	scorecard.Row(t, 4, fmt.Sprintf("the last two groups cut at each of their %d bytes: what was whole is kept, nothing else", len(whole)-two))
}

func TestZeroHolesInPages(t *testing.T) {
	t.Parallel()
	f, j := started(t)
	c := &crashed{synced: int(j.Size()), before: f.read(f.segment())}
	var drafts []journal.Draft
	for range 5 {
		drafts = append(drafts, journal.Draft{Type: "received", Data: []byte(`{"x":"` + strings.Repeat("a", 4000) + `"}`)})
	}
	if _, err := j.Append(drafts); err != nil {
		t.Fatal(err)
	}
	c.fixture, c.all = f.copied(), lines(t, j)
	c.group = c.read(c.segment())[len(c.before):]
	const page = 4096
	pages := (len(c.before)%page + len(c.group) + page - 1) / page
	for set := range 1 << pages {
		hole := bytes.Clone(c.group)
		for i := range hole {
			if set>>((len(c.before)%page+i)/page)&1 == 1 {
				hole[i] = 0
			}
		}
		c.survives("pages", hole)
	}
}

func TestZeroHolesInBytes(t *testing.T) {
	t.Parallel()
	f, j := started(t)
	c := crash(f, j, 3)
	for _, width := range []int{1, 17, 301} {
		for from := 0; from < len(c.group); from += 7 {
			hole := bytes.Clone(c.group)
			clear(hole[from:min(from+width, len(hole))])
			c.survives("bytes", hole)
		}
	}
}

func TestGroupMarkAloneAtTheEnd(t *testing.T) {
	f, j := started(t)
	c := crash(f, j, 1)
	c.survives("a mark", []byte("\n"))
	image := c.image([]byte("\n"))
	if r := image.verify(); r.Tail == nil || r.Tail.Bytes != 1 || r.Records != uint64(c.synced) {
		t.Errorf("report %+v, tail %+v", r, r.Tail)
	}
}

func TestRecoveryIsMarked(t *testing.T) {
	f, j := started(t)
	c := crash(f, j, 1)
	image := c.image(c.group[:20])
	tail := image.verify().Tail
	if tail == nil || tail.Offset != int64(len(c.before)) || tail.Bytes != 20 || tail.File != image.segment() {
		t.Errorf("tail %+v, want 20 bytes at %d", tail, len(c.before))
	}
	old := image.segment()
	reopen(image)
	if got := filepath.Base(image.segment()); got != "000000000003.jsonl" || len(image.segments()) != 2 {
		t.Errorf("segments %v, want a new one from seq 3", image.segments())
	}
	if bytes.Count(image.read(old), []byte("}\n")) != 3 {
		t.Error("the old segment does not end at the checkpoint")
	}
	marks := string(image.read(filepath.Join(image.dir, "marks.jsonl")))
	for _, want := range []string{
		`"mark":"segment-changed"`, `"segment":"000000000003.jsonl"`,
		`"mark":"recovered"`, `"records":5`, `"rewritten":2`, `"bytes":20`,
	} {
		if !strings.Contains(marks, want) {
			t.Errorf("no %s in the marks:\n%s", want, marks)
		}
	}
}

// TestCrashInRecovery opens what is left when recovery itself is interrupted,
// at each of its steps.
func TestCrashInRecovery(t *testing.T) {
	f, j := started(t)
	c := crash(f, j, 2)
	unclean := c.image(c.group[:len(c.group)-1])
	done := unclean.copied()
	reopen(done)
	segment := filepath.Base(done.segment())
	full := append(bytes.Clone(c.before), c.group...)
	pending := full[bytes.LastIndex(c.before, []byte("\n\n"))+1 : len(full)-1]
	pending = pending[:bytes.LastIndexByte(pending, '\n')+1]
	tests := []struct {
		name string
		make func(f *fixture)
	}{
		{"half of the new segment written", func(f *fixture) {
			f.write(filepath.Join(f.dir, segment+".tmp"), pending[:len(pending)/2])
		}},
		{"new segment in place, the old one not cut", func(f *fixture) {
			f.write(filepath.Join(f.dir, segment), pending)
		}},
		{"old segment cut, no checkpoint", func(f *fixture) {
			f.write(f.segment(), full[:bytes.LastIndex(c.before, []byte("\n\n"))+1])
			f.write(filepath.Join(f.dir, segment), pending)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			image := unclean.copied()
			tt.make(image)
			r := image.verify()
			var seen []string
			if err := journal.Read(image.dir, 0, func(r journal.Record) error {
				seen = append(seen, string(r.Line))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			found := reopen(image)
			if len(found) != len(c.all)-1 || !isPrefix(found, c.all) || !isPrefix(seen, found) || len(seen) != len(found) || r.Records != uint64(len(found)) {
				t.Errorf("%d lines, %d read, %d verified, want %d", len(found), len(seen), r.Records, len(c.all)-1)
			}
			if again := reopen(image); len(again) != len(found)+2 {
				t.Errorf("%d lines at the next start, want %d", len(again), len(found)+2)
			}
			if left, err := filepath.Glob(filepath.Join(image.dir, "*.tmp")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestCrashImages is the property that recovery stands for: synced groups, and
// any part of the bytes of one that was being written, open to a prefix that
// has every synced record; again and again.
func TestCrashImages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		defer func() { os.RemoveAll(filepath.Dir(f.dir)) }()
		for range rapid.IntRange(1, 3).Draw(rt, "crashes") {
			j := f.open()
			for range rapid.IntRange(0, 3).Draw(rt, "groups") {
				add(t, j, rapid.IntRange(1, 4).Draw(rt, "records"))
				if rapid.Bool().Draw(rt, "checkpoint") {
					if err := j.Checkpoint(); err != nil {
						rt.Fatal(err)
					}
				}
			}
			c := crash(f, j, rapid.IntRange(1, 5).Draw(rt, "unfinished"))
			if err := j.Close(); err != nil {
				rt.Fatal(err)
			}
			group := c.group[:rapid.IntRange(0, len(c.group)).Draw(rt, "length")]
			for range rapid.IntRange(0, 4).Draw(rt, "holes") {
				from := rapid.IntRange(0, len(group)).Draw(rt, "from")
				clear(group[from:min(len(group), from+rapid.IntRange(1, 300).Draw(rt, "width"))])
			}
			f = c.image(group)
			again, err := journal.Open(f.dir, f.key, f.options())
			if err != nil {
				rt.Fatal(err)
			}
			found := lines(t, again)
			if err := again.Close(); err != nil {
				rt.Fatal(err)
			}
			if len(found) < c.synced || !isPrefix(found, c.all) {
				rt.Fatalf("%d lines of %d, %d were acknowledged", len(found), len(c.all), c.synced)
			}
			if r := f.verify(); r.Proven != uint64(len(found)) {
				rt.Fatalf("%d lines, report %+v", len(found), r)
			}
		}
	})
}
