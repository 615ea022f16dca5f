package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var copies = flag.Int("copies", 30, "how many changed copies of each journal both verifiers are asked about")

// Both verifiers accept what fettle wrote.
func TestAccepts(t *testing.T) {
	for name, s := range built(t) {
		for _, withArchive := range []bool{false, true} {
			if mine, theirs := s.both(t, withArchive, s.anchor); mine != nil || theirs != nil {
				t.Errorf("%s, archive %t: %v, journal.Verify: %v", name, withArchive, mine, theirs)
			}
		}
	}
}

// mangle changes one thing in a journal's files, and says what.
func mangle(t *testing.T, s sample, r *rand.Rand) string {
	t.Helper()
	var paths []string
	for _, dir := range []string{s.dir, s.archive} {
		found, err := filepath.Glob(filepath.Join(dir, "[0c]*"))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	path := paths[r.IntN(len(paths))]
	b := read(t, path)
	at := r.IntN(len(b) + 1)
	lines := bytes.SplitAfter(b, []byte("\n"))
	x, y := r.IntN(len(lines)), r.IntN(len(lines))
	what := ""
	switch k := r.IntN(12); k {
	case 0, 1, 2:
		at = min(at, len(b)-1)
		b[at] ^= 1 << r.IntN(8)
		what = fmt.Sprintf("a bit of byte %d flipped", at)
	case 3:
		b, what = b[:at], fmt.Sprintf("cut at byte %d", at)
	case 4:
		b, what = append(b, b[at:]...), fmt.Sprintf("from byte %d on twice", at)
	case 5:
		b, what = slices.Concat(b[:at], []byte("\n"), b[at:]), fmt.Sprintf("a line break at byte %d", at)
	case 6:
		b, what = bytes.Join(slices.Delete(lines, x, x+1), nil), fmt.Sprintf("line %d gone", x+1)
	case 7:
		lines[x], lines[y] = lines[y], lines[x]
		b, what = bytes.Join(lines, nil), fmt.Sprintf("lines %d and %d swapped", x+1, y+1)
	case 8:
		b, what = bytes.Join(slices.Insert(lines, x, lines[y]), nil), fmt.Sprintf("line %d also at %d", y+1, x+1)
	case 9:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(path) + " removed"
	case 10:
		b, what = slices.Concat(b[:at], make([]byte, len(b)-at)), fmt.Sprintf("zeros from byte %d on", at)
	case 11: // an edit with the crc made to fit
		if n := len(lines[x]) - len(`,"crc":"9f1c02ab"}`) - 1; n > 40 {
			lines[x][n-2-r.IntN(20)] ^= 1
			copy(lines[x][n:], fmt.Sprintf(`,"crc":"%08x"}`, crc32.Checksum(lines[x][:n], crc32.MakeTable(crc32.Castagnoli))))
		}
		b, what = bytes.Join(lines, nil), fmt.Sprintf("line %d edited, its crc too", x+1)
	}
	write(t, path, b)
	return filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path) + ": " + what
}

// Whatever is done to the files, both verifiers refuse it, or both accept it.
func TestAgree(t *testing.T) {
	all := built(t)
	refused, total := 0, 0
	for k, name := range slices.Sorted(maps.Keys(all)) {
		for seed := range *copies {
			r := rand.New(rand.NewPCG(uint64(seed), uint64(k)))
			c := all[name].clone(t)
			what := mangle(t, c, r)
			if r.IntN(4) == 0 {
				what += "; " + mangle(t, c, r)
			}
			withArchive, anchor := r.IntN(2) == 0, c.anchor
			if r.IntN(2) == 0 {
				anchor = nil
			}
			mine, theirs := c.both(t, withArchive, anchor)
			if (mine == nil) != (theirs == nil) {
				t.Errorf("%s, seed %d (%s; archive %t, anchor %t):\n this one: %v\n journal.Verify: %v", name, seed, what, withArchive, anchor != nil, mine, theirs)
			}
			total++
			if mine != nil {
				refused++
			}
		}
	}
	t.Logf("%d changed copies, %d of them refused, by both", total, refused)
}

// The journals of every format version are accepted, with and without their
// archive.
func TestVersions(t *testing.T) {
	found, err := filepath.Glob("../testdata/v*/*/known.json")
	if err != nil || len(found) < 5 {
		t.Fatalf("%d journals, %v", len(found), err)
	}
	for _, known := range found {
		dir := filepath.Dir(known)
		var k struct {
			VerifierKey string `json:"verifier_key"`
		}
		if err := json.Unmarshal(read(t, known), &k); err != nil {
			t.Fatal(err)
		}
		s := sample{dir: filepath.Join(dir, "journal"), archive: filepath.Join(dir, "archive"), key: k.VerifierKey}
		for _, withArchive := range []bool{false, true} {
			if mine, theirs := s.both(t, withArchive, nil); mine != nil || theirs != nil {
				t.Errorf("%s: %v, journal.Verify: %v", dir, mine, theirs)
			}
		}
	}
}
