package repair_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

func TestReloadTakesAPlaybookAway(t *testing.T) {
	w := newWorld(t, 3)
	w.step(repair.SetPause{Actor: "op"})
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Minute)
	w.cfg.Playbooks = nil
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(10 * time.Second)
	wantList(t, "closed", w.closed(), "unmatched")
}

func TestReloadUnderAnIntent(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = 10 * time.Second
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Second)
	if w.count(repair.TypeIntent) != 1 {
		t.Fatal("no intent yet")
	}
	changed := *w.cfg.Playbooks[0]
	changed.Digest = "other"
	w.cfg.Playbooks = []*repair.Playbook{&changed}
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(20 * time.Second)
	if got := w.finished(); len(got) == 0 || got[0] != "blocked(changed/changed)" {
		t.Fatalf("outcomes %v", got)
	}
	if w.member("m2").applied != 1 {
		t.Errorf("started %d times", w.member("m2").applied)
	}
}

func TestBlockedForHoursWritesLittle(t *testing.T) {
	w := newWorld(t, 3)
	w.brake = true
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	before := len(w.drafts)
	w.run(8 * time.Hour)
	if n := len(w.drafts) - before; n > 8*30 {
		t.Errorf("%d records in eight hours", n)
	}
}

func TestUnresolvedByPollsAlone(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.restart()
	fp := alert.FingerprintOf(downLabels("m2"))
	w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{fp: false}}}
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(3 * time.Minute)
	if len(w.closed()) != 0 {
		t.Fatal("closed though Alertmanager has it active")
	}
	w.sources[0].Active = map[alert.Fingerprint]bool{} // Alertmanager restarted: no resolved message ever comes
	w.run(2 * time.Minute)
	wantList(t, "closed", w.closed(), "in_order")
}

func TestSilencedIsOnPurpose(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.set.Look = 40 * time.Second
	w.restart()
	fp := alert.FingerprintOf(downLabels("m2"))
	w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{fp: true}}}
	w.brake = true
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Minute)
	w.brake = false
	w.run(10 * time.Minute)
	wantList(t, "outcomes", w.finished(), "blocked(pause/brake)", "blocked(on-purpose/silenced)")
}

func TestClosedByPersonStaysClosed(t *testing.T) {
	w := newWorld(t, 3)
	w.brake = true
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Minute)
	ep := w.engine.State().Episodes()[0].ID
	w.step(repair.CloseEpisode{Episode: ep, Actor: "op"})
	w.restart()
	w.send(alert.Firing, downLabels("m2"))
	if n := len(openEpisodes(w)); n != 0 {
		t.Fatal("opened again though a person closed it")
	}
	w.send(alert.Resolved, downLabels("m2"))
	w.send(alert.Firing, downLabels("m2"))
	if n := len(openEpisodes(w)); n != 1 {
		t.Fatal("not opened after it was seen inactive")
	}
}

// An alert that had ended when a person closed its episode is a new one when it fires
// again, also for who folds the newest segment alone.
func TestClosedByPersonAfterItsEnd(t *testing.T) {
	for name, carry := range map[string]bool{"all lines": false, "the newest segment alone": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.brake = true
			w.kill("m2")
			w.send(alert.Firing, downLabels("m2"))
			w.run(time.Minute)
			w.send(alert.Resolved, downLabels("m2"))
			open := openEpisodes(w)
			if len(open) != 1 {
				t.Fatalf("%d open episodes, of a member that is still dead", len(open))
			}
			w.step(repair.CloseEpisode{Episode: open[0].ID, Actor: "op"})
			if carry {
				w.newSegment()
			}
			w.restart()
			w.send(alert.Firing, downLabels("m2"))
			if n := len(openEpisodes(w)); n != 1 {
				t.Errorf("%d open episodes, want one for the alert that fires again", n)
			}
		})
	}
}

