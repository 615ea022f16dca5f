package repair_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// labels of a second alert on the same member.
func alsoDown(member string) map[string]string {
	l := downLabels(member)
	l["instance"] = "other"
	return l
}

func TestTwoEpisodesOnOneTargetOneMutation(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = 3 * time.Second
	w.send(alert.Firing, downLabels("m2"))
	w.send(alert.Firing, alsoDown("m2"))
	w.run(2 * time.Minute)
	w.send(alert.Resolved, downLabels("m2"))
	w.send(alert.Resolved, alsoDown("m2"))
	w.run(2 * time.Minute)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d mutations", n)
	}
	wantList(t, "closed", w.closed(), "in_order", "recovered_by_itself")
}

// second is another playbook for the same members, on another alert.
const second = `
name: etcd-member-again
version: 1
description: The same, for another alert.
on: ['alertname="Other"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[a-z0-9-]+'}
target: {kind: etcd, cluster: $cluster, member: $member}
tier: P1
autonomy: auto
steps:
  - {name: start, action: member-start}
`

func TestSecondPlaybookOnTheSameUnit(t *testing.T) {
	w := newWorld(t, 3)
	p, err := repair.LoadPlaybook("etcd-member-again", []byte(second), w.cfg.Actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Playbooks = append(w.cfg.Playbooks, p)
	w.restart()
	w.kill("m2")
	w.member("m2").startIn = 10 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	other := downLabels("m2")
	other["alertname"] = "Other"
	w.send(alert.Firing, other)
	w.run(5 * time.Second)
	wantList(t, "outcomes", w.finished(), "blocked(concurrency/concurrency)")
	w.run(3 * time.Minute)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d mutations", n)
	}
}

// A message with a hundred alerts: a hundred episodes, one group of records, and no
// more than the allowed live runs.
func TestHundredAlertsInOneMessage(t *testing.T) {
	w := newWorld(t, 3)
	var clusters []cluster.Cluster
	for i := range 100 {
		c := w.cfg.Inventory.Clusters[0]
		c.Name = fmt.Sprintf("c%d", i)
		clusters = append(clusters, c)
	}
	w.cfg.Inventory.Clusters = clusters
	w.set.LiveRuns = 10
	w.member("m2").startIn = time.Minute
	w.kill("m2")
	w.restart()
	ev := repair.Alerts{Message: "big", Actor: "test", End: &repair.MessageEnd{}}
	for i := range 100 {
		l := downLabels("m2")
		l["cluster"] = fmt.Sprintf("c%d", i)
		ev.Alerts = append(ev.Alerts, alert.Alert{Fingerprint: alert.FingerprintOf(l), Status: alert.Firing, Labels: l})
	}
	end := w.step(ev).Message
	if end.Received != 100 || end.Repeats != 0 || w.count(repair.TypeMessage) != 1 {
		t.Errorf("%+v, %d message records", end, w.count(repair.TypeMessage))
	}
	w.run(30 * time.Second)
	if n := w.count(repair.TypeIntent); n != 10 {
		t.Errorf("%d mutations at once, want 10", n)
	}
	if n := len(openEpisodes(w)); n != 100 {
		t.Errorf("%d episodes open", n)
	}
	again := w.step(repair.Alerts{Message: "again", Actor: "test", Alerts: ev.Alerts, End: &repair.MessageEnd{}}).Message
	if again.Repeats != 100 || w.count(repair.TypeMessage) != 1 {
		t.Errorf("the same again: %+v", again)
	}
}

