package journal_test

import (
	"bytes"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/journal"
)

// mangled changes a file a little: flips, cuts, swaps.
func mangled(r *mathrand.Rand, b []byte) (string, []byte) {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return "a byte in an empty file", []byte{byte(r.Uint32())}
	}
	at := r.IntN(len(b))
	rows := bytes.SplitAfter(b, []byte("\n"))
	one, two := r.IntN(len(rows)), r.IntN(len(rows))
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("cut at %d", at), b[:at]
	case 1:
		n := 1 + r.IntN(min(200, len(b)-at))
		return fmt.Sprintf("%d bytes from %d gone", n, at), append(b[:at], b[at+n:]...)
	case 2:
		n := min(1+r.IntN(600), len(b)-at)
		clear(b[at : at+n])
		return fmt.Sprintf("%d zeros from %d", n, at), b
	case 3:
		rows[one], rows[two] = rows[two], rows[one]
		return fmt.Sprintf("lines %d and %d swapped", one, two), bytes.Join(rows, nil)
	case 4:
		rows[one] = append(bytes.Clone(rows[one]), rows[two]...)
		return fmt.Sprintf("line %d again behind line %d", two, one), bytes.Join(rows, nil)
	case 5:
		rows[one] = nil
		return fmt.Sprintf("line %d gone", one), bytes.Join(rows, nil)
	default:
		b[at] ^= 1 << r.IntN(8)
		return fmt.Sprintf("a bit of byte %d", at), b
	}
}

// mangles mangles one file of a journal, so many times: either that is found,
// or what is read is what was written.
func mangles(t *testing.T, times int, seed uint64) {
	f, j := fourSegments(t)
	if _, err := j.Archive(f.archive(), 2); err != nil {
		t.Fatal(err)
	}
	add(t, j, 3)
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	signed := int(j.Checkpointed())
	add(t, j, 2)
	last := int(j.Size())
	add(t, j, 2)
	all := f.history()
	clean := f.copied()
	entries, err := os.ReadDir(clean.dir)
	if err != nil {
		t.Fatal(err)
	}
	r := mathrand.New(mathrand.NewPCG(seed, 1))
	found, harmless := 0, 0
	for range times {
		entry := entries[r.IntN(len(entries))].Name()
		if entry == "lock" || r.IntN(3) > 0 && !strings.HasSuffix(entry, "6.jsonl") {
			entry = "000000000016.jsonl" // most of all the newest segment
		}
		path := filepath.Join(clean.dir, entry)
		what, b := mangled(r, clean.read(path))
		if bytes.Equal(b, clean.read(path)) {
			harmless++
			continue
		}
		image := clean.copied()
		image.write(filepath.Join(image.dir, entry), b)
		name := entry + ": " + what
		_, bad := journal.Verify(image.dir, image.id.VerifierKey, journal.VerifyOptions{})
		if bad != nil {
			found++
		} else {
			harmless++
		}
		// Verified or not: what Open takes is what was written, from the newest
		// segment on, and nothing that was signed is missing.
		before := image.bytes()
		again, err := journal.Open(image.dir, image.key, image.options())
		if err != nil {
			if image.bytes() != before {
				t.Fatalf("%s: refused (%v), and changed", name, err)
			}
			if bad == nil {
				t.Fatalf("%s: Open refuses what Verify takes: %v", name, err)
			}
		} else {
			at, n := 16, 0
			if err := again.Replay(func(r journal.Record) error {
				if n++; string(r.Line) != all[r.Seq] || int(r.Seq) != at {
					return fmt.Errorf("record %d is %s", r.Seq, r.Line)
				}
				at++
				return nil
			}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if at < signed || strings.HasPrefix(what, "a bit") && at < last-1 {
				t.Fatalf("%s: %d records are left, %d were signed, the last group begins with %d", name, at, signed, last)
			}
			shut(t, again)
		}
		if err := os.RemoveAll(filepath.Dir(image.dir)); err != nil {
			t.Fatal(err)
		}
	}
	scorecard.Row(t, 5, fmt.Sprintf("%d flips, cuts and swaps in process: %d refused, %d harmless, 0 taken for something else", times, found, harmless))
}

// bytes is what the segments hold.
func (f *fixture) bytes() string {
	var b strings.Builder
	for _, s := range f.segments() {
		b.Write(f.read(s))
	}
	return b.String()
}

// TestMangled is a slice of what runs under the tag faults.
func TestMangled(t *testing.T) {
	t.Parallel()
	mangles(t, 400, 1)
}
