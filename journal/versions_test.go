package journal_test

import (
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/fettle-io/fettle/journal"
)

// format is the version of the journal's format that this program writes.
const format = "v1"

var update = flag.Bool("update", false, "make testdata/"+format+", which must not exist")

// known is what a journal in testdata holds: known.json.
type known struct {
	// About says how the journal came to be.
	About       string `json:"about"`
	VerifierKey string `json:"verifier_key"`
	// Key is the file of the key that signs.
	Key string `json:"key"`
	// Report is what Verify finds, and Full what it finds with the archive.
	Records, Archived, Proven uint64
	Keys                      int
	Root                      string
	// After is how many records there are after recovery.
	After uint64
}

// makers make the journals of testdata, each in its way.
var makers = map[string]struct {
	about string
	make  func(f *fixture)
}{
	"plain": {"five groups and a clean end", func(f *fixture) {
		j := f.open()
		for _, n := range []int{1, 3, 2, 1, 4} {
			add(f.t, j, n)
		}
		if _, err := j.Append([]journal.Draft{{Type: "run.planned", Subject: "run/<a&b>\"\\ü", Critical: true}, {Type: "run.planned.v2"}}); err != nil {
			f.t.Fatal(err)
		}
		shut(f.t, j)
	}},
	"segments": {"two changes of segment, with and without carried records", func(f *fixture) {
		j := f.open()
		add(f.t, j, 5)
		rotate(f.t, j, 3)
		add(f.t, j, 2)
		add(f.t, j, 2)
		rotate(f.t, j, 0)
		add(f.t, j, 1)
		shut(f.t, j)
	}},
	"archive": {"three changes of segment, two segments in the archive", func(f *fixture) {
		j := f.open()
		for n := range 3 {
			add(f.t, j, 4+n)
			rotate(f.t, j, 2)
		}
		add(f.t, j, 1)
		if moved, err := j.Archive(f.archive(), 2); err != nil || moved != 2 {
			f.t.Fatalf("%d moved, %v", moved, err)
		}
		shut(f.t, j)
	}},
	"key": {"two key changes, a change of segment between them", func(f *fixture) {
		j := f.open()
		add(f.t, j, 2)
		shut(f.t, j)
		f.rekey()
		j = f.open()
		add(f.t, j, 2)
		rotate(f.t, j, 1)
		add(f.t, j, 1)
		shut(f.t, j)
		f.rekey()
		j = f.open()
		add(f.t, j, 1)
		shut(f.t, j)
	}},
	"unclean": {"records that no checkpoint covers, a torn tail, and a segment that an earlier recovery made", func(f *fixture) {
		j := f.open()
		add(f.t, j, 2)
		rotate(f.t, j, 2)
		add(f.t, j, 1)
		image := f.copied() // as a crash leaves it
		shut(f.t, j)
		if err := os.RemoveAll(f.dir); err != nil {
			f.t.Fatal(err)
		}
		if err := os.Rename(image.dir, f.dir); err != nil {
			f.t.Fatal(err)
		}
		j = f.open()
		if n := len(f.segments()); n != 2 {
			f.t.Fatalf("%d segments", n)
		}
		add(f.t, j, 2)
		if err := j.Checkpoint(); err != nil {
			f.t.Fatal(err)
		}
		add(f.t, j, 2)
		again := f.copied()
		shut(f.t, j)
		shut(f.t, again.open()) // what stands behind the checkpoint is in a segment of its own now
		if n := len(again.segments()); n != 3 {
			f.t.Fatalf("%d segments", n)
		}
		j = again.open()
		add(f.t, j, 2)
		crashed := again.copied()
		shut(f.t, j)
		b := crashed.read(crashed.segment())
		crashed.write(crashed.segment(), b[:len(b)-9])
		if err := os.RemoveAll(f.dir); err != nil {
			f.t.Fatal(err)
		}
		if err := os.Rename(crashed.dir, f.dir); err != nil {
			f.t.Fatal(err)
		}
	}},
}