// A message in parts has one closing record, with the sum.
func TestMessageInParts(t *testing.T) {
	w := newWorld(t, 3)
	part := func(member string, end *repair.MessageEnd) repair.MessageEnd {
		l := downLabels(member)
		return w.step(repair.Alerts{Message: "m", Actor: "test", End: end, Alerts: []alert.Alert{{Fingerprint: alert.FingerprintOf(l), Status: alert.Firing, Labels: l}}}).Message
	}
	first, second := part("m1", nil), part("m1", nil)
	if first.Received != 1 || second.Repeats != 1 || w.count(repair.TypeMessage) != 0 {
		t.Errorf("%+v, %+v", first, second)
	}
	if end := part("m2", &repair.MessageEnd{Received: 1, Repeats: 1}); end.Received != 2 || end.Repeats != 1 || w.count(repair.TypeMessage) != 1 {
		t.Errorf("%+v, %d closing records", end, w.count(repair.TypeMessage))
	}
}

// What fettle itself sends is never matched (rule 22), nor is what is too large.
func TestNeverMatched(t *testing.T) {
	w := newWorld(t, 3)
	own := downLabels("m2")
	own["origin"] = "fettle"
	w.send(alert.Firing, own)
	l := downLabels("m3")
	w.step(repair.Alerts{Message: "m", Actor: "test", End: &repair.MessageEnd{}, Alerts: []alert.Alert{{
		Fingerprint: alert.FingerprintOf(l), Status: alert.Firing, Oversize: true, LabelsDigest: "sha256:0",
	}}})
	w.run(time.Minute)
	if w.count(repair.TypePlanned) != 0 || w.count(repair.TypeReceived) != 2 {
		t.Errorf("%d runs, %d received", w.count(repair.TypePlanned), w.count(repair.TypeReceived))
	}
}

func TestReloadDuringSettle(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	fire(w, "m2")
	w.run(20 * time.Second)
	w.reload()
	w.run(10 * time.Second)
	wantList(t, "outcomes", w.finished(), "blocked(changed/changed)")
	w.send(alert.Resolved, downLabels("m2"))
	w.run(2 * time.Minute)
	wantList(t, "closed", w.closed(), "in_order")
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("started %d times", n)
	}
}

// A reload that changes nothing of a run's own lets it go on.
func TestReloadOfOthersChangesNothing(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = 5 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
}

// A reload asks what ended observed: more autonomy needs no new alert.
func TestReloadAsksWhatWasObserved(t *testing.T) {
	w := newWorld(t, 3)
	w.level = repair.Observe
	w.set.Look = time.Hour
	w.kill("m2")
	fire(w, "m2")
	w.run(time.Minute)
	w.level = repair.Auto
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "observed(autonomy/observe)", "repaired")
}

// The inventory loses the target while its intent is in flight.
func TestReloadTakesTheTargetAway(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	w.member("m2").startIn = 10 * time.Second
	fire(w, "m2")
	w.run(time.Second)
	c := w.cfg.Inventory.Clusters[0]
	c.Members = []cluster.Member{c.Members[0], c.Members[2]}
	w.cfg.Inventory = cluster.Inventory{Clusters: []cluster.Cluster{c}}
	w.restart()
	w.run(time.Minute)
	if got := w.finished(); len(got) == 0 || got[0] != "unknown" {
		t.Fatalf("outcomes %v: it cannot be told", got)
	}
	w.kill("m3")
	fire(w, "m3")
	w.run(time.Minute)
	if n := w.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d intents", n)
	}
}

// An episode whose labels name nothing is polled for all the same.
func TestUnresolvedEndsByPolls(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.restart()
	w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{alert.FingerprintOf(downLabels("m9")): false}}}
	fire(w, "m9")
	w.run(5 * time.Minute)
	if len(w.closed()) != 0 {
		t.Fatal("closed though Alertmanager has it active")
	}
	w.sources[0].Active = nil
	w.run(2 * time.Minute)
	wantList(t, "closed", w.closed(), "alert_ended")
}

