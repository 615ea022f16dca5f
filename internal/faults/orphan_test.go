package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/repair"
)

// ways are how a command goes wrong, as what a shell would do. Each leaves processes of
// its own behind, which ignore what can be ignored.
func ways(dir string) map[string]string {
	child := filepath.Join(dir, "child")
	spawn := fmt.Sprintf("trap '' TERM INT HUP\n%[1]s 4711 &\n%[1]s 4712 </dev/null >/dev/null 2>&1 &\n", child)
	return map[string]string{
		"fails":        spawn + "echo broken >&2\nexit 3\n",
		"never ends":   spawn + child + " 4713\n",
		"says much":    spawn + "head -c 200000 /dev/zero\nexit 1\n",
		"is cancelled": spawn + "touch " + filepath.Join(dir, "begun") + "\n" + child + " 4714\n",
	}
}

// broken is a place for a declared command that goes wrong, with a program of the
// test's own, so that what is left of it can be found.
func broken(t *testing.T, way string) (f *fleet, command []string) {
	t.Helper()
	f = newFleet(t, 3)
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	program, err := os.ReadFile(sleep)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(f.dir, "child"), program, 0o700))
	script := filepath.Join(f.dir, "command")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\n"+ways(f.dir)[way]), 0o700))
	t.Cleanup(func() { // of a test that failed
		for pid := range f.commands() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return f, []string{script}
}

// Each declared command of a repair fails, never ends, says too much, and is cancelled
// by fettle's end. No process is left of it, each time, and the journal says how it went.
func TestCommandsLeaveNoOrphans(t *testing.T) {
	t.Parallel()
	n := 0
	t.Run("each", func(t *testing.T) {
		for way := range ways("") {
			for _, verb := range []string{"status", "restart", "start"} {
				n++
				t.Run(verb+" "+way, func(t *testing.T) {
					t.Parallel()
					orphans(t, verb, way)
				})
			}
		}
	})
	figure := fmt.Sprintf("status, restart and start commands × %d ways (%d): no process left, all of it in the journal", len(ways("")), n)
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 17, figure)
	}
}

func orphans(t *testing.T, verb, way string) {
	f, command := broken(t, way)
	inventory := f.inventory()
	alert := down("s01")
	switch verb {
	case "status":
		inventory.Members[0].Commands.Status = command
	case "restart":
		inventory.Members[0].Commands.Restart = command
	case "start":
		inventory = members(t, f, command)
		alert = alertOf(map[string]string{"alertname": "FettleRaftMemberDown", "cluster": inventory.Name, "member": "s01", "tier": "P0"})
	}
	s := configure(t, f, options{
		clusters: []cluster.Cluster{inventory}, settings: "settle: 50ms, not_after: 500ms, cooldown: 0, attempts: 0, deadline: 700ms, step_attempts: 1",
	})
	s.start()
	f.crash("s01")
	s.send(alert)
	if way == "is cancelled" {
		until(t, "the command runs", func() error {
			_, err := os.Stat(filepath.Join(f.dir, "begun"))
			return err
		})
		s.shutdown()
		if left := f.commands(); len(left) > 0 {
			t.Errorf("fettle has ended, and left %v", left)
		}
		s.start()
	}
	// It cannot look, or it looked and the step had no effect.
	want, reason := repair.Failed, "no effect"
	if verb == "status" {
		want, reason = repair.Blocked, "observe"
	}
	until(t, fmt.Sprintf("a run has ended %s (%s)", want, reason), func() error {
		a := s.read()
		for _, end := range a.finished {
			if end.Outcome == want && end.Reason == reason {
				return nil
			}
		}
		return fmt.Errorf("ended: %+v", a.finished)
	})
	s.shutdown()
	if left := f.commands(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	a := s.read()
	if n := a.intended(); verb == "status" && n > 0 {
		t.Errorf("%d intents for what could not be seen", n)
	}
	if way == "fails" && verb != "status" && (len(a.answered) == 0 || !strings.Contains(a.answered[0].Error, "exit status 3")) {
		t.Errorf("the journal does not say how the command ended: %+v", a.answered)
	}
	s.verify()
}

// members is a cluster of etcd members that are all dead, as far as their status
// commands tell, so that one is started by its declared command.
func members(t *testing.T, f *fleet, start []string) cluster.Cluster {
	c := cluster.Cluster{Name: "raft", Kind: cluster.KindEtcd}
	for i, name := range f.names {
		id := fmt.Sprintf("%016x", i+1)
		said, err := json.Marshal(map[string]any{"state": "dead", "data_dir_ok": true, "member_id": id})
		must(t, err)
		file := filepath.Join(f.dir, name+".member.json")
		must(t, os.WriteFile(file, said, 0o600))
		c.Members = append(c.Members, cluster.Member{
			Name: name, Host: "far-" + name, MemberID: id, DataDir: "/nowhere",
			Endpoint: fmt.Sprintf("http://127.0.0.1:%d", 1+2*i), Peer: fmt.Sprintf("http://127.0.0.1:%d", 2+2*i), // where nothing answers
			Commands: cluster.Commands{Status: []string{"cat", file}, Start: start, Kill: []string{"false", "{identity}"}},
		})
	}
	return c
}
