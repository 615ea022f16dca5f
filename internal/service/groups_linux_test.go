package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// At its timeout, when it has ended, and when fettle closes, nothing is left of a
// command, whatever session it is in.
func TestGroupsLeaveNoOrphans(t *testing.T) {
	for name, how := range map[string]string{"fettle-timed": "stay", "fettle-left": "leave", "fettle-closed": "stay"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGroups()
			defer g.Close()
			file := filepath.Join(t.TempDir(), "pids")
			c := groupCommand(name, "orphan", file, how)
			if name == "fettle-timed" {
				c.Timeout = 5 * time.Second
			}
			check(g.Start(t.Context(), c))
			all := pids(t, file)
			if name == "fettle-closed" {
				g.Close()
				if e := g.execution(t, name, Ended); e.Says != "killed with fettle" {
					t.Errorf("%+v", e)
				}
			} else if e := g.execution(t, name, Ended); e.Well() != (how == "leave") {
				t.Errorf("%+v", e)
			}
			for _, pid := range all {
				await(t, "all of it has ended", func() bool { return ended(pid) })
			}
		})
	}
}

// fettle is killed under a running command: it dies too, and the next fettle knows.
func TestGroupsDieWithFettle(t *testing.T) {
	const name = "fettle-018f6a00-0000-7000-8000-000000000001-0-1"
	file := filepath.Join(t.TempDir(), "pids")
	first := exec.CommandContext(t.Context(), os.Args[0], command, "run-group", name, file)
	check(first.Start())
	all := pids(t, file)
	check(first.Process.Signal(syscall.SIGKILL))
	_ = first.Wait()
	next := newGroups(t)
	if e := next.execution(t, name, Killed); e.Well() || e.Says != "it was killed with the fettle that began it, or never begun" {
		t.Errorf("%+v", e)
	}
	for _, pid := range all {
		await(t, "all of it has ended", func() bool { return ended(pid) })
	}
}