// Absent counts only when every Alertmanager answers, twice, 30 s apart (rule 4).
func TestAbsentNeedsEveryAlertmanager(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.restart()
	down := repair.PollSource{Name: "b", Err: errors.New("refused")}
	w.sources = []repair.PollSource{{Name: "a"}, down}
	w.kill("m2")
	fire(w, "m2")
	w.run(9 * time.Minute)
	if len(w.closed()) != 0 {
		t.Fatal("closed though one Alertmanager did not answer")
	}
	w.run(5 * time.Minute) // 10 minutes silent: left out, and people are told
	wantList(t, "closed", w.closed(), "in_order")
	var told bool
	w.each(repair.TypeEscalate, func(b []byte) {
		var e repair.EscalatedData
		w.decode(b, &e)
		told = told || e.Reason == "alertmanager"
	})
	if !told {
		t.Error("nobody was told of the Alertmanager that does not answer")
	}
}

// A failing poll after hours without any is not ten minutes of silence.
func TestSilenceOfAlertmanagerIsNotIdleness(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.sources = []repair.PollSource{{Name: "a"}}
	w.restart()
	w.run(time.Second) // what is active has been fetched
	w.sources[0].Err = errors.New("refused")
	w.kill("m2")
	fire(w, "m2")
	w.run(90 * time.Second)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(5 * time.Hour)
	if len(openEpisodes(w)) != 0 {
		t.Fatal("still open")
	}
	w.kill("m3")
	fire(w, "m3")
	w.run(90 * time.Second)
	if n := w.count(repair.TypeEscalate); n != 0 {
		t.Errorf("%d escalations", n)
	}
}

// Polls that a truncated message hurries are not 30 s apart.
func TestHurriedPollsDoNotCountTwice(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.restart()
	w.sources = []repair.PollSource{{Name: "a"}}
	fire(w, "m9")
	w.run(time.Second)
	for range 5 {
		w.step(repair.Alerts{Message: "cut", Actor: "test", End: &repair.MessageEnd{Truncated: 3}})
		w.run(time.Second)
	}
	if len(w.closed()) != 0 {
		t.Fatal("closed after polls seconds apart")
	}
	w.run(time.Minute)
	wantList(t, "closed", w.closed(), "alert_ended")
}

// Without an Alertmanager, ten minutes in order count as no longer active.
func TestNoAlertmanagerClosesByQuiet(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	fire(w, "m2")
	w.run(9 * time.Minute)
	if len(w.closed()) != 0 {
		t.Fatal("closed too early")
	}
	w.run(5 * time.Minute)
	wantList(t, "closed", w.closed(), "in_order")
}

// An alert that stays though its target is in order is told once.
func TestStillActiveEscalates(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Alertmanagers = true
	w.restart()
	w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{alert.FingerprintOf(downLabels("m2")): false}}}
	w.kill("m2")
	fire(w, "m2")
	w.run(time.Hour)
	var reasons []string
	w.each(repair.TypeEscalate, func(b []byte) {
		var e repair.EscalatedData
		w.decode(b, &e)
		reasons = append(reasons, e.Reason)
	})
	wantList(t, "escalations", reasons, "still_active")
}

// An operator's word about nothing is answered, and leaves no record.
func TestWordsAboutNothing(t *testing.T) {
	w := newWorld(t, 3)
	before := len(w.drafts)
	for _, ev := range []repair.Event{
		repair.Release{Episode: "x"}, repair.CloseEpisode{Episode: "x"}, repair.ClearPause{ID: "x"},
		repair.ClearPause{}, repair.ClearPause{Cluster: "demo"}, repair.SetPause{Cluster: "nowhere"},
	} {
		if a := w.step(ev); !errors.Is(a.Err, repair.ErrNotFound) {
			t.Errorf("%+v: %v", ev, a.Err)
		}
	}
	if len(w.drafts) != before {
		t.Errorf("%d records", len(w.drafts)-before)
	}
	one, two := w.step(repair.SetPause{Actor: "op"}), w.step(repair.SetPause{Actor: "other"})
	if one.Pause.ID == "" || one.Pause.ID != two.Pause.ID {
		t.Errorf("a second pause of the same scope is another: %+v, %+v", one.Pause, two.Pause)
	}
}
