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
