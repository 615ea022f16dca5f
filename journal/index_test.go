package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/journal"
)

// bySubject names a record by its subject.
func bySubject(r journal.Record) []string {
	if r.Subject == "" {
		return nil
	}
	return []string{r.Subject}
}

func drafts(subject string, n int) []journal.Draft {
	all := make([]journal.Draft, n)
	for i := range all {
		all[i] = journal.Draft{Type: "run.planned", Subject: subject, Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return all
}

func told(t *testing.T, x *journal.Index, name string, most int) (data []string, left int) {
	t.Helper()
	if err := x.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, left, err := x.Records(name, most)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Subject != name || len(r.Line) == 0 {
			t.Errorf("asked for %s, got %+v", name, r)
		}
		data = append(data, string(r.Data))
	}
	return data, left
}

// The index finds what Read finds, also what is written after it was made, and across
// segments.
func TestIndexFindsWhatReadFinds(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	write := func(all []journal.Draft) {
		t.Helper()
		if _, err := j.Append(all); err != nil {
			t.Fatal(err)
		}
	}
	x := journal.NewIndex(f.dir, bySubject)
	for _, round := range []int{1, 2, 3} {
		for i := range 50 {
			write(append(drafts(fmt.Sprintf("run/%d", i), 1), drafts("run/all", 1)...))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = f.open() // a further segment, or the one before goes on
		for _, name := range []string{"run/0", "run/49", "run/all", "run/none"} {
			var want []string
			if err := journal.Read(f.dir, 0, func(r journal.Record) error {
				if r.Subject == name {
					want = append(want, string(r.Data))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if got, left := told(t, x, name, 1000); strings.Join(got, " ") != strings.Join(want, " ") || left != 0 {
				t.Errorf("round %d, %s: %d records and %d left, want %d", round, name, len(got), left, len(want))
			}
		}
		if got, want := x.Next(), j.Size(); got != want {
			t.Errorf("looked at %d of %d", got, want)
		}
	}
}

// Of many the first few and the newest are returned, and the rest is counted.
func TestIndexLeavesOutTheMiddle(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	if _, err := j.Append(drafts("run/1", 100)); err != nil {
		t.Fatal(err)
	}
	got, left := told(t, journal.NewIndex(f.dir, bySubject), "run/1", 16)
	if want := `{"n":0} {"n":1} {"n":86}`; len(got) != 16 || left != 84 || strings.Join(got[:3], " ") != want || got[15] != `{"n":99}` {
		t.Errorf("%d left of %v", left, got)
	}
}

func TestIndexSaysWhatItCannotRead(t *testing.T) {
	f := newFixture(t)
	j := f.open()
	if _, err := j.Append(drafts("run/1", 2)); err != nil {
		t.Fatal(err)
	}
	x := journal.NewIndex(f.dir, bySubject)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.CatchUp(over); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
	if got, _ := told(t, x, "run/1", 10); len(got) != 2 {
		t.Fatalf("got %v", got)
	}
	// One that is damaged hides no other.
	lines, err := os.ReadFile(f.segment())
	if err != nil || strings.Count(string(lines), `"n":0`) != 1 {
		t.Fatal("the record is not where it was written", err)
	}
	if err := os.WriteFile(f.segment(), []byte(strings.Replace(string(lines), `"n":0`, `"n":7`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if some, left, err := x.Records("run/1", 10); err == nil || len(some) != 1 || string(some[0].Data) != `{"n":1}` || left != 0 {
		t.Errorf("one is damaged: %d records, %d left, %v", len(some), left, err)
	}
	if err := os.Remove(f.segment()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Records("run/1", 10); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lines are gone: %v", err)
	}
	if err := journal.NewIndex(t.TempDir(), bySubject).CatchUp(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no journal: %v", err)
	}
}
