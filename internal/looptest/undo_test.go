package looptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// lineCommand is the program that the steps of these tests run.
var lineCommand = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(fettle), "line")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./testdata/line").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return path, nil
})

// desk is a fettle whose playbook overwrites a file.
type desk struct {
	*server
	file string
}

// overwrite is the playbook: FILE and LINE stand for the paths, MORE for what follows.
const overwrite = `
name: overwrite
version: 1
description: A setting is written.
on: ['alertname="SettingIsOld"']
labels:
  member: {pattern: '[a-z0-9]+'}
target: {kind: service, cluster: web, member: $member}
tier: P0
autonomy: auto
cooldown: COOLDOWN
settle: 100ms
steps:
  - name: write
    action: exec
    exec:
      argv: [LINE, put, FILE, new]
      unless: [LINE, is, FILE, new]
      takes: false
      undo: {argv: [LINE, put, FILE, $was], was: [LINE, get, FILE], on_failure: true, unhealthy: true}
MORE`

// failing is a second step, which never comes about.
const failing = `
  - name: never
    action: exec
    exec: {argv: [LINE, is, FILE, impossible], unless: [LINE, is, FILE, impossible], takes: false}
`

func newDesk(t *testing.T, cooldown, more string) *desk {
	t.Helper()
	line, err := lineCommand()
	if err != nil {
		t.Fatalf("build the test's program: %v\n%s", err, line)
	}
	member := cluster.Member{Name: "w1", Host: "localhost", Commands: cluster.Commands{Status: []string{"/bin/echo", `{"state":"running","identity":"1"}`}}}
	d := &desk{server: configure(t, options{settings: "eager_gap: 20ms, not_after: 2s", clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{member}}}})}
	d.file = filepath.Join(d.home, "setting")
	must(t, os.WriteFile(d.file, []byte("old"), 0o600))
	text := strings.NewReplacer("MORE", more, "COOLDOWN", cooldown).Replace(overwrite)
	text = strings.NewReplacer("LINE", line, "FILE", d.file).Replace(text)
	must(t, os.WriteFile(filepath.Join(d.playbooks(), "overwrite.yml"), []byte(text), 0o600))
	return d
}

func (d *desk) alert() {
	d.t.Helper()
	d.send(alertOf(map[string]string{"alertname": "SettingIsOld", "member": "w1", "tier": "P0"}))
}

func (d *desk) is(want string) {
	d.t.Helper()
	b, err := os.ReadFile(d.file)
	must(d.t, err)
	if string(b) != want {
		d.t.Errorf("the file has %q, want %q", b, want)
	}
}

// between are the places between an intent and its outcome where fettle is killed.
func between(n string) []string {
	return []string{"after-append/step.intent" + n, "before-apply" + n, "after-apply" + n, "before-append/step.finished" + n}
}

// A step overwrites a file, and fettle is killed between the intent and the outcome, of
// the step and of its undo: the file has the new text, then the old one again.
func TestUndoAcrossKills(t *testing.T) {
	t.Parallel()
	for _, point := range between("") {
		t.Run(strings.ReplaceAll(point, "/", ":"), func(t *testing.T) {
			t.Parallel()
			newDesk(t, "0s", "").undone(point)
		})
	}
}

func (d *desk) undone(point string) {
	d.start("FETTLE_FAILPOINT=" + point)
	d.alert()
	d.died()
	d.start()
	run := d.outcome(1)
	if run.Outcome != repair.Repaired {
		d.t.Fatalf("the run ended %+v", run)
	}
	d.is("new")
	for _, in := range of[repair.IntentData](d.t, d.story(), repair.TypeIntent) {
		if in.Before.Was == nil || *in.Before.Was != "old" {
			d.t.Errorf("the intent does not have the old value: %+v", in.Before)
		}
	}
	must(d.t, d.api.Close(d.t.Context(), run.Episode, "", "it is to be undone"))
	d.shutdown()

	d.start("FETTLE_FAILPOINT=" + point)
	u, err := d.api.TakeBack(d.t.Context(), run.Run, "", "the old setting was right")
	must(d.t, err)
	d.died()
	d.start()
	undo := d.outcome(2)
	if undo.Outcome != repair.Repaired || undo.Run != u.Opened {
		d.t.Fatalf("the undo ended %+v", undo)
	}
	d.is("old")
	if text := d.explain(run.Run); !strings.Contains(text, "it takes back run "+run.Run) || !strings.Contains(text, "by alice (the old setting was right)") {
		d.t.Errorf("explain does not tell the undo:\n%s", text)
	}
	out, err := runCLI(d.fettle(), "undo", run.Run, "--yes", "--server", "unix://"+d.socket)
	if err == nil || !strings.Contains(out, "was undone already, by run "+u.Opened) {
		d.t.Errorf("undone twice: %v\n%s", err, out)
	}
	d.verify()
}

// A run fails after its first step, and what that overwrote is put back by itself,
// though fettle is killed between the undo's intent and its outcome.
func TestOwedAcrossKills(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after-apply:4", "after-append/run.finished"} {
		t.Run(strings.ReplaceAll(point, "/", ":"), func(t *testing.T) {
			t.Parallel()
			newDesk(t, "10m", strings.Replace(failing, "exec:\n", "attempts: 2\n    exec:\n", 1)).owed(point)
		})
	}
}

func (d *desk) owed(point string) {
	d.start("FETTLE_FAILPOINT=" + point)
	d.alert()
	d.died()
	d.start()
	st := d.await("what was overwritten is taken back", func(st story) bool {
		for _, p := range of[repair.Planned](d.t, st, repair.TypePlanned) {
			for _, f := range d.finished(st) {
				if p.Undoes != "" && f.Run == p.Run {
					return true
				}
			}
		}
		return false
	})
	d.shutdown()
	d.is("old")
	if f := d.finished(st)[0]; f.Outcome != repair.Failed {
		d.t.Errorf("the run ended %+v", f)
	}
	d.verify()
	for _, p := range of[repair.Planned](d.t, st, repair.TypePlanned) {
		for _, f := range d.finished(st) {
			if p.Undoes != "" && f.Run == p.Run && f.Outcome != repair.Repaired && f.Outcome != repair.Noop {
				d.t.Errorf("the undo ended %+v", f)
			}
		}
	}
}
