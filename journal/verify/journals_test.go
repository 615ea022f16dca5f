package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
)

// sample is a journal on the disk, and a checkpoint of it that was kept.
type sample struct {
	dir, archive, key, keyFile string
	anchor                     []byte
}

// built are journals of every kind that there is.
func built(t *testing.T) map[string]sample {
	t.Helper()
	all := map[string]sample{}
	for name, steps := range map[string]string{
		"plain":          "aaaccaaacaaac",
		"unclean":        "aaacaaaU",
		"segments":       "aaacaaRaaacaRaacaaac",
		"archived":       "aaacaaRaaacRaacaaRaacA",
		"keys":           "aaacaKaacaaaKaac",
		"whole":          "aaaKacaaRaacaaKaaRaacAaaRacaaRaacAaac",
		"whole, unclean": "aaaKacaaRaacaaKaaRaacAaaRaacaaU",
		"just opened":    "aaacaaRU",
	} {
		all[name] = build(t, steps)
	}
	return all
}

// build makes a journal: a appends a group, c signs a checkpoint, R begins a
// segment, A archives all but the newest, K changes the key, U ends without Close.
func build(t *testing.T, steps string) sample {
	t.Helper()
	top := t.TempDir()
	s := sample{dir: filepath.Join(top, "journal"), archive: filepath.Join(top, "archive"), keyFile: filepath.Join(top, "key")}
	n := 0
	now := func() journal.Reading {
		n++
		return journal.Reading{Wall: time.Date(2026, 11, 21, 2, 34, 0, n, time.UTC), Boot: "b1", Since: time.Duration(n)}
	}
	newID := func() string { n++; return fmt.Sprintf("0199a000-0000-7000-8000-%012d", n) }
	id, err := journal.Init(s.dir, s.keyFile, journal.InitOptions{Host: "db1", Now: now(), NewID: newID, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s.key = id.VerifierKey
	options := journal.Options{Now: now, NewID: newID, Ahead: -1}
	var j *journal.Journal
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", steps, err)
		}
	}
	open := func() {
		t.Helper()
		var err error
		j, err = journal.Open(s.dir, s.keyFile, options)
		check(err)
	}
	draft := func(i int) journal.Draft {
		return journal.Draft{Type: "note", Subject: fmt.Sprint("x/", i), Data: fmt.Appendf(nil, `{"n":%d,"text":"é \\n \\u0000 <&>"}`, n)}
	}
	open()
	for i, step := range steps {
		switch step {
		case 'a':
			_, err := j.Append([]journal.Draft{draft(i), draft(i + 1)})
			check(err)
		case 'c':
			check(j.Checkpoint())
		case 'R':
			_, err := j.Rotate([]journal.Draft{draft(i), draft(i), draft(i)})
			check(err)
		case 'A':
			_, err := j.Archive(s.archive, 1)
			check(err)
		case 'K':
			check(j.Close())
			next := filepath.Join(top, fmt.Sprint("key", i))
			_, err := journal.Rekey(s.dir, s.keyFile, next, options, rand.Reader)
			check(err)
			s.keyFile = next
			open()
		case 'U': // what is there now, without the end
			was := s.dir
			s.dir = filepath.Join(top, "copy")
			check(os.CopyFS(s.dir, os.DirFS(was)))
			check(j.Close())
			s.anchor = read(t, filepath.Join(s.dir, "checkpoint"))
			return s
		}
	}
	check(j.Close())
	s.anchor = read(t, filepath.Join(s.dir, "checkpoint"))
	return s
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// clone is a copy that may be changed.
func (s sample) clone(t *testing.T) sample {
	t.Helper()
	top := t.TempDir()
	c := s
	c.dir, c.archive = filepath.Join(top, "journal"), filepath.Join(top, "archive")
	if err := os.CopyFS(c.dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.archive, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.archive); err == nil {
		if err := os.CopyFS(c.archive, os.DirFS(s.archive)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// both asks the two verifiers, which have no line in common.
func (s sample) both(t *testing.T, withArchive bool, anchor []byte) (mine, theirs error) {
	t.Helper()
	archive, kept := "", ""
	if withArchive {
		archive = s.archive
	}
	if anchor != nil {
		kept = filepath.Join(t.TempDir(), "anchor")
		write(t, kept, anchor)
	}
	r, mine := audit(s.dir, s.key, archive, kept)
	want, theirs := journal.Verify(s.dir, s.key, journal.VerifyOptions{Anchor: anchor, Archive: archive})
	if mine == nil && theirs == nil {
		got := fmt.Sprintln(r.Records, r.Archived, r.Proven, r.Root, r.Keys)
		if wants := fmt.Sprintln(want.Records, want.Archived, want.Proven, want.Root, want.Keys); got != wants {
			t.Errorf("both accept, and differ:\n%s\n%s (journal.Verify)", got, wants)
		}
		// To journal.Verify an empty line at the end is one, too.
		if r.Tail != "" && want.Tail == nil {
			t.Errorf("an unfinished end that journal.Verify does not see: %s", r.Tail)
		}
	}
	return mine, theirs
}
