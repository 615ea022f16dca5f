package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// spawner starts processes that do not outlive this one. The kernel's "die with the
// parent" means the thread that forked, so all are started by one thread that stays.
type spawner struct{ work chan func() }

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for start := range s.work {
			start()
		}
	}()
	return s
}

// close ends the thread's work. The children are ended before.
func (s *spawner) close() { close(s.work) }

// child is a started program, in a process group of its own.
type child struct {
	name     string
	output   string // file
	identity string // pid@start, see identityOf
	started  time.Time
	cmd      *exec.Cmd
	done     chan struct{} // closed when it has ended and was reaped
}

// start starts argv with its standard output and error appended to output.
func (s *spawner) start(name, output string, argv ...string) (*child, error) {
	out, err := os.OpenFile(output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()                         // the child has its own
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the demo's own programs; they run until they are ended
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for this program to handle
	dieWithParent(cmd.SysProcAttr)
	started := make(chan error)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c := &child{name: name, output: output, started: time.Now(), cmd: cmd, done: make(chan struct{})}
	c.identity = identityOf(c.pid(), c.started)
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(c.done)
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// stop asks the child to end, ends it after grace, and returns once it is gone.
func (c *child) stop(grace time.Duration) {
	if c == nil || c.ended() {
		return
	}
	if grace > 0 {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may be ending by itself
		select {
		case <-c.done:
			return
		case <-time.After(grace):
		}
	}
	_ = syscall.Kill(-c.pid(), syscall.SIGKILL) // not reaped before done is closed: the number is still its own
	<-c.done
}

// errPortTaken: another program was quicker to take a port.
var errPortTaken = errors.New("a port was taken by another program")

// lastWords is why a child that should run has ended, with the end of its output.
func (c *child) lastWords() error {
	out, err := os.ReadFile(c.output)
	if err != nil {
		return fmt.Errorf("%s has ended, and its output cannot be read: %w", c.name, err)
	}
	said := strings.TrimSpace(string(out[max(0, len(out)-2000):]))
	if strings.Contains(said, "address already in use") {
		return fmt.Errorf("%s: %w", c.name, errPortTaken)
	}
	return fmt.Errorf("%s has ended (%s); its output, %s, ends with:\n%s", c.name, c.cmd.ProcessState, c.output, said)
}

// finalError is one that waiting does not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// await calls ready every 50 ms until it answers nil; it gives up when ctx ends, one
// of the children does, or the error is final.
func await(ctx context.Context, what string, children []*child, ready func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if _, final := errors.AsType[finalError](err); err == nil || final {
			return err
		}
		for _, c := range children {
			if c.ended() {
				return c.lastWords()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last: %w)", what, ctx.Err(), err)
		case <-tick.C:
		}
	}
}
