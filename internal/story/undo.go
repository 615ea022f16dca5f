package story

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// undone keeps apart the runs that take another back: they say nothing of how the
// episode stands, and what is still owed outlives it.
type undone struct {
	fold *repair.State
	runs map[string]bool // whether a run is one
	owed map[string]bool // and whether nobody asked for it
}

func newUndone() undone {
	return undone{fold: repair.NewState(), runs: map[string]bool{}, owed: map[string]bool{}}
}

// take folds a record, and tells whether it belongs to such a run.
func (u *undone) take(r journal.Record, data any) bool {
	_ = u.fold.Fold(r.Draft) // it was decoded already; what is of a later version tells nothing here
	switch d := data.(type) {
	case repair.Planned:
		u.runs[d.Run], u.owed[d.Run] = d.Undoes != "", d.Undoes != "" && d.Actor == ""
		return d.Undoes != ""
	case repair.IntentData:
		return u.runs[d.Run]
	case repair.StepData:
		return u.runs[d.Run]
	case repair.FinishedData:
		return u.runs[d.Run]
	}
	return false
}

// unguarded puts right what an intent says where no guard was asked (rule 24).
func (u *undone) unguarded(w *words) {
	if d, ok := w.data.(repair.IntentData); ok && u.owed[d.Run] {
		w.says = strings.Replace(w.says, "guards ok,", "owed, so no guard is asked;", 1)
	}
}

// owed says what is still to be taken back.
func (t *teller) owed() {
	for _, o := range t.undone.fold.Owed() {
		says := fmt.Sprintf("%s, for run %s, is still to be taken back: that is done once %s is in order.", o.Steps[0].Name, o.Run, o.Target)
		if o.Steps[0].Undoes.Unhealthy {
			says = fmt.Sprintf("%s, for run %s, is still to be taken back: that is tried again by itself.", o.Steps[0].Name, o.Run)
		}
		t.next(says+" `fettle undo` shows what it waits for. To do it now:", "fettle undo "+o.Run, "")
	}
}

func leftWords(d repair.LeftData) words {
	return words{run: d.Run, says: fmt.Sprintf("left as it is by %s: %s is not done by itself any more", d.Actor, strings.Join(d.Steps, ", "))}
}
