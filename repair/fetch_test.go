package repair_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

// polls are the polls that a world's engine asks for.
func polls(w *fakeWorld) *[]repair.Poll {
	var asked []repair.Poll
	w.watch = func(f repair.Effect) {
		if p, ok := f.(repair.Poll); ok {
			asked = append(asked, p)
		}
	}
	return &asked
}

// What a message left out is fetched until every Alertmanager has answered for it, also
// by the next process: the 200 was given (rule 3).
func TestLeftOutAlertsAreFetchedUntilAnswered(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.sources = []repair.PollSource{{Name: "a"}, {Name: "b"}}
	w.restart()
	asked := polls(w)
	w.run(time.Second)
	if len(*asked) != 1 || !(*asked)[0].Fetch {
		t.Fatalf("at the start: %+v, want one fetch", *asked)
	}
	w.sources[1].Err = errors.New("refused")
	w.step(repair.Alerts{Message: "m", Actor: "test", End: &repair.MessageEnd{Truncated: 3}})
	w.run(3 * time.Minute)
	for i, p := range *asked {
		if !p.Fetch {
			t.Errorf("poll %d does not fetch, and b has not answered", i)
		}
	}
	if len(*asked) < 4 {
		t.Errorf("only %d polls", len(*asked))
	}
	w.sources[1].Err = nil
	w.run(time.Minute)
	n := len(*asked)
	w.sources[0].Active = map[alert.Fingerprint]bool{alert.FingerprintOf(downLabels("m2")): false}
	fire(w, "m2") // an open episode keeps the polls coming
	w.run(2 * time.Minute)
	for _, p := range (*asked)[n:] {
		if p.Fetch {
			t.Error("it fetches although everybody has answered")
		}
	}
	if len(*asked) == n {
		t.Error("no poll while an episode is open")
	}
}

// Also of one that was left out meanwhile.
func TestLeftOutAlertsAreFetchedOnceItAnswers(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.sources = []repair.PollSource{{Name: "a"}, {Name: "b"}}
	w.restart()
	w.run(time.Second)
	w.sources[1].Err = errors.New("refused")
	w.step(repair.Alerts{Message: "m", Actor: "test", End: &repair.MessageEnd{Truncated: 3}})
	w.run(15 * time.Minute)
	labels := downLabels("m2")
	fp := alert.FingerprintOf(labels)
	w.kill("m2")
	w.sources[1] = repair.PollSource{Name: "b", Active: map[alert.Fingerprint]bool{fp: false}, Alerts: []alert.Alert{{Status: alert.Firing, Fingerprint: fp, Labels: labels}}}
	w.run(2 * time.Minute)
	allServe(t, w)
	w.sources[1].Active, w.sources[1].Alerts = nil, nil
	w.run(5 * time.Minute)
	asked := polls(w)
	if w.run(2 * time.Hour); len(*asked) > 120 {
		t.Errorf("%d polls after all was fetched", len(*asked))
	}
}

// What is active is fetched also at a reload: an alert that a playbook is for from then on
// would be sent again by nobody until repeat_interval, and a start would fetch it.
func TestReloadFetches(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	labels := downLabels("m2")
	fp := alert.FingerprintOf(labels)
	w.sources = []repair.PollSource{{Name: "a", Active: map[alert.Fingerprint]bool{fp: false}, Alerts: []alert.Alert{{Status: alert.Firing, Fingerprint: fp, Labels: labels}}}}
	books := w.cfg.Playbooks
	w.cfg.Playbooks = nil
	w.restart()
	w.kill("m2")
	fire(w, "m2")
	w.run(5 * time.Minute)
	if n := len(openEpisodes(w)); n != 0 {
		t.Fatalf("%d open episodes without a playbook", n)
	}
	w.cfg.Playbooks = books
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(time.Minute)
	if n := len(openEpisodes(w)); n != 1 {
		t.Errorf("%d open episodes, want one", n)
	}
	allServe(t, w)
}

// A silence holds while the Alertmanager that knows of it does not answer.
func TestSilenceHoldsWhileNotAllAnswer(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	fp := alert.FingerprintOf(downLabels("m2"))
	w.sources = []repair.PollSource{
		{Name: "a", Active: map[alert.Fingerprint]bool{fp: true}},
		{Name: "b", Active: map[alert.Fingerprint]bool{fp: false}},
	}
	w.restart()
	w.step(repair.SetPause{Actor: "op"}) // until the first poll has answered
	w.kill("m2")
	fire(w, "m2")
	w.run(10 * time.Second)
	w.step(repair.ClearPause{Actor: "op"})
	w.run(time.Minute)
	w.sources[0].Err, w.sources[0].Active = errors.New("refused"), nil
	w.run(5 * time.Minute)
	if m := w.member("m2"); m.applied != 0 {
		t.Fatalf("started %d times although silenced", m.applied)
	}
	w.sources[0].Err, w.sources[0].Active = nil, map[alert.Fingerprint]bool{fp: false}
	w.run(3 * time.Minute)
	allServe(t, w)
}

