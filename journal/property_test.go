package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/fettle-io/fettle/journal"
)

// plainRoot is the Merkle root of lines, by the definition of RFC 6962.
func plainRoot(lines []string) tlog.Hash {
	if len(lines) == 1 {
		return tlog.RecordHash([]byte(lines[0]))
	}
	k := 1
	for k*2 < len(lines) {
		k *= 2
	}
	return tlog.NodeHash(plainRoot(lines[:k]), plainRoot(lines[k:]))
}

// TestAnyHistory does to a journal what may be done to it, in any order: it
// reads as it was written, verifies, and has the root of its lines.
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		top := filepath.Dir(f.dir)
		defer func() { os.RemoveAll(top) }()
		j := f.open()
		for range rapid.IntRange(1, 7).Draw(rt, "steps") {
			acknowledged := int(j.Size())
			all := f.history()
			switch rapid.SampledFrom([]string{"append", "append", "rotate", "archive", "restart", "crash", "rekey"}).Draw(rt, "step") {
			case "append":
				add(t, j, rapid.IntRange(1, 5).Draw(rt, "records"))
			case "rotate":
				rotate(t, j, rapid.IntRange(0, 4).Draw(rt, "carried"))
			case "archive":
				if _, err := j.Archive(f.archive(), rapid.IntRange(0, 3).Draw(rt, "keep")); err != nil {
					rt.Fatal(err)
				}
			case "restart":
				shut(t, j)
				j = f.open()
			case "rekey":
				shut(t, j)
				f.rekey()
				j = f.open()
			case "crash":
				before := len(f.read(f.segment()))
				add(t, j, 2)
				after := f.read(f.segment())
				image := f.copied()
				shut(t, j)
				cut := rapid.IntRange(before, len(after)).Draw(rt, "length")
				image.write(image.segment(), after[:cut])
				if err := os.RemoveAll(f.dir); err != nil {
					rt.Fatal(err)
				}
				if err := os.Rename(image.dir, f.dir); err != nil {
					rt.Fatal(err)
				}
				j = f.open()
			}
			now := f.history()
			if len(now) < acknowledged || uint64(len(now)) != j.Size() || !isPrefix(all, now) {
				rt.Fatalf("%d records, the journal says %d; %d were acknowledged", len(now), j.Size(), acknowledged)
			}
		}
		shut(t, j)
		r := f.verify()
		if all := f.history(); r.Root != plainRoot(all).String() || r.Proven != uint64(len(all)) {
			rt.Fatalf("%d lines with the root %v, report %+v", len(all), plainRoot(all), r)
		}
		if err := journal.Scrub(t.Context(), f.dir, 0); err != nil {
			rt.Fatal(err)
		}
	})
}
