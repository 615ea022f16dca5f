package action

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// player is the program that playbooks declare here: it starts in a moment, which the
// tests' own, looked for races, does not.
var player = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once
	path := filepath.Join(folder, "play")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./testdata/play").CombinedOutput() //nolint:noctx // a test's own
	if err != nil {
		return "", fmt.Errorf("build the tests' program: %w\n%s", err, out)
	}
	return path, nil
})

var folder string //nolint:gochecknoglobals // where it is built

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fettle-action-")
	if err != nil {
		panic(err)
	}
	folder = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// shop is a place where declared commands run in process groups, on one target.
type shop struct {
	*testing.T
	deps   Deps
	table  map[string]repair.ActionSpec
	target cluster.Target
	dir    string
	player string
	runs   int
}

func newShop(t *testing.T) *shop {
	groups := service.NewGroups()
	t.Cleanup(groups.Close)
	clock, err := journal.SystemClock()
	check(t, err)
	s := &shop{T: t, dir: t.TempDir(), deps: Deps{
		Services: &fakeManager{state: cluster.Service{State: cluster.ServiceRunning, Identity: "1"}}, Exec: groups, Clock: clock,
		Local:  func(host string) bool { return host == "here" },
		Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
	}}
	s.table = Table(s.deps)
	s.player, err = player()
	check(t, err)
	s.target = cluster.Target{Cluster: cluster.Cluster{Name: "web", Kind: cluster.KindService}, Member: cluster.Member{Name: "w1", Host: "here"}}
	return s
}

func (s *shop) file(name string) string { return filepath.Join(s.dir, name) }

// step resolves one step as a playbook has it.
func (s *shop) step(text string, labels map[string]string) repair.PlannedStep {
	s.Helper()
	head := "name: p\nversion: 1\non: ['alertname=\"X\"']\nlabels: {any: {pattern: '(?s).*'}}\n" +
		"target: {kind: service, cluster: web, member: w1}\ntier: P1\nautonomy: auto\nsteps:\n"
	p, err := repair.LoadPlaybook("p.yml", []byte(head+text), s.table, nil)
	check(s.T, err)
	_, steps, err := p.Resolve(cluster.Inventory{Clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{s.target.Member}}}}, labels)
	check(s.T, err)
	return steps[0]
}

func (s *shop) play(words ...string) string {
	return "[" + strings.Join(append([]string{s.player}, words...), ", ") + "]"
}

// exec is a step with such a section.
func (s *shop) exec(section string, more string) repair.PlannedStep {
	s.Helper()
	return s.step("  - {name: a, action: exec, "+more+" exec: {"+section+"}}\n", nil)
}

func (s *shop) bind(p repair.PlannedStep) repair.ActionSpec {
	s.Helper()
	spec, err := s.table[p.Action].Bind(p)
	check(s.T, err)
	return spec
}

func (s *shop) look(a repair.ActionSpec) repair.Sighting {
	s.Helper()
	seen, err := a.Action.Observe(s.Context(), s.target)
	check(s.T, err)
	return seen
}

// intent begins an attempt with what was seen before.
func (s *shop) intent(before repair.Sighting) repair.Intent {
	s.runs++
	now := s.deps.Clock()
	return repair.Intent{
		ID: "i", Run: fmt.Sprintf("018f6a00-0000-7000-8000-%012d", s.runs), Attempt: 1, Target: s.target, Before: before.Observation,
		NotAfterBoot: now.Boot, NotAfterSince: now.Since + 5*time.Second,
	}
}

// ends watches an intent until it is no longer at work.
func (s *shop) ends(a repair.ActionSpec, in repair.Intent) repair.Sighting {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		seen, err := a.Action.(repair.Watcher).Watch(s.Context(), s.target, in)
		check(s.T, err)
		if !seen.Facts.Sights[0].Service.Busy {
			return seen
		}
		if a.Action.Done(&in.Before, seen.Observation) {
			s.Fatal("done while it runs")
		}
		if time.Now().After(deadline) {
			s.Fatalf("it does not end: %s", seen.Observation.Says)
		}
	}
}

// does observes, applies and waits for the end.
func (s *shop) does(a repair.ActionSpec) (repair.Intent, repair.Sighting) {
	s.Helper()
	in := s.intent(s.look(a))
	check(s.T, a.Action.Apply(s.Context(), in))
	return in, s.ends(a, in)
}

