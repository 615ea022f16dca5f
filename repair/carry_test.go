package repair_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// carried is a State as one text.
func carried(t tester, s *repair.State, now journal.Reading) string {
	t.Helper()
	drafts, err := s.Carry(now, func() string { return "id" })
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range drafts {
		b.Write(d.Data)
		b.WriteByte('\n')
	}
	return b.String()
}

// A segment's carried records alone make the state that all lines before it make, at
// whichever line the segment changes.
func TestCarriedStateIsTheWholeState(t *testing.T) {
	w := eventful(t)
	s := repair.NewState()
	changes := 0
	for i, d := range w.drafts {
		if err := s.Fold(d); err != nil {
			t.Fatal(err)
		}
		if i%5 != 0 && d.Type != repair.TypeIntent && d.Type != repair.TypeHeld {
			continue
		}
		changes++
		now := d.At
		now.Since += time.Second
		whole := fold(t, w.drafts[:i+1])
		drafts, err := whole.Carry(now, func() string { return "id" })
		if err != nil {
			t.Fatal(err)
		}
		alone := fold(t, drafts)
		if got, want := carried(t, alone, now), carried(t, whole, now); got != want {
			t.Fatalf("after record %d (%s) the carried state is another one:\n%s\n%s", i, d.Type, got, want)
		}
		// And what follows comes to the same.
		for _, later := range w.drafts[i+1:] {
			if later.At.Boot == now.Boot && later.At.Since < now.Since {
				later.At.Since = now.Since
			}
			for _, one := range []*repair.State{alone, whole} {
				if err := one.Fold(later); err != nil {
					t.Fatal(err)
				}
			}
		}
		end := w.reading()
		if got, want := carried(t, alone, end), carried(t, whole, end); got != want {
			t.Fatalf("with record %d carried, the end is another one:\n%s\n%s", i, got, want)
		}
	}
	if changes < 20 {
		t.Fatalf("only %d changes of segment were tried", changes)
	}
}

// A cooldown, and the time for which an alert that a person closed stays so, may be set to
// weeks: a new segment keeps them as long.
func TestCarriedForWeeks(t *testing.T) {
	const week = 7 * 24 * time.Hour
	t.Run("cooldown", func(t *testing.T) {
		w := newWorld(t, 3)
		w.set.Cooldown = 2 * week
		w.kill("m2")
		fire(w, "m2")
		w.run(2 * time.Minute)
		w.send(alert.Resolved, downLabels("m2"))
		w.run(2 * time.Minute)
		wantList(t, "closed", w.closed(), "in_order")
		w.now += week + time.Hour
		w.newSegment()
		w.restart()
		w.kill("m2")
		fire(w, "m2")
		w.run(time.Minute)
		wantList(t, "outcomes", w.finished(), "blocked(cooldown/cooldown)")
	})
	t.Run("closed by a person", func(t *testing.T) {
		w := newWorld(t, 3)
		w.set.ReopenClosed = 2 * week
		w.brake = true
		w.kill("m2")
		fire(w, "m2")
		w.step(repair.CloseEpisode{Episode: openEpisodes(w)[0].ID, Actor: "op"})
		w.now += week + time.Hour
		w.newSegment()
		w.restart()
		fire(w, "m2")
		if n := len(openEpisodes(w)); n != 0 {
			t.Errorf("%d open episodes, and a person had closed it", n)
		}
	})
}

// records are drafts as a journal with changes of segment after the given lines.
func records(t *testing.T, drafts []journal.Draft, after ...int) []journal.Record {
	t.Helper()
	var out []journal.Record
	add := func(d journal.Draft) { out = append(out, journal.Record{Seq: uint64(len(out)), Draft: d}) }
	add(journal.Draft{Type: "journal.genesis"})
	s := repair.NewState()
	for i, d := range drafts {
		if err := s.Fold(d); err != nil {
			t.Fatal(err)
		}
		add(d)
		for _, n := range after {
			if n != i {
				continue
			}
			parts, err := s.Carry(d.At, func() string { return fmt.Sprint("c", len(out)) })
			if err != nil {
				t.Fatal(err)
			}
			add(journal.Draft{Type: "journal.segment", At: d.At})
			for _, p := range parts {
				add(p)
			}
		}
	}
	return out
}

func reader(all []journal.Record) func(func(journal.Record) error) error {
	return func(fn func(journal.Record) error) error {
		for _, r := range all {
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestDeepVerify(t *testing.T) {
	w := eventful(t)
	all := records(t, w.drafts, 30, 31, len(w.drafts)/2, len(w.drafts)-1)
	n, err := repair.DeepVerify(reader(all))
	if err != nil || n != uint64(len(all)) {
		t.Fatalf("%d of %d records: %v", n, len(all), err)
	}
	first := 0 // the first line of the second segment
	for i, r := range all {
		if r.Type == "journal.segment" {
			first = i
			break
		}
	}
	if _, err := repair.DeepVerify(reader(all[first:])); err != nil {
		t.Errorf("from the second segment on: %v", err)
	}
	if _, err := repair.DeepVerify(reader(all[first+2:])); err == nil {
		t.Error("without the beginning of the carried state it verifies")
	}
	for name, change := range map[string]func([]journal.Record) []journal.Record{
		"a pause that nobody set": func(rs []journal.Record) []journal.Record {
			rs[first+1].Data = []byte(strings.Replace(string(rs[first+1].Data), `"total":`, `"total":1`, 1))
			return rs
		},
		"a part left out": func(rs []journal.Record) []journal.Record { return append(rs[:first+2:first+2], rs[first+3:]...) },
		"all parts but the clock left out": func(rs []journal.Record) []journal.Record {
			out := append([]journal.Record{}, rs[:first+2]...)
			for _, r := range rs[first+2:] {
				if r.Type != repair.TypeCarried {
					out = append(out, r)
				}
			}
			return out
		},
		"an episode too many": func(rs []journal.Record) []journal.Record {
			for i := first + 2; i < len(rs); i++ {
				if rs[i].Type == repair.TypeCarried {
					rs[i].Data = []byte(strings.Replace(string(rs[i].Data), `[{`, `[{"id":"x","fingerprint":"y"},{`, 1))
					return rs
				}
			}
			return rs
		},
	} {
		changed := change(append([]journal.Record{}, all...))
		if _, err := repair.DeepVerify(reader(changed)); err == nil {
			t.Errorf("%s: it verifies", name)
		}
	}
}
