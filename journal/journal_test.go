package journal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
)

func TestRoundTrip(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	if j.Identity() != f.id {
		t.Errorf("identity %+v, want %+v", j.Identity(), f.id)
	}
	at := f.clock.now()
	drafts := []journal.Draft{
		{Type: "received", Subject: "alert/<a&b>\"\\\n\u2028ü", At: at, ID: "id-1", Data: []byte(`{"a":"\u00fc\/","b":[1.0,2e3]}`)},
		{Type: "run.planned", Critical: true, At: at, ID: "id-2"},
		{Type: "run.planned.v2", At: journal.Reading{Wall: at.Wall}, ID: "id-3", Data: []byte(`{}`)},
	}
	written, err := j.Append(drafts)
	if err != nil {
		t.Fatal(err)
	}
	written = slices.Concat(written, nil) // valid until the next Append
	written = append(written, add(t, j, 2)...)
	check := func(j *journal.Journal) {
		t.Helper()
		for i, line := range lines(t, j)[1:] {
			written[i].Line = []byte(line)
		}
		var got []journal.Record
		if err := j.Replay(func(r journal.Record) error {
			if r.Seq > 0 {
				r.Line, r.Data = []byte(string(r.Line)), []byte(string(r.Data))
				got = append(got, r)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		written[1].Data = []byte("{}") // nil was written so
		if !reflect.DeepEqual(got, written) {
			t.Errorf("replay\n%+v\nwant\n%+v", got, written)
		}
		if j.Size() != 6 {
			t.Errorf("size %d, want 6", j.Size())
		}
	}
	check(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := f.verify()
	if r.Records != 6 || r.Proven != 6 || r.Tail != nil || r.Checkpoints == 0 || r.UnreadCheckpoints != 0 {
		t.Errorf("report %+v", r)
	}
	again := f.open()
	check(again)
	if n := len(f.segments()); n != 1 {
		t.Errorf("%d segments after a clean end, want 1", n)
	}
	var size int64
	for _, s := range f.segments() {
		size += int64(len(f.read(s)))
	}
	if again.Bytes() != size {
		t.Errorf("Bytes() = %d, the files have %d", again.Bytes(), size)
	}
}

func TestLineIsACloudEvent(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 1)
	line := lines(t, j)[1]
	var event struct {
		SpecVersion, Type, Subject, Boot, BootTime, ID, Source, CRC string
		Time                                                        time.Time
		Seq                                                         int32
		Critical                                                    *bool
		Data                                                        struct{ N int }
	}
	if err := json.Unmarshal([]byte(line), &event); err != nil {
		t.Fatal(err)
	}
	if event.SpecVersion != "1.0" || event.Type != "io.fettle.received.v1" || event.Subject != "alert/1" ||
		event.Source != "//host1/fettle/"+f.id.ID || event.Seq != 1 || event.Data.N != 1 || event.Critical != nil ||
		event.BootTime != "324000000000000" || !event.Time.Equal(f.clock.now().Wall) {
		t.Errorf("%s\nreads as %+v", line, event)
	}
	// The fields that the fold wants stand first.
	if want := `{"specversion":"1.0","seq":1,"type":"io.fettle.received.v1","subject":"alert/1","boot":"6f2c8a9e-boot","boottime":"324000000000000","time":"2026-11-21T02:34:00.123456789Z","id":"`; !strings.HasPrefix(line, want) {
		t.Errorf("line begins otherwise:\n%s", line)
	}
}

func TestGroupMarks(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	for _, n := range []int{1, 3, 2} {
		add(t, j, n)
	}
	if records, err := j.Append(nil); err != nil || records != nil {
		t.Errorf("an empty group: %v, %v", records, err)
	}
	var shape []string
	for _, line := range strings.Split(string(f.read(f.segment())), "\n") {
		if line == "" {
			shape = append(shape, "mark")
		} else {
			shape = append(shape, "line")
		}
	}
	// What Split finds behind the last line break is no line.
	want := "mark line mark line mark line line line mark line line mark"
	if got := strings.Join(shape, " "); got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

func TestRefusedDrafts(t *testing.T) {
	long := `{"x":"` + strings.Repeat("a", journal.MaxLine) + `"}`
	tests := []struct {
		name  string
		draft journal.Draft
	}{
		{"too long", journal.Draft{Type: "received", Data: []byte(long)}},
		{"no type", journal.Draft{}},
		{"type with a prefix of its own", journal.Draft{Type: "io/fettle"}},
		{"type with the implied version", journal.Draft{Type: "received.v1"}},
		{"unknown critical type", journal.Draft{Type: "received", Critical: true}},
		{"data with a line break", journal.Draft{Type: "received", Data: []byte("{\n}")}},
		{"data that is no object", journal.Draft{Type: "received", Data: []byte(`[1]`)}},
		{"empty data", journal.Draft{Type: "received", Data: []byte{}}},
		{"two objects", journal.Draft{Type: "received", Data: []byte(`{}{}`)}},
		{"duplicate keys", journal.Draft{Type: "received", Data: []byte(`{"a":1,"a":2}`)}},
		{"data not in UTF-8", journal.Draft{Type: "received", Data: []byte("{\"a\":\"\xff\"}")}},
		{"subject not in UTF-8", journal.Draft{Type: "received", Subject: "\xff"}},
		{"a year that has no four digits", journal.Draft{Type: "received", At: journal.Reading{Wall: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}},
	}
	f := newFixture(t)
	j := f.open()
	before := string(f.read(f.segment()))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The good one before it must not be written either.
			if _, err := j.Append([]journal.Draft{draft(1), tt.draft}); !errors.Is(err, journal.ErrRefused) {
				t.Errorf("error %v, want ErrRefused", err)
			}
		})
	}
	if string(f.read(f.segment())) != before {
		t.Error("something was written")
	}
	if r := add(t, j, 1)[0]; r.Seq != 1 {
		t.Errorf("seq %d after refusals, want 1", r.Seq)
	}
}

func TestLongestLine(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	add(t, j, 1)
	overhead := len(lines(t, j)[1]) - len(draft(1).Data)
	pad := strings.Repeat("a", journal.MaxLine-overhead-len(`{"x":""}`))
	d := draft(1) // the same subject, so the same overhead
	d.Data = []byte(`{"x":"` + pad + `"}`)
	if _, err := j.Append([]journal.Draft{d}); err != nil {
		t.Fatal(err)
	}
	if n := len(lines(t, j)[2]); n != journal.MaxLine {
		t.Fatalf("line of %d bytes, want %d", n, journal.MaxLine)
	}
	add(t, j, 1)
	if got := lines(t, f.copied().open()); len(got) != 4 {
		t.Errorf("%d lines after recovery, want 4", len(got))
	}
}

func TestOpenRefuses(t *testing.T) {
	f, other := newFixture(t), newFixture(t)
	j := f.open()
	if _, err := j.Append([]journal.Draft{{Type: "run.planned", Critical: true}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(f.dir, "journal.key")
	loose := filepath.Join(t.TempDir(), "loose.key")
	f.write(inside, f.read(f.key))
	f.write(loose, f.read(f.key))
	if err := os.Chmod(loose, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(inside, link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, key, want string
		change          func(*journal.Options)
	}{
		{"another key", other.key, "is not the key of this journal", nil},
		{"a key inside", inside, "lies in the journal's directory", nil},
		{"a link to a key inside", link, "lies in the journal's directory", nil},
		{"a key for everybody", loose, "mode 0640", nil},
		{"no key", filepath.Join(t.TempDir(), "none"), "no such file", nil},
		{"a pinned id", f.key, "pins another-id", func(o *journal.Options) { o.PinnedID = "another-id" }},
		{"a critical type that it does not know", f.key, `"run.planned" is critical`, func(o *journal.Options) { o.KnownTypes = nil }},
		{"a host that is none", f.key, "not the name of a host", func(o *journal.Options) { o.Host = "a b" }},
	}
	before := f.read(f.segment())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := f.options()
			if tt.change != nil {
				tt.change(&o)
			}
			j, err := journal.Open(f.dir, tt.key, o)
			if err == nil {
				j.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
		})
	}
	if string(f.read(f.segment())) != string(before) {
		t.Error("the journal was changed")
	}
	o := f.options()
	o.PinnedID = f.id.ID
	ok, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		t.Fatalf("with the right id pinned, after all refusals: %v", err)
	}
	ok.Close()
}

func TestOpenWithoutJournal(t *testing.T) {
	f := newFixture(t)
	empty := t.TempDir()
	for _, dir := range []string{filepath.Join(empty, "missing"), empty} {
		_, err := journal.Open(dir, f.key, f.options())
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "fettle journal init") {
			t.Errorf("%s: %v", dir, err)
		}
		if _, err := journal.Verify(dir, f.id.VerifierKey, journal.VerifyOptions{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("verify %s: %v", dir, err)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("something was left in an empty directory: %v, %v", left, err)
	}
}

func TestSecondOpener(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	_, err := journal.Open(f.dir, f.key, f.options())
	if !errors.Is(err, journal.ErrLocked) {
		t.Fatalf("error %v, want ErrLocked", err)
	}
	for _, want := range []string{filepath.Join(f.dir, "lock"), fmt.Sprint(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f.open()
}

func TestClosed(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Append([]journal.Draft{draft(1)}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append: %v, want ErrClosed", err)
	}
	if err := j.Checkpoint(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("checkpoint: %v, want ErrClosed", err)
	}
}

func TestMaybeCheckpoint(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	path := filepath.Join(f.dir, "checkpoint")
	step := func(what string, want uint64) {
		t.Helper()
		if err := j.MaybeCheckpoint(f.clock.now()); err != nil {
			t.Fatal(err)
		}
		if got := j.Checkpointed(); got != want {
			t.Errorf("%s: checkpointed %d, want %d", what, got, want)
		}
	}
	add(t, j, 1)
	step("at once", 1)
	f.clock.advance(999 * time.Millisecond)
	step("before a second", 1)
	f.clock.advance(time.Millisecond)
	step("after a second", 2)
	add(t, j, 1<<16-1)
	step("with 65,535 records", 2)
	add(t, j, 1)
	step("with 65,536 records", 2+(1<<16))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.clock.advance(59 * time.Minute)
	step("idle for less than an hour", 2+(1<<16))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a checkpoint was written before the hour: %v", err)
	}
	f.clock.advance(time.Minute)
	step("idle for an hour", 2+(1<<16))
	if r := f.verify(); r.Proven != 2+(1<<16) {
		t.Errorf("proven %d, want 65,538", r.Proven)
	}
}

func TestOpenIsMarked(t *testing.T) {
	f := newFixture(t)
	for range 2 {
		if err := f.open().Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(string(f.read(filepath.Join(f.dir, "marks.jsonl"))), `"mark":"opened"`); got != 2 {
		t.Errorf("%d marks of opening, want 2", got)
	}
	if r := f.verify(); r.Records != 1 {
		t.Errorf("%d records: marks are no records", r.Records)
	}
}
