package repair_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// fileWorld is a fake world in which steps with action exec write one line into fake
// files: `put FILE VALUE` writes, `is FILE VALUE` compares, `get FILE` prints.
type fileWorld struct {
	*fakeWorld
	files  map[string]string
	puts   []string // FILE=VALUE, in order
	broken map[string]bool
	looks  map[string]int // by Sees
	unread error          // of every look at a file
	unbind error
}

// isolate takes a member out of a pool before it is started.
const isolate = `
name: etcd-member-restart
version: 1
description: A dead member is taken out of the pool and started.
on: ['alertname="FettleRaftMemberDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[a-z0-9-]+'}
target: {kind: etcd, cluster: $cluster, member: $member}
tier: P0
autonomy: auto
steps:
  - name: isolate
    action: exec
    exec:
      argv: [/put, pool, out]
      unless: [/is, pool, out]
      takes: false
      undo: {argv: [/put, pool, $was], was: [/get, pool], on_failure: true}
  - {name: start, action: member-start}
`

func newFiles(t tester, playbook string) *fileWorld {
	f := &fileWorld{fakeWorld: newWorld(t, 3), files: map[string]string{"pool": "in", "second": "one"}, broken: map[string]bool{}, looks: map[string]int{}}
	f.cfg.Actions[repair.ActionExec] = repair.ActionSpec{Name: repair.ActionExec, Bind: f.bind}
	p, err := repair.LoadPlaybook("etcd-member-restart", []byte(playbook), f.cfg.Actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	f.cfg.Playbooks = []*repair.Playbook{p}
	f.set.Cooldown = 0
	f.drafts = nil
	f.fakeWorld.restart()
	return f
}

func (f *fileWorld) bind(s repair.PlannedStep) (repair.ActionSpec, error) {
	if f.unbind != nil {
		return repair.ActionSpec{}, f.unbind
	}
	a := fakeFile{w: f, undoes: s.Undoes}
	if err := json.Unmarshal(s.Declared, &a.does); err != nil {
		return repair.ActionSpec{}, err
	}
	sum := sha256.New()
	sum.Write(s.Declared)
	spec := repair.ActionSpec{Name: s.Action, Kind: cluster.KindEtcd, Disturbs: cluster.DisturbsCluster, Does: repair.Takes}
	if a.does.Takes != nil && !*a.does.Takes {
		spec.Does = repair.Leaves
	}
	if s.Undoes != nil {
		if err := json.Unmarshal(s.Undoes.Declared, &a.undone); err != nil {
			return repair.ActionSpec{}, err
		}
		sum.Write([]byte("undoes " + s.Undoes.Intent))
	}
	a.sees = fmt.Sprintf("exec/%x", sum.Sum(nil)[:4])
	spec.Sees, spec.Action = a.sees, a
	return spec, nil
}

// fakeFile is one bound step.
type fakeFile struct {
	w            *fileWorld
	sees         string
	does, undone repair.Exec
	undoes       *repair.Undoes
}

func (a fakeFile) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	a.w.looks[a.sees]++
	if a.w.unread != nil {
		return repair.Sighting{}, a.w.unread
	}
	seen, err := a.w.look(t)
	if err != nil {
		return seen, err
	}
	file := a.does.Argv[1]
	seen.Observation, err = repair.Observed(a.sees, file+" is "+a.w.files[file], a.w.files[file])
	if len(a.does.Was) > 0 {
		was := a.w.files[a.does.Was[1]]
		seen.Observation.Was = &was
	}
	return seen, err
}

func (a fakeFile) is(now repair.Observation, want []string) bool {
	v, ok := repair.Unpack[string](now, a.sees)
	return ok && len(want) > 0 && v == want[2]
}

func (a fakeFile) Done(_ *repair.Observation, now repair.Observation) bool {
	if a.undoes != nil && a.undoes.Was != nil {
		v, ok := repair.Unpack[string](now, a.sees)
		return ok && v == *a.undoes.Was
	}
	return a.is(now, a.does.Unless)
}

func (a fakeFile) StillSet(now repair.Observation) bool { return a.is(now, a.undone.Unless) }

func (a fakeFile) Apply(_ context.Context, in repair.Intent) error {
	file, value := a.does.Argv[1], a.does.Argv[2]
	if a.undoes != nil && a.undoes.Was != nil {
		value = repair.FillWas(value, *a.undoes.Was)
	}
	if a.w.broken[file+"="+value] {
		return errors.New("exit status 1")
	}
	a.w.files[file] = value
	a.w.puts = append(a.w.puts, file+"="+value)
	return nil
}

// fail has a repair of m2 fail: it is isolated, and its start has no effect.
func (f *fileWorld) fail() (run string) {
	f.t.Helper()
	f.member("m2").broken = true
	f.kill("m2")
	f.send(alert.Firing, downLabels("m2"))
	f.run(3 * time.Minute)
	for _, r := range f.ended("") {
		if r.Outcome == repair.Failed {
			run = r.Run
		}
	}
	if run == "" || f.files["pool"] != "out" {
		f.t.Fatalf("the repair did not fail: %v, files %v", f.finished(), f.files)
	}
	return run
}

// heal has m2 come up by itself.
func (f *fileWorld) heal() {
	m := f.member("m2")
	m.broken, m.up = false, true
	m.pid += 1000
	m.born = f.now
}

// ended lists how the runs that took of back ended, or with an empty one all others.
func (f *fileWorld) ended(of string) (out []repair.FinishedData) {
	undoes := map[string]string{}
	f.each(repair.TypePlanned, func(b []byte) {
		var p repair.Planned
		f.decode(b, &p)
		undoes[p.Run] = p.Undoes
	})
	f.each(repair.TypeFinished, func(b []byte) {
		var d repair.FinishedData
		f.decode(b, &d)
		if undoes[d.Run] == of {
			out = append(out, d)
		}
	})
	return out
}

// told lists the reasons that people were told of runs.
func (f *fileWorld) told() (out []string) {
	f.each(repair.TypeEscalate, func(b []byte) {
		var d repair.EscalatedData
		f.decode(b, &d)
		if d.Run != "" {
			out = append(out, d.Reason)
		}
	})
	return out
}

func (f *fileWorld) owed() int { return len(f.engine.State().Owed()) }

// records are the journal so far.
func (f *fileWorld) records() (out []journal.Record) {
	for i, d := range f.drafts {
		out = append(out, journal.Record{Seq: uint64(i), Draft: d})
	}
	return out
}

// undo is an operator's word, as the API makes it of the journal.
func (f *fileWorld) undo(run string) (string, error) {
	of, err := repair.UndoingOf(run, f.records())
	if err != nil {
		return "", err
	}
	a := f.step(repair.Undo{Of: of, Actor: "op", Comment: "a test"})
	return a.Run, a.Err
}

func (f *fileWorld) wantFiles(t tester, want ...string) {
	t.Helper()
	var got []string
	for name, v := range f.files {
		got = append(got, name+"="+v)
	}
	slices.Sort(got)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files %v, want %v", got, want)
	}
}