// silencedWorld has a dead m2 whose alert is silenced in the one Alertmanager.
func silencedWorld(t *testing.T) (w *fakeWorld, fp alert.Fingerprint) {
	t.Helper()
	w, fp = newWorld(t, 3), alert.FingerprintOf(downLabels("m2"))
	w.cfg.Alertmanagers = true
	w.sources = []repair.PollSource{{Name: "a", Active: map[alert.Fingerprint]bool{fp: true}}}
	w.restart()
	w.step(repair.SetPause{Actor: "op"}) // until the first poll has answered
	w.kill("m2")
	fire(w, "m2")
	w.run(10 * time.Second)
	w.step(repair.ClearPause{Actor: "op"})
	return w, fp
}

// A start looks sooner than Alertmanager answers: what the journal says was silenced is
// so until then.
func TestSilenceHoldsOverAStart(t *testing.T) {
	for name, carry := range map[string]bool{"all lines": false, "the newest segment alone": true} {
		t.Run(name, func(t *testing.T) {
			w, fp := silencedWorld(t)
			w.run(3 * time.Hour)
			if carry {
				w.newSegment()
			}
			w.restart()
			w.run(time.Hour)
			if m := w.member("m2"); m.applied != 0 {
				t.Fatalf("started %d times although silenced", m.applied)
			}
			w.sources[0].Active = map[alert.Fingerprint]bool{fp: false}
			w.restart()
			w.run(time.Minute)
			allServe(t, w)
		})
	}
}

// With the last Alertmanager a reload takes away who says that an alert is silenced.
func TestSilenceEndsWithItsAlertmanager(t *testing.T) {
	w, _ := silencedWorld(t)
	w.run(time.Minute)
	if m := w.member("m2"); m.applied != 0 {
		t.Fatalf("started %d times although silenced", m.applied)
	}
	w.cfg.Alertmanagers = false
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(time.Minute)
	allServe(t, w)
}

// An alert that ends and comes back before Alertmanager's group_interval is over is sent
// by nobody until repeat_interval: where no message has told of its end, the polls go on,
// also in the next process, and bring it.
func TestAlertThatComesBackUntoldIsFound(t *testing.T) {
	labels := downLabels("m2")
	fp := alert.FingerprintOf(labels)
	again := []alert.Alert{{Status: alert.Firing, Fingerprint: fp, Labels: labels}, {Status: alert.Firing, Fingerprint: alert.FingerprintOf(downLabels("m3")), Labels: downLabels("m3")}}
	for _, c := range []struct {
		name         string
		told         bool // a message says that it ended
		restart      bool
		carry        bool // by who folds the newest segment alone
		after        time.Duration
		back, polled bool
	}{
		{"it comes back", false, false, false, 10 * time.Minute, true, true},
		{"fettle is restarted meanwhile", false, true, false, 10 * time.Minute, true, true},
		{"in a new segment", false, true, true, 10 * time.Minute, true, true},
		{"its end was told", true, false, false, 10 * time.Minute, false, false},
		{"it comes back much later", false, false, false, 90 * time.Minute, false, false},
		{"much later, in a new segment", false, true, true, 90 * time.Minute, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.cfg.Alertmanagers = true
			w.sources = []repair.PollSource{{Name: "a", Active: map[alert.Fingerprint]bool{fp: false}}}
			w.restart()
			w.kill("m2")
			fire(w, "m2")
			w.run(2 * time.Minute)
			if c.told {
				w.send(alert.Resolved, labels)
			}
			w.sources[0].Active = nil
			w.run(5 * time.Minute)
			if open, _ := w.engine.State().Open(); open != 0 {
				t.Fatalf("%d episodes are open", open)
			}
			if c.carry {
				w.newSegment()
			}
			if c.restart {
				w.restart()
			}
			w.run(c.after)
			asked := polls(w)
			w.kill("m2")
			w.sources[0].Active, w.sources[0].Alerts = map[alert.Fingerprint]bool{fp: false}, again
			w.run(2 * time.Minute)
			if open, _ := w.engine.State().Open(); (open == 1) != c.back || open > 1 {
				t.Errorf("%d episodes are open", open)
			}
			if w.member("m2").up != c.back {
				t.Errorf("m2 is up: %v", w.member("m2").up)
			}
			if (len(*asked) > 0) != c.polled {
				t.Errorf("%d polls", len(*asked))
			}
		})
	}
}