// So is one that no Alertmanager had any more when a person closed it, whether it is sent
// again or, for Alertmanager never told of its end, is not.
func TestClosedByPersonWhenItIsAbsent(t *testing.T) {
	labels := downLabels("m2")
	fp := alert.FingerprintOf(labels)
	again := []alert.Alert{{Status: alert.Firing, Fingerprint: fp, Labels: labels}}
	for _, c := range []struct{ name, next string }{
		{"it is sent", ""}, {"it is not sent", ""},
		{"it is sent", "all lines"}, {"it is not sent", "all lines"},
		{"it is sent", "the newest segment alone"}, {"it is not sent", "the newest segment alone"},
	} {
		t.Run(c.name+" "+c.next, func(t *testing.T) {
			w := newWorld(t, 3)
			w.cfg.Alertmanagers = true
			w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{fp: false}}}
			w.restart()
			w.brake = true
			w.kill("m2")
			fire(w, "m2")
			w.run(time.Minute)
			w.sources[0].Active = nil
			w.run(5 * time.Minute)
			open := openEpisodes(w)
			if len(open) != 1 {
				t.Fatalf("%d open episodes, of a member that is still dead", len(open))
			}
			w.step(repair.CloseEpisode{Episode: open[0].ID, Actor: "op"})
			if c.next == "the newest segment alone" {
				w.newSegment()
			}
			if c.next != "" {
				w.restart()
			}
			w.run(time.Minute)
			w.sources[0].Active = map[alert.Fingerprint]bool{fp: false}
			if c.name == "it is sent" {
				fire(w, "m2")
			} else {
				w.sources[0].Alerts = again
				w.run(time.Minute)
			}
			if n := len(openEpisodes(w)); n != 1 {
				t.Errorf("%d open episodes, want one for the alert that fires again", n)
			}
		})
	}
}

func openEpisodes(w *fakeWorld) (open []repair.Episode) {
	for _, ep := range w.engine.State().Episodes() {
		if ep.ClosedWall.IsZero() {
			open = append(open, ep)
		}
	}
	return open
}

func TestDeadlineEscalatesOnce(t *testing.T) {
	w := newWorld(t, 3)
	w.brake = true
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(30 * time.Minute)
	if n := w.count(repair.TypeEscalate); n != 1 {
		t.Errorf("%d escalations, want 1", n)
	}
}

// Rule 4: where the target cannot be observed, the alert's end alone closes the episode.
func TestUnobservableClosesWithItsAlert(t *testing.T) {
	w := newWorld(t, 3)
	w.lookErr = errors.New("no bus")
	w.kill("m2")
	w.send(alert.Firing, downLabels("m2"))
	w.run(time.Minute)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(20 * time.Second)
	wantList(t, "closed", w.closed(), "alert_ended")
}

// An alert that is over before its target was looked at gets an answer all the same,
// where that cannot be observed.
func TestUnobservableIsAnsweredBeforeItCloses(t *testing.T) {
	for name, c := range map[string]struct {
		runs int // episodes that get a run of their own for a refusal
		wait time.Duration
	}{
		"over before the look":           {10, 0},
		"over while its answer is held":  {1, 8 * time.Second},
		"over before it is to be held":   {1, 0},
		"over when it has been answered": {10, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.set.RefusalRuns = c.runs
			w.lookErr = errors.New("no bus")
			fire(w, "m1", "m3") // with one run each, the record that holds m3 puts off the next
			w.run(2 * time.Second)
			fire(w, "m2")
			if c.wait > 0 {
				w.run(c.wait)
			}
			w.send(alert.Resolved, downLabels("m2"))
			w.run(3 * time.Minute)
			answered := map[string]bool{}
			w.each(repair.TypeFinished, func(b []byte) {
				var f repair.FinishedData
				w.decode(b, &f)
				answered[f.Episode] = true
			})
			w.each(repair.TypeHeld, func(b []byte) {
				var h repair.HeldData
				w.decode(b, &h)
				for _, id := range h.Episodes {
					answered[id] = true
				}
			})
			wantList(t, "closed", w.closed(), "alert_ended")
			if len(answered) != 3 {
				t.Errorf("%d of three alerts were answered", len(answered))
			}
		})
	}
}
