//go:build unix

package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a program that runs until it is killed, or until the test's process has
// ended in whatever way (on Linux). Its exported fields are set before Start; it is not
// for use by several goroutines at once.
type Process struct {
	Name string              // in errors
	Argv []string            // the program and its arguments
	Log  string              // the file behind which its output is written
	Dir  string              // where it runs; "": where the test does
	Env  []string            // nil: the test's
	As   *syscall.Credential // who runs it; nil: who runs the test

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts it, or starts it again, from a thread of its own: not in the namespaces of
// the caller's. It waits for nothing: see Await.
func (p *Process) Start() error {
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(p.Argv[0], p.Argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.Dir, p.Env, out, out
	cmd.SysProcAttr = attributes(p.As)
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// What dies with who started it dies with the thread that did, which so stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log, and in State
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.ended = cmd, ended
	return nil
}

// Await asks again and again until ask has no error, the process has ended, or ctx ends.
func (p *Process) Await(ctx context.Context, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s has ended; it said:\n%s", p.Name, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s: waited in vain: %w; it said:\n%s", p.Name, err, p.said())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// said is the end of its log.
func (p *Process) said() []byte {
	log, _ := os.ReadFile(p.Log) //nolint:errcheck // only for a message
	return bytes.TrimSpace(log[max(0, len(log)-4<<10):])
}

// PID is the process ID of one that was started.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// State is how it ended; nil of one that runs, or was not started.
func (p *Process) State() *os.ProcessState {
	if p.cmd == nil || p.Running() {
		return nil
	}
	return p.cmd.ProcessState
}

// Ended is closed once it has ended; nil before it was started.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Running tells that it was started and has not ended; of nil, that it is not.
func (p *Process) Running() bool {
	if p == nil || p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal to it, and waits for no effect.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %s to %s: %w", sig, p.Name, err)
	}
	return nil
}

// Freeze stops it where it is (SIGSTOP): the kernel still takes connections for it, and
// nobody answers.
func (p *Process) Freeze() error { return p.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen one go on.
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }

// Kill ends it as kill -9 does, also while it is frozen, and waits until it has. One
// that never started, or has ended, is no error.
func (p *Process) Kill() error {
	if !p.Running() {
		return nil
	}
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}
