package journal_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/fettle-io/fettle/journal"
)

// spot is where a byte of a segment belongs to.
type spot struct {
	line   int   // the line of the file, from 1
	offset int64 // where that line begins
	seq    int   // the record that it is, or that follows the group mark
}

// spots tells the spot of each byte of a segment.
func spots(segment []byte) []spot {
	var all []spot
	at := spot{line: 1}
	for _, line := range bytes.SplitAfter(segment, []byte("\n")) {
		for range line {
			all = append(all, at)
		}
		if len(line) > 1 {
			at.seq++
		}
		at.line++
		at.offset += int64(len(line))
	}
	return all
}

// refused demands that neither Open nor Verify takes the journal, that both
// name the same place, and that nothing is changed. It returns what Verify
// says.
func refused(f *fixture) (journal.Report, *journal.DamageError) {
	f.t.Helper()
	before := map[string]string{}
	for _, s := range f.segments() {
		before[s] = string(f.read(s))
	}
	j, err := journal.Open(f.dir, f.key, f.options())
	if err == nil {
		j.Close()
		f.t.Fatal("it was opened")
	}
	damageOf(f.t, err)
	after := f.segments()
	if len(after) != len(before) {
		f.t.Fatalf("segments %v after a refusal, had %d", after, len(before))
	}
	for _, s := range after {
		if string(f.read(s)) != before[s] {
			f.t.Fatalf("%s was changed", s)
		}
	}
	report, err := journal.Verify(f.dir, f.id.VerifierKey, journal.VerifyOptions{})
	return report, damageOf(f.t, err)
}

func TestFlippedBitInEveryByte(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	j := f.open()
	add(t, j, 2)
	add(t, j, 1)
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	signed := len(f.read(f.segment()))
	add(t, j, 2)
	last := len(f.read(f.segment())) // where the last group begins
	add(t, j, 2)
	all := lines(t, j)
	const covered, acknowledged = 4, 6

	image := f.copied()
	whole := image.read(image.segment())
	where := spots(whole)
	for i := range whole {
		name := fmt.Sprintf("bit %d of byte %d (%+v)", i%8, i, where[i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		image.write(image.segment(), flipped)
		// Behind the checkpoint, nothing that it covers is touched.
		if r, _ := journal.Verify(image.dir, image.id.VerifierKey, journal.VerifyOptions{}); i >= signed && r.Proven != covered {
			t.Fatalf("%s: proven %d, want %d", name, r.Proven, covered)
		}
		// The line break before the last group's mark is one with it: what it
		// was cannot be told from a torn tail.
		if i < last-1 {
			_, d := refused(image)
			if d.Line != where[i].line || d.Offset != where[i].offset || d.Seq != uint64(where[i].seq) || d.File != image.segment() {
				t.Fatalf("%s: found at %+v", name, d)
			}
		} else if found := recovered(image.copied()); len(found) < acknowledged-1 || !isPrefix(found, all) {
			t.Fatalf("%s: %d lines", name, len(found))
		}
	}
}

func TestFlippedBitInTheCheckpoint(t *testing.T) {
	f, _ := started(t)
	image := f.copied()
	path := filepath.Join(image.dir, "checkpoint")
	whole := image.read(path)
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		image.write(path, flipped)
		if _, d := refused(image); d.File != path {
			t.Fatalf("byte %d: found at %+v", i, d)
		}
	}
}

// repaired is a line with a crc that fits.
func repaired(line string) string {
	body, _, _ := strings.Cut(line, `,"crc":"`)
	return fmt.Sprintf(`%s,"crc":"%08x"}`, body, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli)))
}

