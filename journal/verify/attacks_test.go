package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// edit changes a file of a journal.
func edit(t *testing.T, path string, with func([]byte) []byte) {
	t.Helper()
	write(t, path, with(read(t, path)))
}

func replaceOnce(t *testing.T, path, old, text string) {
	t.Helper()
	edit(t, path, func(b []byte) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("%s has no %q", path, old)
		}
		return bytes.Replace(b, []byte(old), []byte(text), 1)
	})
}

// refit makes the crc of every line fit again, as an attacker would.
func refit(t *testing.T, path string) {
	t.Helper()
	edit(t, path, func(b []byte) []byte {
		lines := bytes.Split(b, []byte("\n"))
		for _, line := range lines {
			if n := len(line) - len(`,"crc":"9f1c02ab"}`); n > 0 {
				copy(line[n:], fmt.Sprintf(`,"crc":"%08x"}`, crc32.Checksum(line[:n], crc32.MakeTable(crc32.Castagnoli))))
			}
		}
		return bytes.Join(lines, []byte("\n"))
	})
}

// resign signs whatever stands in the journal, as root can: with the key.
func resign(t *testing.T, s sample) {
	t.Helper()
	signer, err := note.NewSigner(strings.TrimSpace(string(read(t, s.keyFile))))
	if err != nil {
		t.Fatal(err)
	}
	var leaves tree
	for line := range bytes.Lines(read(t, filepath.Join(s.dir, "000000000000.jsonl"))) {
		if len(line) > 1 {
			leaves.add(tlog.RecordHash(line[:len(line)-1]))
		}
	}
	msg, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), leaves.size, leaves.root())}, signer)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "checkpoint"), msg)
	if err := os.Remove(filepath.Join(s.dir, "checkpoints.jsonl")); err != nil {
		t.Fatal(err)
	}
}

// Twelve attacks on an audit log, by somebody who may write to its directory, the
// last ones by somebody who has its key as well. With a checkpoint that was kept
// elsewhere both verifiers tell all of them. Without one they cannot tell those of
// the holder of the key, and the return of an old copy: that is said in the docs,
// and held here.
func TestAttacks(t *testing.T) {
	s := build(t, "aacaaacaaac")
	old := build(t, "aac") // of another journal
	segment := func(s sample) string { return filepath.Join(s.dir, "000000000000.jsonl") }
	lines := func(s sample, with func([][]byte) [][]byte) {
		edit(t, segment(s), func(b []byte) []byte { return bytes.Join(with(bytes.SplitAfter(b, []byte("\n"))), nil) })
	}
	early := early(t, s)
	caught := 0
	attacks := []struct {
		name   string
		do     func(s sample)
		silent bool // without an anchor
	}{
		{name: "a record edited", do: func(s sample) { replaceOnce(t, segment(s), `"subject":"x/3"`, `"subject":"x/4"`) }},
		{name: "a record edited, and its crc made to fit", do: func(s sample) {
			replaceOnce(t, segment(s), `"subject":"x/3"`, `"subject":"x/4"`)
			refit(t, segment(s))
		}},
		{name: "a record taken out", do: func(s sample) { lines(s, func(l [][]byte) [][]byte { return append(l[:4:4], l[5:]...) }) }},
		{name: "a record taken out, and the others numbered anew", do: func(s sample) {
			lines(s, func(l [][]byte) [][]byte {
				l = append(l[:4:4], l[5:]...)
				for i, n := 0, 0; i < len(l); i++ {
					if len(l[i]) > 1 {
						_, rest, _ := bytes.Cut(l[i][len(`{"specversion":"1.0","seq":`):], []byte(","))
						l[i] = fmt.Appendf(nil, `{"specversion":"1.0","seq":%d,%s`, n, rest)
						n++
					}
				}
				return l
			})
			refit(t, segment(s))
		}},
		{name: "a record put in", do: func(s sample) {
			lines(s, func(l [][]byte) [][]byte { return append(append(l[:5:5], l[4]), l[5:]...) })
			refit(t, segment(s))
		}},
		{name: "two records swapped", do: func(s sample) { lines(s, func(l [][]byte) [][]byte { l[3], l[4] = l[4], l[3]; return l }) }},
		{name: "the end cut off", do: func(s sample) { lines(s, func(l [][]byte) [][]byte { return l[:len(l)-4] }) }},
		{name: "the end cut off, and an old checkpoint put back", do: func(s sample) {
			lines(s, func(l [][]byte) [][]byte { return l[:9] })
			write(t, filepath.Join(s.dir, "checkpoint"), early)
		}},
		{name: "taken back as a whole: cut, the old checkpoint, and nothing left of the later ones", silent: true, do: func(s sample) {
			lines(s, func(l [][]byte) [][]byte { return l[:8] })
			write(t, filepath.Join(s.dir, "checkpoint"), early)
			edit(t, filepath.Join(s.dir, "checkpoints.jsonl"), func(b []byte) []byte { return bytes.Join(bytes.SplitAfter(b, []byte("\n"))[:2], nil) })
		}},
		{name: "another journal in its place", do: func(s sample) {
			for _, name := range []string{"000000000000.jsonl", "checkpoint", "checkpoints.jsonl"} {
				write(t, filepath.Join(s.dir, name), read(t, filepath.Join(old.dir, name)))
			}
		}},
		{name: "another history, signed with the key", silent: true, do: func(s sample) {
			replaceOnce(t, segment(s), `"subject":"x/3"`, `"subject":"x/4"`)
			refit(t, segment(s))
			resign(t, s)
		}},
		{name: "the end cut off, and signed with the key", silent: true, do: func(s sample) {
			lines(s, func(l [][]byte) [][]byte { return l[:len(l)-4] })
			resign(t, s)
		}},
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			c := s.clone(t)
			a.do(c)
			mine, theirs := c.both(t, false, s.anchor)
			if mine == nil || theirs == nil {
				t.Errorf("with an anchor it is not seen: %v, journal.Verify: %v", mine, theirs)
			} else {
				caught++
			}
			mine, theirs = c.both(t, false, nil)
			if (mine == nil) != a.silent || (theirs == nil) != a.silent {
				t.Errorf("without an anchor: %v, journal.Verify: %v", mine, theirs)
			}
		})
	}
	scorecard.Row(t, 18, fmt.Sprintf("%d of %d attacks seen with an anchor by both verifiers, rollback and a history signed anew among them", caught, len(attacks)))
}

// early is the journal's checkpoint over the records of its first two groups.
func early(t *testing.T, s sample) []byte {
	t.Helper()
	all, err := (&auditor{roots: map[uint64]tlog.Hash{}}).checkpoints(filepath.Join(s.dir, "checkpoints.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.size == 5 {
			return []byte(c.text)
		}
	}
	t.Fatalf("no checkpoint over 5 records among %d", len(all))
	return nil
}