func TestExec(t *testing.T) {
	s := newShop(t)
	f := s.file("weight")
	check(t, os.WriteFile(f, []byte("old"), 0o600))
	p := s.exec("argv: "+s.play("put", f, "new")+", unless: "+s.play("is", f, "new")+", timeout: 20s, undo: {argv: "+s.play("put", f, "$was")+", was: "+s.play("get", f)+"}", "")
	a := s.bind(p)
	if a.Does != repair.Takes || a.Disturbs != cluster.DisturbsHost || !strings.HasPrefix(a.Sees, "exec/1:") {
		t.Errorf("%+v", a)
	}
	before := s.look(a)
	switch o := before.Observation; {
	case a.Action.Done(nil, o), o.Schema != a.Sees, o.Was == nil || *o.Was != "old":
		t.Errorf("%+v", o)
	case o.Says != "w1: "+s.player+" says that it is not in order":
		t.Errorf("says %q", o.Says)
	case before.Facts.Sights[0].Service.Identity != "1" || before.Facts.Sights[0].Service.Wait != 20*time.Second:
		t.Errorf("facts: %+v", before.Facts)
	}
	in := s.intent(before)
	check(t, a.Action.Apply(t.Context(), in))
	if err := a.Action.Apply(t.Context(), in); !errors.Is(err, service.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	after := s.ends(a, in)
	if !a.Action.Done(&in.Before, after.Observation) || after.Facts.Sights[0].Service.State != cluster.ServiceRunning {
		t.Errorf("%+v", after)
	}
	if now := s.look(a).Observation; !a.Action.Done(nil, now) || now.Was != nil {
		t.Errorf("in order: %+v", now)
	}

	undo := repair.PlannedStep{Name: "a", Action: "exec", Declared: p.Undo.Declared, Undoes: &repair.Undoes{Run: in.Run, Intent: in.ID, Declared: p.Declared, Was: in.Before.Was}}
	u := s.bind(undo)
	state := func(text string, done, ours bool) repair.Sighting {
		t.Helper()
		check(t, os.WriteFile(f, []byte(text), 0o600))
		seen := s.look(u)
		if u.Action.Done(nil, seen.Observation) != done || u.Action.(repair.Undoer).StillSet(seen.Observation) != ours || u.Sees == a.Sees {
			t.Errorf("at %q: %s", text, seen.Observation.Says)
		}
		return seen
	}
	state("old", true, false)
	state("third", false, false)
	state("new", false, true)
	back, end := s.does(u)
	if b, err := os.ReadFile(f); err != nil || string(b) != "old" || !u.Action.Done(&back.Before, end.Observation) {
		t.Errorf("put back %q, %v: %s", b, err, end.Observation.Says)
	}
	undo.Undoes.Was = nil
	if _, err := s.table["exec"].Bind(undo); err == nil {
		t.Error("an old value that nobody recorded is put back")
	}
}

// How it ends, and what the engine makes of that.
func TestExecEnds(t *testing.T) {
	s := newShop(t)
	there := s.file("there")
	check(t, os.WriteFile(there, nil, 0o600))
	for name, tc := range map[string]struct {
		section, more string
		done          bool
		state         cluster.ServiceState
		says          string
	}{
		"well, and nothing of it": {"argv: " + s.play("exit", "0") + ", creates: /nothing/here", "", false, cluster.ServiceRunning, "w1: exit status 0; /nothing/here is not there"},
		"badly":                   {"argv: " + s.play("exit", "3") + ", creates: /nothing/here", "", false, cluster.ServiceDead, "w1: exit status 3; /nothing/here is not there"},
		"badly, and in order":     {"argv: " + s.play("exit", "3") + ", creates: " + there, "", true, cluster.ServiceDead, "w1: exit status 3; " + there + " is there"},
		"once, well":              {"argv: " + s.play("exit", "0"), "once: true,", true, cluster.ServiceRunning, "w1: exit status 0"},
		"once, badly":             {"argv: " + s.play("exit", "1"), "once: true,", false, cluster.ServiceDead, "w1: exit status 1"},
		"at its timeout":          {"argv: " + s.play("wait") + ", creates: /nothing/here, timeout: 200ms", "", false, cluster.ServiceDead, "w1: killed at its timeout of 200ms; /nothing/here is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.bind(s.exec(tc.section, tc.more))
			in, end := s.does(a)
			if a.Action.Done(&in.Before, end.Observation) != tc.done || end.Facts.Sights[0].Service.State != tc.state || end.Observation.Says != tc.says {
				t.Errorf("done %v, %+v, says %q", !tc.done, end.Facts.Sights[0].Service, end.Observation.Says)
			}
			if bad := tc.says != "w1: exit status 0" && strings.Contains(tc.section, "exit") && !strings.Contains(tc.section, "exit, 0"); bad != (string(end.Output) == "standard error:\ntoken=hunter2 cannot\n") {
				t.Errorf("output %q", end.Output)
			}
		})
	}
	a := s.bind(s.exec("argv: [/bin/true], creates: /nothing/here", ""))
	in := s.intent(s.look(a))
	if end := s.ends(a, in); end.Facts.Sights[0].Service.State != cluster.ServiceDead || a.Action.Done(&in.Before, end.Observation) {
		t.Errorf("never begun, or killed with an earlier fettle: %+v", end)
	}
	if err := s.bind(s.exec("argv: [/nothing/here], creates: /nothing/here", "")).Action.Apply(t.Context(), in); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

// Where it cannot be told whether the step is needed, nothing is done.
func TestExecCannotTell(t *testing.T) {
	s := newShop(t)
	f := s.file("value")
	look := func(section, want string) {
		t.Helper()
		_, err := s.bind(s.exec(section, "")).Action.Observe(t.Context(), s.target)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	me := s.player
	look("argv: [/bin/true], unless: "+s.play("exit", "2"), "look at web/w1: "+me+` cannot tell whether it is in order: exit status 2: it says "token=[redacted] cannot"`)
	look("argv: [/bin/true], unless: "+s.play("wait")+", timeout: 100ms", "look at web/w1: "+me+" cannot tell whether it is in order: killed at its timeout of 100ms")
	look("argv: [/bin/true], unless: [/nothing/here]", "look at web/w1: /nothing/here cannot tell whether it is in order: fork/exec /nothing/here: no such file or directory")
	look("argv: [/bin/true], creates: /etc/passwd/x", "look at web/w1: lstat /etc/passwd/x: not a directory")
	for value, want := range map[string]string{
		"":                        "the old value is empty",
		"-rf":                     "the old value begins with a dash",
		"a\nb":                    "the old value is not one line of text without control characters",
		"a\x1b[2J":                "the old value is not one line of text without control characters",
		strings.Repeat("x", 1025): "the old value has 1025 bytes: 1024 is the most",
	} {
		check(t, os.WriteFile(f, []byte(value), 0o600))
		look("argv: [/bin/true], creates: /nothing/here, undo: {argv: [/bin/true], was: "+s.play("get", f)+"}", "read what web/w1 would overwrite: "+me+": "+want)
	}
	ssh := s.file("ssh")
	check(t, os.Symlink(s.player, ssh))
	check(t, os.WriteFile(f, []byte("1; reboot"), 0o600))
	look("argv: [/bin/true], creates: /nothing/here, undo: {argv: ["+ssh+", put, $was], was: ["+ssh+", get, "+f+"]}",
		"read what web/w1 would overwrite: "+ssh+`: "1; reboot" would reach a shell on the other side of ssh: only letters, digits and _.:@%+,=/- may`)
	check(t, os.Remove(f))
	look("argv: [/bin/true], creates: /nothing/here, undo: {argv: [/bin/true], was: "+s.play("get", f)+"}", "read what web/w1 would overwrite: "+me+" does not tell the old value: exit status 1")
}

// A command runs on this machine: a target elsewhere is not reached, unless the step
// says that it does so from here.
func TestExecElsewhere(t *testing.T) {
	s := newShop(t)
	s.target.Member.Host = "there"
	a := s.bind(s.exec("argv: [/bin/true], creates: /nothing/here", ""))
	if _, err := a.Action.Observe(t.Context(), s.target); !errors.Is(err, repair.ErrAgent) {
		t.Errorf("observed: %v", err)
	}
	if err := a.Action.Apply(t.Context(), s.intent(repair.Sighting{})); !errors.Is(err, repair.ErrAgent) {
		t.Errorf("applied: %v", err)
	}
	s.look(s.bind(s.exec("argv: [/bin/true], creates: /nothing/here, from_here: true", "")))
}

// A step that must not be done twice and has no observation is needed while its target
// is not in order.
func TestOnceAsksItsTarget(t *testing.T) {
	s := newShop(t)
	m := s.deps.Services.(*fakeManager)
	a := s.bind(s.exec("argv: [/bin/true], takes: false, disturbs: unit", "once: true,"))
	if a.Does != repair.Leaves || a.Disturbs != cluster.DisturbsUnit {
		t.Errorf("%+v", a)
	}
	if !a.Action.Done(nil, s.look(a).Observation) {
		t.Error("its target is in order, and it is needed")
	}
	m.state.State = cluster.ServiceDead
	if a.Action.Done(nil, s.look(a).Observation) {
		t.Error("its target is dead, and it is not needed")
	}
	m.err = service.ErrNotDeclared
	if _, err := a.Action.Observe(t.Context(), s.target); err == nil {
		t.Error("nothing is seen, and it is an observation")
	}
	own := s.bind(s.exec("argv: [/bin/true], creates: /", "once: true,"))
	if seen := s.look(own); !own.Action.Done(nil, seen.Observation) || seen.Facts.Sights[0].Service.State != cluster.ServiceUnknown {
		t.Errorf("its own observation is enough: %+v", seen)
	}
}

// The examples are playbooks, and what they declare can be bound.
func TestExamplePlaybooks(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/playbooks/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	table := Table(Deps{})
	inv := cluster.Inventory{Clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1"}}}}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		p, err := repair.LoadPlaybook(file, text, table, nil)
		check(t, err)
		_, steps, err := p.Resolve(inv, map[string]string{"cluster": "web", "member": "w1"})
		check(t, err)
		for _, s := range steps {
			bind := table[s.Action].Bind
			if bind == nil {
				continue
			}
			if _, err := bind(s); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
			undo := repair.PlannedStep{Action: s.Action, Declared: s.Undo.Declared, Undoes: &repair.Undoes{Declared: s.Declared, Was: &s.Name}}
			if spec, err := bind(undo); err != nil {
				t.Errorf("%s: its undo: %v", p.Name, err)
			} else if _, ok := spec.Action.(repair.Undoer); !ok {
				t.Errorf("%s: its undo is none", p.Name)
			}
		}
	}
}

// On a member of a quorum the guards get the cluster's View and Sights from the look.
func TestExecOnAMember(t *testing.T) {
	w := newWard(t)
	groups := service.NewGroups()
	t.Cleanup(groups.Close)
	w.deps.Exec = groups
	w.connect()
	flag := filepath.Join(t.TempDir(), "flag")
	own := fmt.Sprintf(`{"argv":["/bin/touch",%q],"creates":%q,"disturbs":"cluster"}`, flag, flag)
	for declared, once := range map[string]bool{own: false, `{"argv":["/bin/true"],"disturbs":"cluster"}`: true} {
		a, err := w.table["exec"].Bind(repair.PlannedStep{Action: "exec", Declared: []byte(declared), Once: once})
		check(t, err)
		if a.Does != repair.Takes || a.Disturbs != cluster.DisturbsCluster {
			t.Errorf("%+v", a)
		}
		w.until("it is in order", "m2", func(s repair.Sighting, _ Member, _ cluster.Sight) bool { return w.done("member-start", nil, s) })
		seen, err := a.Action.Observe(t.Context(), w.target("m2"))
		check(t, err)
		sight, ok := seen.Facts.Sight("m2")
		if !ok || !sight.Alive || seen.Facts.View == nil || len(seen.Facts.View.Members) != 3 || seen.Asked == (journal.Reading{}) {
			t.Errorf("%+v", seen.Facts)
		}
		if a.Action.Done(nil, seen.Observation) != once { // once: its target is in order
			t.Errorf("once %v: %s", once, seen.Observation.Says)
		}
	}
	w.deps.Services = &fakeManager{err: errors.New("cannot be asked")}
	check(t, w.Kill("m2"))
	w.connect()
	a, err := w.table["exec"].Bind(repair.PlannedStep{Action: "exec", Declared: []byte(own)})
	check(t, err)
	if _, err := a.Action.Observe(t.Context(), w.target("m2")); err == nil {
		t.Error("nothing is known of a member, and guards are asked")
	}
}