func TestDamage(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	// Records 1 to 2, 3 to 5 and 6 to 8 are groups with a checkpoint each,
	// 9 and 10 are groups without one.
	for _, n := range []int{2, 3, 3} {
		add(t, j, n)
		if err := j.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	add(t, j, 1)
	add(t, j, 1)
	clean := f.copied()
	content := strings.Split(string(clean.read(clean.segment())), "\n")
	// at finds the line of a record.
	at := func(seq int) int {
		for i, line := range content {
			if strings.Contains(line, fmt.Sprintf(`"seq":%d,`, seq)) {
				return i
			}
		}
		t.Fatalf("no seq %d", seq)
		return 0
	}
	edit := func(seq int, change func(line string) string) func([]string) []string {
		return func(l []string) []string {
			l[at(seq)] = change(l[at(seq)])
			return l
		}
	}
	rename := func(line string) string {
		return repaired(strings.Replace(line, "FettleRaftMemberDown", "FettleRaftMemberWell", 1))
	}
	swap := func(a, b int) func([]string) []string {
		return func(l []string) []string {
			l[at(a)], l[at(b)] = l[at(b)], l[at(a)]
			return l
		}
	}
	remove := func(seq int) func([]string) []string {
		return func(l []string) []string { return append(l[:at(seq)], l[at(seq)+1:]...) }
	}
	end := func(seq int) func([]string) []string { // the last record, with its line break
		return func(l []string) []string { return append(l[:at(seq)+1], "") }
	}
	tests := []struct {
		name   string
		change func([]string) []string
		seq    int // the place that is named
		proven uint64
		reason string
	}{
		{"swapped below the checkpoint", swap(4, 5), 4, 3, "seq 5 stands where 4 should"},
		{"swapped behind the checkpoint", swap(9, 10), 9, 9, "seq 10 stands where 9 should"},
		{"removed below the checkpoint", remove(4), 4, 3, "seq 5 stands where 4 should"},
		{"cut below the checkpoint", end(5), 6, 6, "covers 9 records: 3 are missing"},
		{"cut in a line below the checkpoint", func(l []string) []string {
			return append(l[:at(7)], l[at(7)][:40])
		}, 7, 6, "the line has no end"},
		{"edited, crc left", edit(4, func(line string) string { return strings.Replace(line, "Down", "Well", 1) }), 4, 3, "crc does not fit"},
		{"edited, crc repaired", edit(4, rename), 3, 3, "the lines of seq 3 to 5 do not have the root that was signed for 6 records"},
		{"the genesis record edited, crc repaired", edit(0, func(line string) string {
			return repaired(strings.Replace(line, "2026-11-21", "2026-11-22", 1))
		}), 0, 0, "the lines of seq 0 to 0 do not have the root"},
		{"renumbered", edit(4, func(line string) string {
			return repaired(strings.Replace(line, `"seq":4`, `"seq":5`, 1))
		}), 4, 3, "seq 5 stands where 4 should"},
		{"no JSON in data, crc repaired, behind the checkpoint", edit(9, func(line string) string {
			return repaired(strings.Replace(line, `"labels":`, `labels:`, 1))
		}), 9, 9, "not valid JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			image := clean.copied()
			image.t = t
			image.write(image.segment(), []byte(strings.Join(tt.change(append([]string(nil), content...)), "\n")))
			report, d := refused(image)
			if d.Seq != uint64(tt.seq) || !strings.Contains(d.Reason, tt.reason) || report.Proven != tt.proven {
				t.Errorf("proven %d, %v; want %d, seq %d, %q", report.Proven, d, tt.proven, tt.seq, tt.reason)
			}
			if want := fmt.Sprintf("%s:%d (byte %d, seq %d)", d.File, d.Line, d.Offset, d.Seq); !strings.Contains(d.Error(), want) {
				t.Errorf("error %q does not say %q", d, want)
			}
		})
	}

	// What no checkpoint covers is not proven, and Verify says so.
	sound := []struct {
		name            string
		change          func([]string) []string
		records, proven uint64
	}{
		{"untouched", func(l []string) []string { return l }, 11, 9},
		{"cut behind the checkpoint", end(9), 10, 9},
		{"cut at the checkpoint", end(8), 9, 9},
		{"edited behind the checkpoint, crc repaired", edit(10, rename), 11, 9},
		{"removed behind the checkpoint, with nothing behind it", remove(9), 9, 9},
	}
	for _, tt := range sound {
		t.Run(tt.name, func(t *testing.T) {
			image := clean.copied()
			image.t = t
			image.write(image.segment(), []byte(strings.Join(tt.change(append([]string(nil), content...)), "\n")))
			if r := image.verify(); r.Records != tt.records || r.Proven != tt.proven || r.Root == "" {
				t.Errorf("records %d, proven %d, want %d, %d", r.Records, r.Proven, tt.records, tt.proven)
			}
			reopen(image)
		})
	}
}

