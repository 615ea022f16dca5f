package repair_test

import (
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// nobodys are alerts that no playbook is for.
func nobodys(from, n int) repair.Alerts {
	ev := repair.Alerts{Message: fmt.Sprint("m", from), Actor: "test", End: &repair.MessageEnd{}}
	for i := range n {
		labels := map[string]string{"alertname": "Nobodys", "n": fmt.Sprint(from + i)}
		ev.Alerts = append(ev.Alerts, alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Labels: labels})
	}
	return ev
}

// The sequencer changes segments; a start that folds the newest one alone knows the
// open state, and a deep verification finds each carried state to be the fold's.
func TestSequencerChangesSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	at, unit := newPlace(t), &fakeUnit{}
	disk := at.openWith(t, journal.Options{SegmentBytes: 8 << 10, Ahead: -1})
	j := &fakeJournal{Journal: disk, written: map[string]bool{}}
	s, _ := sequence(t, unit.config(t), repair.NewState(), j)
	s.Start()
	if _, _, err := s.Submit(t.Context(), repair.SetPause{Actor: "op", Reason: "patching"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
		t.Fatal(err)
	}
	await(t, s, "the refusal", func(st *repair.State) bool {
		eps := st.Episodes()
		return len(eps) == 1 && eps[0].Last != nil && eps[0].Last.Reason == "paused"
	})
	for i := range 40 {
		if _, _, err := s.Submit(t.Context(), nobodys(i*20, 20)); err != nil {
			t.Fatal(err)
		}
	}
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if j.rotations < 3 {
		t.Fatalf("%d changes of segment", j.rotations)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}

	newest := repair.NewState()
	folded := 0
	disk = at.openWith(t, journal.Options{Ahead: -1, Each: func(r journal.Record) error {
		folded++
		return newest.Fold(r.Draft)
	}})
	whole := repair.NewState()
	all := func(fn func(journal.Record) error) error { return journal.Read(at.dir, 0, fn) }
	if err := all(func(r journal.Record) error {
		if r.Type == repair.TypeCarried {
			return nil
		}
		return whole.Fold(r.Draft)
	}); err != nil {
		t.Fatal(err)
	}
	now := clock()
	if got, want := carried(t, newest, now), carried(t, whole, now); got != want {
		t.Errorf("the newest segment alone folds to\n%s\nall lines to\n%s", got, want)
	}
	if pauses := newest.Pauses(); len(pauses) != 1 || pauses[0].Reason != "patching" {
		t.Errorf("pauses %+v", pauses)
	}
	if uint64(folded) >= disk.Size()/2 {
		t.Errorf("%d of %d records were folded at the start", folded, disk.Size())
	}
	n, err := repair.DeepVerify(all)
	if err != nil || n != disk.Size() {
		t.Errorf("%d of %d records: %v", n, disk.Size(), err)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// A segment that cannot be begun on a full disk is tried again later; one that fails
// the journal ends repairs.
func TestChangeOfSegmentFails(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		final bool
	}{"a full disk": {errDisk, false}, "the journal failed": {errors.Join(journal.ErrFailed, errDisk), true}} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			disk := newPlace(t).openWith(t, journal.Options{SegmentBytes: 4 << 10, Ahead: -1})
			j := &fakeJournal{Journal: disk, written: map[string]bool{}, rotate: tc.err}
			s, _ := sequence(t, (&fakeUnit{}).config(t), repair.NewState(), j)
			s.Start()
			var err error
			for i := range 20 {
				if _, _, err = s.Submit(t.Context(), nobodys(i*20, 20)); err != nil {
					break
				}
			}
			if tc.final != errors.Is(err, repair.ErrJournal) || tc.final != (s.Failed() != nil) {
				t.Errorf("%v, failed %v", err, s.Failed())
			}
			s.Stop()
			if err := disk.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// With no room but for outcomes, messages are refused and nothing new begins; what is
// under way, and people, are written. Room again, and it goes on by itself.
func TestFullDisk(t *testing.T) {
	defer goleak.VerifyNone(t)
	unit := &fakeUnit{}
	disk := newPlace(t).open(t, nil)
	j := &fakeJournal{Journal: disk, written: map[string]bool{}}
	j.setFull(errDisk)
	s, reg := sequence(t, unit.config(t), repair.NewState(), j)
	s.Start()
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); !errors.Is(err, repair.ErrFull) || !errors.Is(err, errDisk) {
		t.Fatalf("a message with no room: %v", err)
	}
	if _, seq, err := s.Submit(t.Context(), repair.SetPause{Actor: "op"}); err != nil || seq == 0 {
		t.Errorf("a pause with no room: %v", err)
	}
	if _, _, err := s.Submit(t.Context(), repair.ClearPause{Actor: "op"}); err != nil {
		t.Error(err)
	}
	if got := metric(t, reg, "fettle_journal_room"); got != 0 {
		t.Errorf("fettle_journal_room %v", got)
	}
	if s.Failed() != nil {
		t.Errorf("a full disk is no failure: %v", s.Failed())
	}
	j.setFull(nil)
	if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
		t.Fatal(err)
	}
	await(t, s, "repaired", ended(repair.Repaired))
	if got := metric(t, reg, "fettle_journal_room"); got != 1 {
		t.Errorf("fettle_journal_room %v", got)
	}
	s.Stop()
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}
