package journal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fettle-io/fettle/journal"
)

// fourSegments is a journal with records 0 to 3, 4 to 9, 10 to 15, 16 to 19.
func fourSegments(t testing.TB) (*fixture, *journal.Journal) {
	f := newFixture(t)
	j := f.open()
	for range 3 {
		add(t, j, 3)
		rotate(t, j, 2)
	}
	add(t, j, 1)
	return f, j
}

func TestArchive(t *testing.T) {
	f, j := fourSegments(t)
	all, root := f.history(), f.verify().Root
	if moved, err := j.Archive(f.archive(), 2); err != nil || moved != 2 {
		t.Fatalf("%d moved, %v", moved, err)
	}
	if moved, err := j.Archive(f.archive(), 2); err != nil || moved != 0 {
		t.Errorf("once more: %d moved, %v", moved, err)
	}
	names := func(dir string) (all []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "0") {
				all = append(all, e.Name())
			}
		}
		return all
	}
	if got, want := strings.Join(names(f.dir), " "), "000000000000.leaves 000000000004.leaves 000000000010.jsonl 000000000016.jsonl"; got != want {
		t.Errorf("the journal has %s, want %s", got, want)
	}
	if got, want := strings.Join(names(f.archive()), " "), "000000000000.jsonl 000000000004.jsonl"; got != want {
		t.Errorf("the archive has %s, want %s", got, want)
	}
	if r := f.verify(); r.Root != root || r.Archived != 10 || r.Records != uint64(len(all)) || r.Identity != f.id {
		t.Errorf("without the archive: %+v", r)
	}
	with := journal.VerifyOptions{Archive: f.archive()}
	if r, err := journal.Verify(f.dir, f.id.VerifierKey, with); err != nil || r.Root != root || r.Archived != 0 {
		t.Errorf("with the archive: %+v, %v", r, err)
	}
	if now := f.history(); !isPrefix(all, now) || len(now) != len(all) {
		t.Error("the records are not the same any more")
	}
	if first, err := journal.First(f.dir); err != nil || first != 10 {
		t.Errorf("the first record here is %d, %v", first, err)
	}
	for name, err := range map[string]error{
		"read":   journal.Read(f.dir, 5, func(journal.Record) error { return nil }),
		"follow": journal.Follow(t.Context(), f.dir, 5, func(journal.Record) error { return nil }),
	} {
		var gone *journal.ArchivedError
		if !errors.As(err, &gone) || gone.Dir != f.archive() || gone.Segment != "000000000004.jsonl" || !strings.Contains(err.Error(), f.archive()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := seqs(t, f.dir, 10); len(got) != len(all)-10 {
		t.Errorf("read from 10: %v", got)
	}
	// It goes on, and starts again.
	add(t, j, 1)
	rotate(t, j, 1)
	if moved, err := j.Archive(f.archive(), 0); err != nil || moved != 2 {
		t.Errorf("all but the newest: %d moved, %v", moved, err)
	}
	shut(t, j)
	shut(t, f.open())
	f.verify()
	j = f.open()
	for name, dir := range map[string]string{"inside": filepath.Join(f.dir, "old"), "nowhere": "", "the journal's own": f.dir} {
		if _, err := j.Archive(dir, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestArchiveRefuses: what is not what was signed is not moved.
func TestArchiveRefuses(t *testing.T) {
	t.Run("a changed line", func(t *testing.T) {
		f, j := fourSegments(t)
		path := f.segments()[1]
		whole := f.read(path)
		rows := strings.SplitAfter(string(whole), "\n")
		rows[len(rows)-2] = repaired(strings.Replace(rows[len(rows)-2], "Down", "Well", 1)) + "\n"
		f.write(path, []byte(strings.Join(rows, "")))
		moved, err := j.Archive(f.archive(), 1)
		if d := damageOf(t, err); moved != 1 || d.File != path {
			t.Errorf("%d moved, %v", moved, err)
		}
		if !bytes.Contains(f.read(path), []byte("Well")) {
			t.Error("it was changed")
		}
		f.write(path, whole)
		if moved, err := j.Archive(f.archive(), 1); err != nil || moved != 2 {
			t.Errorf("when it is what it was: %d moved, %v", moved, err)
		}
	})
	t.Run("the archive of another journal", func(t *testing.T) {
		f, j := fourSegments(t)
		g, k := fourSegments(t)
		if _, err := j.Archive(f.archive(), 1); err != nil {
			t.Fatal(err)
		}
		moved, err := k.Archive(f.archive(), 1)
		if err == nil || moved != 0 || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("%d moved, %v", moved, err)
		}
		if r := g.verify(); r.Archived != 0 {
			t.Errorf("report %+v", r)
		}
	})
}

func TestScrub(t *testing.T) {
	f, j := fourSegments(t)
	if _, err := j.Archive(f.archive(), 3); err != nil {
		t.Fatal(err)
	}
	if err := journal.Scrub(t.Context(), f.dir, 0); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := journal.Scrub(ended, f.dir, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := journal.Scrub(soon, f.dir, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a byte a second: %v", err)
	}
	for _, path := range []string{f.segments()[0], f.segments()[1], filepath.Join(f.dir, "000000000000.leaves")} {
		whole := f.read(path)
		for n := 0; n < len(whole); n += 7 {
			image := f.copied()
			path := filepath.Join(image.dir, filepath.Base(path))
			flipped := bytes.Clone(whole)
			flipped[n] ^= 4
			image.write(path, flipped)
			damageOf(t, journal.Scrub(t.Context(), image.dir, 0))
			// The newest segment is well: it starts, and does not see it.
			if n == 7 {
				shut(t, image.open())
			}
			os.RemoveAll(filepath.Dir(image.dir))
		}
	}
}

func TestRekey(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 2)
	shut(t, j)
	old := f.key
	f.rekey()
	if r := f.verify(); r.Keys != 2 || r.Proven != 4 {
		t.Errorf("report %+v", r)
	}
	_, err := journal.Open(f.dir, old, f.options())
	if err == nil || !strings.Contains(err.Error(), "was replaced by record 3") {
		t.Errorf("with the old key: %v", err)
	}
	j = f.open()
	if j.Identity() != f.id || j.VerifierKey() == f.id.VerifierKey {
		t.Errorf("identity %+v, key %s", j.Identity(), j.VerifierKey())
	}
	rotate(t, j, 1)
	add(t, j, 1)
	shut(t, j)
	if again, err := journal.Rekey(f.dir, old, f.key, f.options(), rand.Reader); err != nil || again != j.VerifierKey() {
		t.Errorf("done once more: %s, %v", again, err)
	}
	private, _, err := note.GenerateKey(rand.Reader, "host2/fettle/other")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.key")
	f.write(other, []byte(private))
	if _, err := journal.Rekey(f.dir, f.key, other, f.options(), rand.Reader); err == nil || !strings.Contains(err.Error(), "is a key of") {
		t.Errorf("the key of another journal: %v", err)
	}
	if _, err := journal.Rekey(f.dir, f.key, filepath.Join(f.dir, "k"), f.options(), rand.Reader); err == nil {
		t.Error("a key inside the journal was taken")
	}
	keys, err := journal.ReadKeys(f.dir, f.id.VerifierKey)
	if err != nil || len(keys.Keys()) != 2 || keys.Keys()[1] != j.VerifierKey() {
		t.Fatalf("keys %v, %v", keys, err)
	}
	c, err := keys.Open(f.read(filepath.Join(f.dir, "checkpoint")))
	if err != nil || c.Size != j.Size() || c.Origin != f.id.Origin {
		t.Errorf("checkpoint %+v, %v", c, err)
	}
	// The old key signs nothing new, though it is one of the journal's.
	if _, err := keys.Open(signedBy(t, f.read(old), f.id.Origin, c)); err == nil {
		t.Error("the old key signed a new checkpoint")
	}
	f.write(filepath.Join(f.dir, "checkpoint"), signedBy(t, f.read(old), f.id.Origin, c))
	if _, err := journal.Verify(f.dir, f.id.VerifierKey, journal.VerifyOptions{}); err == nil {
		t.Error("verified")
	}
}

// TestProofs holds proofs against the library that checks them, with lines in
// the archive.
func TestProofs(t *testing.T) {
	f, j := fourSegments(t)
	if _, err := j.Archive(f.archive(), 2); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	tree, err := journal.ReadTree(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	all := f.history()
	if tree.Size() != uint64(len(all)) {
		t.Fatalf("the tree has %d records, want %d", tree.Size(), len(all))
	}
	if root, err := tree.Root(tree.Size()); err != nil || root.String() != f.verify().Root {
		t.Errorf("root %v, %v", root, err)
	}
	for size := uint64(1); size <= tree.Size(); size++ {
		root, err := tree.Root(size)
		if err != nil {
			t.Fatal(err)
		}
		for seq := range size {
			p, err := tree.ProveRecord(seq, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, int64(size), root, int64(seq), tlog.RecordHash([]byte(all[seq]))); err != nil {
				t.Fatalf("record %d of %d: %v", seq, size, err)
			}
			before, err := tree.Root(seq + 1)
			if err != nil {
				t.Fatal(err)
			}
			q, err := tree.ProveTree(seq+1, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckTree(q, int64(size), root, int64(seq+1), before); err != nil {
				t.Fatalf("%d of %d: %v", seq+1, size, err)
			}
		}
	}
	for _, err := range []error{
		second(tree.ProveRecord(5, 5)), second(tree.ProveRecord(0, 99)), second(tree.ProveTree(0, 5)),
		second(tree.ProveTree(6, 5)), second(tree.Root(99)), second(tree.Leaf(99)),
	} {
		if err == nil {
			t.Error("a proof of nothing")
		}
	}
}

// signedBy is a checkpoint that another key signed.
func signedBy(t *testing.T, key []byte, origin string, c journal.Checkpoint) []byte {
	t.Helper()
	s, err := note.NewSigner(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, c.Size, c.Root)}, s)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func second[T any](_ T, err error) error { return err }

// TestCheckpointsAreThinned: the side file does not grow for ever, and keeps
// what each segment ended with.
func TestCheckpointsAreThinned(t *testing.T) {
	f := newFixture(t)
	j, err := journal.Open(f.dir, f.key, f.options().ThinAt(4000))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.dir, "checkpoints.jsonl")
	var ends []string
	const records = 200
	for n := range records {
		add(t, j, 1)
		if n%40 == 39 {
			ends = append(ends, fmt.Sprintf(`"size":%d,`, j.Size()))
			rotate(t, j, 0)
		}
		if err := j.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	b := f.read(path)
	if kept := bytes.Count(b, []byte("\n")); kept > 60 || kept < 10 {
		t.Errorf("%d checkpoints of %d are kept", kept, records)
	}
	for _, want := range append(ends, fmt.Sprintf(`"size":%d,`, j.Size())) {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the checkpoint with %s is missing", want)
		}
	}
	shut(t, j)
	if r := f.verify(); r.Checkpoints < 10 || r.UnreadCheckpoints > 0 || r.Proven != r.Records {
		t.Errorf("report %+v", r)
	}
}
