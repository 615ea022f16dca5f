package demo

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

var update = flag.Bool("update", false, "write the golden files")

// told is one record, at seconds after the fault.
type told struct {
	at   float64
	typ  string
	data any
}

var (
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mine  = map[string]string{"alertname": memberDown, "cluster": "demo", "member": "m2"}
	run   = "0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10"
)

func reading(at float64) journal.Reading {
	d := time.Duration(at * float64(time.Second))
	return journal.Reading{Wall: began.Add(d), Boot: "b", Since: time.Hour + d}
}

func received(at float64, episode string, labels map[string]string) told {
	return told{at, repair.TypeReceived, repair.Received{Opened: true, Episode: episode, Labels: labels}}
}

func planned(at float64, episode, run string) told {
	return told{at, repair.TypePlanned, repair.Planned{Run: run, Episode: episode, Playbook: "etcd-member-restart", Steps: make([]repair.PlannedStep, 2)}}
}

func intent(at float64, episode string, step int, action string) told {
	return told{at, repair.TypeIntent, repair.IntentData{Intent: repair.Intent{Run: run, Episode: episode, Step: step, Action: action}, TargetName: "demo/m2"}}
}

func finishedStep(at float64, episode string, step int, name string, r repair.StepResult, says string) told {
	return told{at, repair.TypeStep, repair.StepData{Run: run, Episode: episode, Step: step, Name: name, Result: r, Says: says}}
}

func finished(at float64, f repair.FinishedData) told {
	f.Run = run
	return told{at, repair.TypeFinished, f}
}

func TestTimeline(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind FaultKind
		told []told
		over string // why it is over without a repair
	}{
		{name: "kill", kind: Kill, told: []told{
			received(-3, "before", mine),
			received(1.5, "other", map[string]string{"alertname": memberDown, "cluster": "demo", "member": "m1"}),
			planned(1.5, "other", "1"),
			intent(1.6, "other", 1, "member-start"),
			{1.9, "config.loaded", map[string]string{"digest": "x"}},
			received(2.0, "e", mine),
			planned(2.0, "e", run),
			{2.0, repair.TypeNoop, repair.StepData{Run: run, Episode: "e", Name: "end-hung"}},
			intent(2.04, "e", 1, "member-start"),
			finishedStep(3.1, "e", 1, "start", repair.StepVerified, "m2 serves"),
			finished(8.1, repair.FinishedData{Episode: "e", Outcome: repair.Repaired}),
			{12.3, repair.TypeClosed, repair.ClosedData{Episode: "e", Reason: "in_order", Mutated: true}},
		}},
		{name: "hang", kind: Hang, told: []told{
			received(1.4, "e", mine),
			planned(1.4, "e", run),
			intent(11.5, "e", 0, "member-end-hung"),
			finishedStep(11.7, "e", 0, "end-hung", repair.StepVerified, "m2 is dead"),
			intent(11.8, "e", 1, "member-start"),
			finishedStep(12.0, "e", 1, "start", repair.StepVerified, "m2 serves"),
			finished(17.1, repair.FinishedData{Episode: "e", Outcome: repair.Repaired}),
		}},
		{name: "relapse", kind: Kill, told: []told{
			received(1, "e", mine),
			planned(1, "e", run),
			finished(1.1, repair.FinishedData{Episode: "e", Outcome: repair.Blocked, Guard: "pause", Reason: "pause", Detail: "paused by ann: a look around", Passing: true}),
			planned(6, "e", run),
			intent(6, "e", 1, "member-start"),
			finishedStep(6.2, "e", 1, "start", repair.StepVerified, "m2 serves"),
			{7, repair.TypeRelapsed, repair.RelapsedData{Run: run, Episode: "e", Attempt: 1, Says: "m2 is dead"}},
			intent(7.1, "e", 1, "member-start"),
			finishedStep(7.3, "e", 1, "start", repair.StepVerified, "m2 serves"),
			finished(12.3, repair.FinishedData{Episode: "e", Outcome: repair.Repaired}),
		}},
		{name: "refused", kind: Kill, over: "run 0199a2b4… ended blocked, proof, empty-data-dir: /d holds no member", told: []told{
			received(1, "e", mine),
			planned(1, "e", run),
			finished(1.1, repair.FinishedData{Episode: "e", Outcome: repair.Blocked, Guard: "proof", Reason: "empty-data-dir", Detail: "/d holds no member"}),
		}},
		{name: "by itself", kind: Kill, over: "the episode was closed: recovered_by_itself", told: []told{
			received(1, "e", mine),
			{9, repair.TypeClosed, repair.ClosedData{Episode: "e", Reason: "recovered_by_itself"}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &course{cycle: 1, at: reading(0), cluster: "demo", fault: Fault{Member: "m2", Kind: tc.kind, PID: 4711}}
			lines := []string{c.begin().Line(), c.fired(began.Add(900 * time.Millisecond)).Line()}
			for i, r := range tc.told {
				data, err := json.Marshal(r.data)
				if err != nil {
					t.Fatal(err)
				}
				events, err := c.take(journal.Record{Seq: uint64(10 + i), Draft: journal.Draft{Type: r.typ, At: reading(r.at), Data: data}})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					if e.Name == eventRepaired {
						e = c.end(c.figures(*c.verified-50*time.Millisecond), 5*time.Second, 0)
					}
					lines = append(lines, e.Line())
				}
			}
			if c.over != tc.over || (c.repaired == nil) != (tc.over != "") {
				t.Errorf("over: %q, repaired: %v; want %q", c.over, c.repaired, tc.over)
			}
			golden(t, strings.ReplaceAll(tc.name, " ", "-"), strings.Join(lines, "\n")+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (write it with -update):\n%s\nwant\n%s", path, got, want)
	}
}

func TestFiguresOfACourse(t *testing.T) {
	at := func(ms int) *time.Duration { d := time.Duration(ms) * time.Millisecond; return &d }
	c := &course{received: at(2000), applied: at(2040), verified: at(3100)}
	if got, want := c.figures(3050*time.Millisecond), (Figure{Detect: 2, Repair: 1.1, Verified: 3.1, ToApply: 0.04, ToVerified: 0.05, Own: 0.09}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := c.figures(3150 * time.Millisecond).ToVerified; got != 0 {
		t.Errorf("verified before the probe read: %v", got)
	}
}

func TestATornRecordIsAnError(t *testing.T) {
	c := &course{}
	if _, err := c.take(journal.Record{Seq: 7, Draft: journal.Draft{Type: repair.TypeReceived, Data: []byte(`[]`)}}); err == nil || !strings.Contains(err.Error(), "journal seq 7, received") {
		t.Errorf("%v", err)
	}
}
