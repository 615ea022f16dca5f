package looptest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// deedCommand is a command that takes its time.
var deedCommand = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(fettle), "deed")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./testdata/deed")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return path, nil
})

// slow is a playbook with one step, a command that takes its time: DEED and DIR stand
// for paths, MORE for what else the step says and HOW for what else its section says.
const slow = `
name: slow
version: 1
description: A command that takes its time.
on: ['alertname="ItIsSlow"']
target: {kind: service, cluster: web, member: w1}
tier: P0
autonomy: auto
settle: 100ms
cooldown: 0s
steps:
  - {name: wait, action: exec, MORE exec: {argv: [DEED, DIR], creates: DIR/done, takes: false, disturbs: unit, HOW}}
`

func slowly(deed, dir, more, how string) []byte {
	return []byte(strings.NewReplacer("DEED", deed, "DIR", dir, "MORE", more, "HOW", how).Replace(slow))
}

func begun(t *testing.T, dir string, n int) []int {
	t.Helper()
	var pids []int
	until(t, "the command has begun "+strconv.Itoa(n)+" times", func() error {
		b, err := os.ReadFile(filepath.Join(dir, "begun"))
		if err != nil {
			return err
		}
		pids = nil
		for _, word := range strings.Fields(string(b)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			pids = append(pids, pid)
		}
		if len(pids) < n {
			return errors.New("not yet")
		}
		return nil
	})
	return pids
}

// What a command printed that failed is evidence: by digest, without secrets.
func TestOutputOfACommandIsEvidence(t *testing.T) {
	t.Parallel()
	member := cluster.Member{Name: "w1", Host: "localhost", Commands: cluster.Commands{Status: []string{"/bin/echo", `{"state":"running","identity":"1"}`}}}
	s := configure(t, options{settings: "eager_gap: 50ms, step_attempts: 1", clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{member}}}})
	text := strings.Replace(string(slowly("/bin/ls", "/nothing/password=hunter2", "", "timeout: 60s")), "creates: /nothing/password=hunter2", "creates: /nothing", 1)
	must(t, os.WriteFile(filepath.Join(s.playbooks(), "slow.yml"), []byte(text), 0o600))
	s.start()
	s.send(alertOf(map[string]string{"alertname": "ItIsSlow"}))
	if f := s.outcome(1); f.Outcome != repair.Failed {
		t.Errorf("the run ended %+v", f)
	}
	all := s.results(s.story())
	if len(all) != 1 || all[0].Result != repair.StepFailed || all[0].Output == nil || !strings.HasPrefix(all[0].Output.Digest, "sha256:") {
		t.Fatalf("the attempts ended %+v", all)
	}
	if said := all[0].Output.Excerpt; !strings.Contains(said, "password=[redacted]") || strings.Contains(said, "hunter2") {
		t.Errorf("evidence: %q", said)
	}
	if text := s.explain(all[0].Run); !strings.Contains(text, "runs /bin/ls") || !strings.Contains(text, "[redacted]") {
		t.Errorf("explain:\n%s", text)
	}
}

// results are how the attempts at steps ended.
func (s *server) results(st story) []repair.StepData {
	s.t.Helper()
	return of[repair.StepData](s.t, st, repair.TypeStep)
}

// fettle is killed under a running command, where no systemd keeps it: the command dies
// with it, the next fettle knows, and what may be done again is done again by a new
// intent.
func TestKilledUnderACommand(t *testing.T) {
	t.Parallel()
	deed, err := deedCommand()
	if err != nil {
		t.Fatalf("build the test's program: %v\n%s", err, deed)
	}
	for name, more := range map[string]string{"again": "", "once": "once: true,"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			member := cluster.Member{Name: "w1", Host: "localhost", Commands: cluster.Commands{Status: []string{"/bin/echo", `{"state":"running","identity":"1"}`}}}
			s := configure(t, options{settle: "100ms", settings: "eager_gap: 50ms", clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{member}}}})
			must(t, os.WriteFile(filepath.Join(s.playbooks(), "slow.yml"), slowly(deed, s.home, more, "timeout: 60s"), 0o600))
			s.start()
			s.send(alertOf(map[string]string{"alertname": "ItIsSlow"}))
			first := begun(t, s.home, 1)[0]
			s.kill()
			until(t, "the command has died too", func() error {
				if syscall.Kill(first, 0) == nil {
					return errNotYet
				}
				return nil
			})
			s.start()
			if name == "once" {
				if f := s.outcome(1); f.Outcome != repair.Unknown {
					t.Errorf("the run ended %+v", f)
				}
				if n := len(begun(t, s.home, 1)); n != 1 {
					t.Errorf("begun %d times", n)
				}
				return
			}
			begun(t, s.home, 2)
			must(t, os.WriteFile(filepath.Join(s.home, "go"), nil, 0o600))
			if f := s.outcome(1); f.Outcome != repair.Repaired {
				t.Errorf("the run ended %+v", f)
			}
			all := s.results(s.story())
			if len(all) != 2 || all[0].Result != repair.StepFailed || all[0].Reason != "no effect" || !strings.Contains(all[0].Says, "killed with the fettle that began it") || all[1].Result != repair.StepVerified {
				t.Errorf("the attempts ended %+v", all)
			}
			s.shutdown()
			s.verify()
		})
	}
}
