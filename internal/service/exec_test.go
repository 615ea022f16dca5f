package service

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var background = context.Background()

func argv(args ...string) []string {
	return append([]string{os.Args[0], command}, args...)
}

func TestExecIsLiteral(t *testing.T) {
	out, err := Exec(t.Context(), argv("print", "$(id)", "`id`", "*", "a b", "-x", "\n"))
	if err != nil || string(out) != "$(id) `id` * a b -x \n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestExecGivesLittle(t *testing.T) {
	t.Setenv("FETTLE_SECRET", "x")
	out, err := Exec(t.Context(), argv("env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, "=")
		if name != "PATH" && name != "LANG" && name != "HOME" {
			t.Errorf("environment has %q", line)
		}
	}
	if out, err := Exec(t.Context(), argv("stdin")); err != nil || string(out) != "0 EOF" {
		t.Errorf("standard input: %q, %v", out, err)
	}
}

func TestExecCapsOutput(t *testing.T) {
	if out, err := Exec(t.Context(), argv("flood", "65536")); err != nil || len(out) != OutputLimit {
		t.Errorf("at the limit: %d bytes, %v", len(out), err)
	}
	if _, err := Exec(t.Context(), argv("flood", "1000000")); err == nil || err.Error() != "it printed more than 65536 bytes" {
		t.Errorf("over the limit: %v", err)
	}
}

func TestExecSaysWhyItFailed(t *testing.T) {
	_, err := Exec(t.Context(), argv("fail"))
	if err == nil || err.Error() != `exit status 3: it says "no such member"` {
		t.Errorf("got %v", err)
	}
	if _, err := Exec(t.Context(), []string{filepath.Join(t.TempDir(), "nothing")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing program: %v", err)
	}
}

func TestExecKillsTheGroupAtTheContextsEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Exec(ctx, argv("ignore-and-wait", name))
		done <- err
	}()
	group := pids(t, name)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, pid := range group {
		await(t, "the whole group is killed", func() bool { return ended(pid) })
	}
}

func TestExecLeavesNothingInItsGroup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("waiting without reaping is built for Linux alone")
	}
	name := filepath.Join(t.TempDir(), "pids")
	if _, err := Exec(t.Context(), argv("leave-child", name)); err != nil {
		t.Fatal(err)
	}
	child := pids(t, name)[0]
	await(t, "what was left is killed", func() bool { return ended(child) })
}

func TestExecDoesNotWaitForASupervisor(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pids")
	out, err := Exec(t.Context(), argv("hold-output", name))
	if err != nil || string(out) != "started" {
		t.Errorf("got %q, %v", out, err)
	}
	child := pids(t, name)[0]
	if ended(child) {
		t.Error("a process outside the command's group was killed")
	}
	check(syscall.Kill(child, syscall.SIGKILL))
}

func TestExecDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("dying with the parent is Linux's alone")
	}
	name := filepath.Join(t.TempDir(), "pids")
	parent := exec.Command(os.Args[0], command, "run-one", name)
	check(parent.Start())
	group := pids(t, name)
	check(parent.Process.Kill())
	_ = parent.Wait()
	await(t, "the command dies with the process that ran it", func() bool { return ended(group[0]) })
	check(syscall.Kill(group[1], syscall.SIGKILL)) // the command's own child is not ours
}

func TestCommandsDeadline(t *testing.T) {
	c := NewCommands(CommandsOptions{StatusTimeout: 50 * time.Millisecond})
	_, err := c.Status(t.Context(), declared(argv("wait"), nil, nil))
	if err == nil || !strings.HasSuffix(err.Error(), "did not end within 50ms and was killed") {
		t.Errorf("got %v", err)
	}
}