func TestVerifyWithAnotherKey(t *testing.T) {
	f, other := newFixture(t), newFixture(t)
	_, foreign, err := note.GenerateKey(rand.Reader, f.id.Origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{other.id.VerifierKey, foreign, "no key"} {
		if _, err := journal.Verify(f.dir, key, journal.VerifyOptions{}); err == nil || !strings.Contains(err.Error(), "key") {
			t.Errorf("%s: %v", key, err)
		}
	}
	// A checkpoint that another key signed, under the same name.
	image := f.copied()
	image.write(filepath.Join(image.dir, "checkpoint"), other.read(filepath.Join(other.dir, "checkpoint")))
	if _, d := refused(image); !strings.Contains(d.Reason, "not signed by the key of "+f.id.Origin) {
		t.Error(d)
	}
}

// TestRollback takes a journal back to an earlier state that was sound.
func TestRollback(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 2)
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	earlier := f.copied()
	add(t, j, 2)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	anchor := f.read(filepath.Join(f.dir, "checkpoint"))
	with := journal.VerifyOptions{Anchor: anchor}
	if r, err := journal.Verify(f.dir, f.id.VerifierKey, with); err != nil || r.Proven != 5 {
		t.Fatalf("the anchor fits: %+v, %v", r, err)
	}
	// All files taken back: only the anchor, kept elsewhere, tells.
	if r := earlier.verify(); r.Proven != 3 {
		t.Errorf("report %+v", r)
	}
	_, err := journal.Verify(earlier.dir, f.id.VerifierKey, with)
	if d := damageOf(t, err); !strings.Contains(d.Reason, "covers 5 records: 2 are missing") {
		t.Error(d)
	}
	// All but the side file.
	earlier.write(filepath.Join(earlier.dir, "checkpoints.jsonl"), f.read(filepath.Join(f.dir, "checkpoints.jsonl")))
	_, err = journal.Verify(earlier.dir, f.id.VerifierKey, journal.VerifyOptions{})
	if d := damageOf(t, err); !strings.Contains(d.Reason, "taken back") {
		t.Error(d)
	}
	if _, err := journal.Verify(f.dir, f.id.VerifierKey, journal.VerifyOptions{Anchor: []byte("nothing")}); err == nil {
		t.Error("an anchor that is no checkpoint was taken")
	}
}

func TestTornSideFileIsNoDamage(t *testing.T) {
	f, j := started(t)
	path := filepath.Join(f.dir, "checkpoints.jsonl")
	whole := f.read(path)
	f.write(path, whole[:len(whole)-30])
	if r := f.verify(); r.UnreadCheckpoints != 0 { // it may be being written
		t.Errorf("%d unread", r.UnreadCheckpoints)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if r := f.verify(); r.UnreadCheckpoints != 1 || r.Checkpoints != 3 { // genesis, the last, and the file itself
		t.Errorf("report %+v", r)
	}
}

func TestMissingFiles(t *testing.T) {
	f, _ := started(t)
	reopened := f.copied()
	reopen(reopened) // 0 to 2 in the first segment, 3 to 6 in the second
	image := reopened.copied()
	j := image.open()
	add(t, j, 2)
	three := image.copied()
	reopen(three) // 7 to 10 in a third one
	if n := len(three.segments()); n != 3 {
		t.Fatalf("%d segments, want 3", n)
	}
	tests := []struct {
		name   string
		remove int // which segment, -1 for the checkpoint
		reason string
	}{
		{"the first segment", 0, "the segments before it are missing"},
		{"a segment in the middle", 1, "the next one begins with seq 7: records are missing"},
		{"the last segment", 2, "covers 11 records: 4 are missing"},
		{"the checkpoint", -1, "the checkpoint is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			image := three.copied()
			image.t = t
			path := filepath.Join(image.dir, "checkpoint")
			if tt.remove >= 0 {
				path = image.segments()[tt.remove]
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if _, d := refused(image); !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("%v, want %q", d, tt.reason)
			}
		})
	}
}
