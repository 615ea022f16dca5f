package repair_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

// times are those that were taken of a stage.
func (w *fakeWorld) times(stage string) (all []time.Duration) {
	for _, n := range w.notes {
		if n.Stage == stage {
			all = append(all, n.Took)
		}
	}
	return all
}

// tell hands the alert of a member over, as one that began and ended then.
func (w *fakeWorld) tell(member string, began, ended time.Time) {
	a := alert.Alert{Status: alert.Firing, Labels: downLabels(member), StartsAt: began, EndsAt: ended, Fingerprint: alert.FingerprintOf(downLabels(member))}
	if !ended.IsZero() {
		a.Status = alert.Resolved
	}
	w.step(repair.Alerts{Message: "m", Actor: "am", Alerts: []alert.Alert{a}, End: &repair.MessageEnd{Message: "m", Actor: "am"}})
}

func (w *fakeWorld) at() time.Time { return w.wall.Add(w.now) }

func wantTimes(t *testing.T, w *fakeWorld, stage string, want ...time.Duration) {
	t.Helper()
	got := w.times(stage)
	if len(got) != len(want) {
		t.Errorf("%s: took %v, want %v", stage, got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: took %v, want %v", stage, got, want)
		}
	}
}

// A member is down from 2 s before its alert comes in, its start takes 3 s, and the alert
// ends 4 s after it was seen done.
func TestTimesOfStages(t *testing.T) {
	w := newWorld(t, 3)
	w.run(time.Minute)
	w.kill("m2")
	w.member("m2").startIn = 3 * time.Second
	began := w.at()
	w.run(2 * time.Second)
	w.tell("m2", began, time.Time{})
	wantTimes(t, w, "detect", 2*time.Second)
	w.run(20 * time.Second)
	act, verify := w.times("act"), w.times("verify")
	if len(act) != 1 || len(verify) != 1 || verify[0] < 3*time.Second {
		t.Fatalf("act %v, verify %v: want one of each, and the start's three seconds in the second", act, verify)
	}
	wantTimes(t, w, "clear")
	seen := began.Add(2*time.Second + w.times("respond")[0] + act[0] + verify[0])
	w.tell("m2", began, seen.Add(4*time.Second))
	wantTimes(t, w, "clear") // it may relapse
	w.run(2 * time.Minute)
	wantTimes(t, w, "clear", 4*time.Second)
	wantList(t, "closed", w.closed(), "in_order")
}

// What an alert says of its own times is believed only where it can be.
func TestTimesThatAreNotTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		began, ended time.Duration // from when it comes in; ended 0: it fires on
		again        bool          // it fires again before the run has ended
		detect       int
		clear        []time.Duration
	}{
		"it began before this process":          {began: -time.Hour, ended: 30 * time.Second, detect: 0, clear: []time.Duration{0}},
		"by its clock it begins later":          {began: time.Minute, detect: 0},
		"it never ends":                         {began: -time.Second, detect: 1},
		"it had ended before anything was done": {began: -time.Second, ended: -time.Millisecond, detect: 1},
		"it ends in the future":                 {began: -time.Second, ended: time.Hour, detect: 1},
		"it fires again":                        {began: -time.Second, ended: 30 * time.Second, again: true, detect: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.run(time.Minute)
			w.kill("m2")
			w.member("m2").startIn = 35 * time.Second
			at := w.at()
			w.tell("m2", at.Add(tc.began), time.Time{})
			w.run(40 * time.Second)
			if tc.ended != 0 {
				w.tell("m2", at.Add(tc.began), at.Add(tc.ended))
			}
			if tc.again {
				w.tell("m2", at.Add(41*time.Second), time.Time{})
			}
			w.run(2 * time.Minute)
			if n := len(w.times("detect")); n != tc.detect {
				t.Errorf("detect was taken %d times, want %d", n, tc.detect)
			}
			wantTimes(t, w, "clear", tc.clear...)
			wantTimes(t, w, "settle", time.Minute)
		})
	}
}

// A crash between the intent and its answer: nobody knows when that came.
func TestTimesOfAnEarlierProcess(t *testing.T) {
	w := newWorld(t, 3)
	w.run(time.Minute)
	w.kill("m2")
	w.member("m2").startIn = 3 * time.Second
	w.tell("m2", w.at(), time.Time{})
	w.crash = func(f repair.Effect) bool {
		_, applies := f.(repair.Apply)
		if applies {
			w.crash = nil
		}
		return applies
	}
	w.run(3 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	if act, verify := w.times("act"), w.times("verify"); len(act) != 1 || len(verify) != 1 {
		t.Errorf("act %v, verify %v: want those of the second attempt alone", act, verify)
	}
}
