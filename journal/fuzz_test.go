package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-io/fettle/journal"
)

// FuzzOpen opens a journal of which one file is anything: the newest segment,
// the one before it, the checkpoint, or a side file. It is refused and left as
// it is, or what it shows verifies, now and when it goes on.
func FuzzOpen(f *testing.F) {
	versions, err := filepath.Glob(filepath.Join("testdata", "v1", "*", "journal"))
	if err != nil || len(versions) == 0 {
		f.Fatalf("%v, %v", versions, err)
	}
	names := []string{"segments", "unclean", "key", "archive"}
	files := []string{"000000000006.jsonl", "000000000009.jsonl", "000000000014.jsonl", "checkpoint", "checkpoints.jsonl", "marks.jsonl", "000000000000.leaves", "000000000000.jsonl"}
	for n, name := range names {
		for m, file := range files {
			if b, err := os.ReadFile(filepath.Join("testdata", "v1", name, "journal", file)); err == nil {
				f.Add(uint8(n), uint8(m), b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, file uint8, content []byte) {
		name := names[int(which)%len(names)]
		top := t.TempDir()
		if err := os.CopyFS(top, os.DirFS(filepath.Join("testdata", "v1", name))); err != nil {
			t.Fatal(err)
		}
		x := &fixture{t: t, dir: filepath.Join(top, "journal"), key: filepath.Join(top, "journal.key"), clock: new(fakeClock)}
		if name == "key" {
			x.key += "-next-next"
		}
		if err := os.Chmod(x.key, 0o600); err != nil {
			t.Fatal(err)
		}
		x.write(filepath.Join(x.dir, files[int(file)%len(files)]), content)
		before := x.bytes()
		j, err := journal.Open(x.dir, x.key, x.options())
		if err != nil {
			if x.bytes() != before {
				t.Fatalf("refused (%v), and changed", err)
			}
			return
		}
		size := j.Size()
		add(t, j, 1)
		rotate(t, j, 1)
		shut(t, j)
		x.id = j.Identity()
		// What stands in older segments is not Open's to see.
		r, err := journal.Verify(x.dir, x.id.VerifierKey, journal.VerifyOptions{})
		if err == nil && (r.Records != size+3 || r.Proven != r.Records) {
			t.Fatalf("opened with %d records, then %+v", size, r)
		}
		if again, err := journal.Open(x.dir, x.key, x.options()); err != nil {
			t.Fatalf("it does not open again: %v", err)
		} else {
			shut(t, again)
		}
	})
}
