package repair_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

// described is a playbook of steps that it describes itself, for a healthy member.
func described(steps string) string {
	return `
name: etcd-member-restart
version: 1
description: Files are written.
on: ['alertname="FettleRaftMemberDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[a-z0-9-]+'}
  file: {pattern: '[a-z]+'}
target: {kind: etcd, cluster: $cluster, member: $member}
tier: P0
autonomy: auto
steps:
` + steps
}

const writeFile = "  - {name: write, action: exec, exec: {argv: [/put, $file, new], unless: [/is, $file, new], takes: false}}\n"

func writeLabels(file string) map[string]string {
	labels := downLabels("m2")
	labels["file"] = file
	return labels
}

// Two alerts on one target whose labels make other steps of the same playbook share
// neither a look nor an answer: each is done, once.
func TestOtherStepsAreOtherAnswers(t *testing.T) {
	f := newFiles(t, described(writeFile))
	f.send(alert.Firing, writeLabels("pool"))
	f.send(alert.Firing, writeLabels("second"))
	f.run(5 * time.Minute)
	f.wantFiles(t, "pool=new", "second=new")
	slices.Sort(f.puts)
	wantList(t, "writes", f.puts, "pool=new", "second=new")
	wantList(t, "outcomes", f.finished(), "repaired", "repaired")
	var declared []string
	f.each(repair.TypePlanned, func(b []byte) {
		var p repair.Planned
		f.decode(b, &p)
		declared = append(declared, string(p.Steps[0].Declared))
	})
	if len(declared) != 2 || declared[0] == declared[1] {
		t.Errorf("the plans: %v", declared)
	}
}

// One look serves the alerts whose steps are the same.
func TestSameStepsAreOneLook(t *testing.T) {
	f := newFiles(t, described(writeFile))
	f.brake = true
	for i := range 20 {
		labels := writeLabels("pool")
		labels["other"] = fmt.Sprint(i)
		f.send(alert.Firing, labels)
	}
	before := 0
	for _, n := range f.looks {
		before += n
	}
	f.run(time.Minute)
	total := 0
	for _, n := range f.looks {
		total += n
	}
	if n := total - before; len(f.looks) != 1 || n > 15 {
		t.Errorf("%d looks of %d kinds in a minute", n, len(f.looks))
	}
}

// Each step that a playbook describes has attempts of its own.
func TestAttemptsOfDescribedSteps(t *testing.T) {
	var steps strings.Builder
	for i := range 6 {
		fmt.Fprintf(&steps, "  - {name: write%d, action: exec, exec: {argv: [/put, file%d, new], unless: [/is, file%d, new], takes: false}}\n", i, i, i)
	}
	f := newFiles(t, described(steps.String()))
	began := f.now
	f.send(alert.Firing, downLabels("m2"))
	f.run(100 * time.Second)
	if len(f.puts) != 6 {
		t.Fatalf("written %v, outcomes %v", f.puts, f.finished())
	}
	var took time.Duration
	for _, d := range f.drafts {
		if d.Type == repair.TypeIntent {
			took = d.At.Since - began
		}
	}
	if took > 40*time.Second { // the member runs all the while: nothing of it is waited for
		t.Errorf("the last step began after %s", took)
	}
}

func TestStepThatCannotBeBound(t *testing.T) {
	f := newFiles(t, described(writeFile))
	f.unbind = errors.New("the program is of another kind")
	f.send(alert.Firing, writeLabels("pool"))
	f.run(10 * time.Second)
	wantList(t, "outcomes", f.finished(), "blocked(target/target)")
	if f.count(repair.TypeIntent) != 0 {
		t.Error("an intent for what cannot be bound")
	}
}

// After a restart, a step that cannot be bound any more is unknown where it may be under
// way, and else ends its run.
func TestResumeWhatCannotBeBound(t *testing.T) {
	for want, steps := range map[string]int{"unknown": 1, "blocked(changed/changed)": 0} {
		f := newFiles(t, described(writeFile))
		f.crash = func(e repair.Effect) bool {
			_, apply := e.(repair.Apply)
			now := steps == 1 && apply || steps == 0 && f.count(repair.TypePlanned) == 1
			if now {
				f.unbind = errors.New("the program is of another kind")
				f.crash = nil
			}
			return now
		}
		f.send(alert.Firing, writeLabels("pool"))
		f.run(30 * time.Second)
		if got := f.finished(); len(got) == 0 || got[0] != want || len(f.puts) != 0 {
			t.Errorf("outcomes %v, want %s first; written %v", got, want, f.puts)
		}
	}
}

// While an intent is open, who looks is told which: a Watcher answers for it.
func TestLookHasTheOpenIntent(t *testing.T) {
	f := newFiles(t, described(writeFile))
	f.applyLate = time.Second
	var open, asked int
	f.watch = func(e repair.Effect) {
		l, ok := e.(repair.Look)
		if !ok {
			return
		}
		if l.Intent != nil {
			asked++
			if l.Intent.ID == "" || l.Intent.Target.Member.Name != "m2" || l.Intent.Action != repair.ActionExec || l.Intent.Run == "" {
				t.Errorf("the intent: %+v", l.Intent)
			}
		}
		for _, r := range f.engine.State().Runs() {
			if r.Intent != nil && l.Intent == nil && strings.HasPrefix(l.Spec.Sees, "exec/") {
				open++
			}
		}
	}
	f.send(alert.Firing, writeLabels("pool"))
	f.run(2 * time.Minute)
	wantList(t, "outcomes", f.finished(), "repaired")
	if asked < 2 || open != 0 {
		t.Errorf("%d looks had the intent, %d had not", asked, open)
	}
}
