package repair_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// tellingWorld has an Alertmanager, which holds every alert active that was not
// resolved, and sees what people are told.
func tellingWorld(t *testing.T, n int) (*fakeWorld, *[]repair.Escalation) {
	w := newWorld(t, n)
	w.cfg.Alertmanagers = true
	w.sources = []repair.PollSource{{Name: "am", Active: map[alert.Fingerprint]bool{}}}
	var told []repair.Escalation
	w.watch = func(f repair.Effect) {
		if e, ok := f.(repair.Escalate); ok {
			told = append(told, e.Alerts...)
		}
	}
	w.restart()
	return w, &told
}

func (w *fakeWorld) active(members ...string) {
	clear(w.sources[0].Active)
	for _, m := range members {
		w.sources[0].Active[alert.FingerprintOf(downLabels(m))] = false
		fire(w, m)
	}
}

func open(all []repair.Escalation) (out []string) {
	for _, e := range all {
		s := e.Cluster + " " + e.Reason
		if e.Over {
			s += " over"
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// A waiting approval is told at once, again each minute, and once more when it is over.
func TestApprovalIsToldAtOnce(t *testing.T) {
	w, told := tellingWorld(t, 3)
	w.level = repair.Approve
	w.kill("m2")
	w.active("m2")
	w.run(5 * time.Second)
	wantList(t, "told", open(*told), "demo approval")
	one := (*told)[0]
	if one.Tier != repair.P0 || one.Episodes != 1 || len(one.Sample) != 1 || one.Sample[0].Target != "demo/m2" || !strings.Contains(one.Sample[0].Answer, "autonomy(approval)") {
		t.Errorf("told %+v", one)
	}
	w.run(10 * time.Minute)
	wantList(t, "told", open(*told), "demo approval", "demo deadline")
	posts := 0
	for _, e := range *told {
		if e.Reason == "approval" {
			posts++
			if ahead := e.Ends.Sub(w.wall.Add(w.now)); ahead > 4*time.Minute {
				t.Errorf("it ends %s from now", ahead)
			}
		}
	}
	if posts < 10 || posts > 14 {
		t.Errorf("%d posts in ten minutes, want one a minute", posts)
	}
	if n := w.count(repair.TypeEscalate); n != 2 {
		t.Errorf("%d records of two reasons", n)
	}
	*told = nil
	w.restart() // what is told outlives the process
	w.run(90 * time.Second)
	wantList(t, "told after a restart", open(*told), "demo approval", "demo deadline")

	*told = nil
	if err := w.approve(w.engine.State().Episodes()[0].ID, "alice"); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Minute)
	clear(w.sources[0].Active)
	w.send(alert.Resolved, downLabels("m2"))
	w.run(10 * time.Minute)
	wantList(t, "closed", w.closed(), "in_order")
	wantList(t, "told", open(*told), "demo approval", "demo deadline", "demo approval over", "demo deadline over")
	if last := (*told)[len(*told)-1]; !last.Over || last.Ends.After(w.wall.Add(w.now)) {
		t.Errorf("the last post is %+v", last)
	}
	if n := len(w.engine.State().Told()); n != 0 {
		t.Errorf("%d things are told of no open episode", n)
	}
}

// One alert for each cluster and reason; an acknowledgement ends an episode's part, and
// another reason is told again.
func TestAcknowledged(t *testing.T) {
	w, told := tellingWorld(t, 5)
	w.run(2 * time.Minute) // in the first minute after a start nothing ends
	for _, m := range []string{"m2", "m3"} {
		w.kill(m)
		w.member(m).proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir", Detail: "nothing in it"}
	}
	w.active("m2", "m3")
	w.run(30 * time.Second)
	wantList(t, "told", open(*told), "demo empty-data-dir")
	if n := w.count(repair.TypeEscalate); n != 1 {
		t.Errorf("%d records of one cluster and reason", n)
	}
	var eps [2]string
	for _, ep := range w.engine.State().Episodes() {
		eps[slices.Index([]string{"m2", "m3"}, ep.Label("member"))] = ep.ID
	}
	ack := func(ep string) error { return w.step(repair.Acknowledge{Episode: ep, Actor: "alice"}).Err }
	if err := ack(eps[0]); err != nil {
		t.Fatal(err)
	}
	if err := ack(eps[0]); !errors.Is(err, repair.ErrRefused) || !strings.Contains(err.Error(), "acknowledged already") {
		t.Errorf("twice: %v", err)
	}
	*told = nil
	w.run(5 * time.Second)
	if last := (*told)[len(*told)-1]; last.Over || last.Episodes != 1 || last.Sample[0].Episode != eps[1] {
		t.Errorf("after one of two is known: %+v", last)
	}
	if err := ack(eps[1]); err != nil {
		t.Fatal(err)
	}
	*told = nil
	w.run(10 * time.Second)
	wantList(t, "told", open(*told), "demo empty-data-dir over")

	*told = nil
	w.restart()
	w.run(5 * time.Minute) // and another reason
	wantList(t, "told", open(*told), "demo deadline")
	if got, want := carried(t, w.engine.State(), w.reading()), carried(t, fold(t, w.drafts), w.reading()); got != want {
		t.Error("the journal folds to another state")
	}
	if err := ack("nothing"); !errors.Is(err, repair.ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
	fire(w, "m4")
	w.run(time.Second)
	for _, ep := range w.engine.State().Episodes() {
		if ep.Label("member") == "m4" {
			if err := ack(ep.ID); !errors.Is(err, repair.ErrRefused) {
				t.Errorf("of what nobody was told: %v", err)
			}
		}
	}
}

// Passing refusals are told at the deadline, and a thousand episodes are one alert.
func TestPassingIsToldAtTheDeadline(t *testing.T) {
	w, told := tellingWorld(t, 3)
	w.kill("m2")
	w.step(repair.SetPause{Actor: "op"})
	alerts := make([]alert.Alert, 1000)
	for i := range alerts {
		labels := downLabels("m2")
		labels["n"] = fmt.Sprint(i)
		alerts[i] = alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: alert.Firing, Labels: labels}
		w.sources[0].Active[alerts[i].Fingerprint] = false
	}
	w.step(repair.Alerts{Message: "many", Actor: "test", Alerts: alerts, End: &repair.MessageEnd{}})
	w.run(55 * time.Second)
	if len(*told) != 0 {
		t.Errorf("told before the deadline: %v", open(*told))
	}
	w.run(10 * time.Minute)
	wantList(t, "told", open(*told), "demo deadline")
	if last := (*told)[len(*told)-1]; last.Episodes != 1000 || len(last.Sample) != 10 || !strings.Contains(last.Detail, "pause(paused)") {
		t.Errorf("told of %d, naming %d: %s", last.Episodes, len(last.Sample), last.Detail)
	}
	if n := w.count(repair.TypeEscalate); n != 1 {
		t.Errorf("%d records of one cluster and reason", n)
	}
	w.restart()
	*told = nil
	w.run(2 * time.Minute)
	if last := (*told)[len(*told)-1]; last.Episodes != 1000 {
		t.Errorf("after a restart it is of %d episodes", last.Episodes)
	}
}

// What people are told of follows a reload that takes the cluster away.
func TestToldAfterTheClusterIsGone(t *testing.T) {
	w, told := tellingWorld(t, 3)
	w.kill("m2")
	w.step(repair.SetPause{Actor: "op"})
	w.active("m2")
	w.run(3 * time.Minute)
	wantList(t, "told", open(*told), "demo deadline")
	*told = nil
	w.cfg.Inventory.Clusters = []cluster.Cluster{{Name: "other", Kind: cluster.KindEtcd}}
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(3 * time.Minute)
	if got := open(*told); !slices.Contains(got, "demo deadline over") || !slices.Contains(got, " deadline") {
		t.Errorf("told %v", got)
	}
}

// A run whose episode a person has closed ends unknown, in this process or the next one:
// people are told until its slots are free.
func TestUnknownIsToldAfterItsEpisode(t *testing.T) {
	for _, again := range []string{"", "a start", "a start where the run's end was the last that was written"} {
		w, told := tellingWorld(t, 3)
		w.run(2 * time.Minute)
		w.kill("m2")
		w.member("m2").broken = true
		w.member("m2").untold = true
		w.active("m2")
		for i := 0; i < 100 && w.count(repair.TypeIntent) == 0; i++ {
			w.run(100 * time.Millisecond)
		}
		ep := w.engine.State().Episodes()[0].ID
		if err := w.step(repair.CloseEpisode{Episode: ep, Actor: "op"}).Err; err != nil {
			t.Fatal(err)
		}
		if again == "a start" {
			w.restart()
		}
		w.run(5 * time.Minute)
		if again != "" && again != "a start" {
			i := slices.IndexFunc(w.drafts, func(d journal.Draft) bool { return d.Type == repair.TypeFinished })
			w.drafts = slices.Clone(w.drafts[:i+1])
			w.restart()
		}
		*told = nil
		w.run(5 * time.Minute)
		wantList(t, "told", open(*told), "demo unknown")
		w.step(repair.Release{Episode: ep, Actor: "op"})
		*told = nil
		w.run(5 * time.Minute)
		wantList(t, "told", open(*told), "demo unknown over")
	}
}

// Whoever joined what others were told of, and was acknowledged, is told by no start again.
func TestAcknowledgedOverARestart(t *testing.T) {
	w, told := tellingWorld(t, 5)
	w.run(2 * time.Minute)
	w.brake = true
	for _, m := range []string{"m2", "m3"} {
		w.kill(m)
	}
	w.active("m2", "m3")
	w.run(3 * time.Minute)
	wantList(t, "told", open(*told), "demo deadline")
	for _, ep := range w.engine.State().Episodes() {
		if err := w.step(repair.Acknowledge{Episode: ep.ID, Actor: "alice"}).Err; err != nil {
			t.Fatal(err)
		}
	}
	w.run(3 * time.Minute)
	*told = nil
	w.restart()
	w.run(3 * time.Minute)
	wantList(t, "told", open(*told))
}