// TestVersions reads, verifies and goes on with the journals of every version
// of the format.
func TestVersions(t *testing.T) {
	if *update {
		makeVersion(t)
	}
	all, err := filepath.Glob(filepath.Join("testdata", "v*", "*", "known.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < len(makers) {
		t.Fatalf("%d journals in testdata, want at least %d: go test ./journal -run TestVersions -update", len(all), len(makers))
	}
	for _, path := range all {
		t.Run(filepath.Dir(path), func(t *testing.T) { goOn(t, filepath.Dir(path)) })
	}
}

func goOn(t *testing.T, from string) {
	top := t.TempDir()
	if err := os.CopyFS(top, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: filepath.Join(top, "journal"), clock: new(fakeClock)}
	var k known
	if err := json.Unmarshal(f.read(filepath.Join(top, "known.json")), &k); err != nil {
		t.Fatal(err)
	}
	f.key, f.id.VerifierKey = filepath.Join(top, k.Key), k.VerifierKey
	if err := os.Chmod(f.key, 0o600); err != nil { // git keeps no such mode
		t.Fatal(err)
	}
	found := examine(f)
	found.About, found.Key, found.After = k.About, k.Key, k.After
	if !reflect.DeepEqual(found, k) {
		t.Errorf("it holds\n%+v\nwant\n%+v", found, k)
	}
	if r, err := journal.Verify(f.dir, k.VerifierKey, journal.VerifyOptions{Archive: f.archive()}); err != nil || r.Archived > 0 || r.Records != k.Records || r.Root != k.Root {
		t.Errorf("with the archive: %+v, %v", r, err)
	}
	seen := f.history()
	if uint64(len(seen)) != k.Records {
		t.Errorf("%d lines, want %d", len(seen), k.Records)
	}
	j := f.open()
	if j.Size() != k.After {
		t.Errorf("%d records after recovery, want %d", j.Size(), k.After)
	}
	add(t, j, 2)
	rotate(t, j, 1)
	add(t, j, 1)
	shut(t, j)
	if r := f.verify(); r.Proven != k.After+5 {
		t.Errorf("when it went on: %+v", r)
	}
	if now := f.history(); !isPrefix(seen, now) {
		t.Errorf("the records changed:\n%q\n%q", seen, now)
	}
}

// examine says what Verify finds.
func examine(f *fixture) known {
	r := f.verify()
	return known{VerifierKey: f.id.VerifierKey, Records: r.Records, Archived: r.Archived, Proven: r.Proven, Keys: r.Keys, Root: r.Root}
}

// makeVersion makes the journals of this version. What is committed is not
// made again: programs that wrote it are out there.
func makeVersion(t *testing.T) {
	dir := filepath.Join("testdata", format)
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatalf("a version is made once: %v", err)
	}
	for name, m := range makers {
		f := newFixture(t)
		m.make(f)
		k := examine(f)
		again := f.copied()
		j := again.open()
		k.After = j.Size()
		shut(t, j)
		k.About, k.Key = m.about, filepath.Base(f.key)
		b, err := json.MarshalIndent(k, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		for from, into := range map[string]string{f.dir: "journal", f.archive(): "archive"} {
			if _, err := os.Stat(from); err != nil {
				continue
			}
			if err := os.CopyFS(filepath.Join(to, into), os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		}
		os.Remove(filepath.Join(to, "journal", "lock"))
		f.write(filepath.Join(to, k.Key), f.read(f.key))
		f.write(filepath.Join(to, "known.json"), append(b, '\n'))
	}
}

// shut closes a journal.
func shut(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// carried makes drafts of carried state.
func carried(count int) []journal.Draft {
	drafts := make([]journal.Draft, count)
	for i := range drafts {
		drafts[i] = journal.Draft{Type: "carried", Subject: fmt.Sprintf("state/%d", i), Data: fmt.Appendf(nil, `{"episodes":[%d]}`, i)}
	}
	return drafts
}

// rotate changes the segment.
func rotate(t testing.TB, j *journal.Journal, count int) []journal.Record {
	t.Helper()
	records, err := j.Rotate(carried(count))
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// archive is where the fixture's older lines go.
func (f *fixture) archive() string { return filepath.Join(filepath.Dir(f.dir), "archive") }

// rekey changes the key. The fixture has the new one then.
func (f *fixture) rekey() {
	f.t.Helper()
	next := f.key + "-next"
	if _, err := journal.Rekey(f.dir, f.key, next, f.options(), rand.Reader); err != nil {
		f.t.Fatal(err)
	}
	f.key = next
}

// history reads all lines, the archive's included.
func (f *fixture) history() []string {
	f.t.Helper()
	var all []string
	if err := journal.ReadArchived(f.dir, f.archive(), 0, func(r journal.Record) error {
		if r.Seq != uint64(len(all)) {
			return fmt.Errorf("seq %d at place %d", r.Seq, len(all))
		}
		all = append(all, string(r.Line))
		return nil
	}); err != nil {
		f.t.Fatal(err)
	}
	return all
}
