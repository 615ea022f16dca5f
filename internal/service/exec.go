package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Exec runs one command in a process group of its own: no shell, standard input
// empty, and of the environment only PATH, LANG and HOME. At the context's end,
// and when the command has ended, whatever is left in the group is killed; on
// Linux the command also dies with this process.
func Exec(ctx context.Context, argv []string) ([]byte, error) {
	var stdout, stderr capped
	over, err := execute(ctx, argv, environment(), nil, &stdout, &stderr)
	if !over {
		return nil, err
	}
	return finish(ctx, err, &stdout, &stderr)
}

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + os.Getenv("HOME")}
}

// execute runs a command as Exec does, with that environment and as that user (nil:
// this process's own). over is false where it was killed and has not ended yet: then
// its output is not to be touched.
func execute(ctx context.Context, argv, env []string, as *syscall.Credential, stdout, stderr io.Writer) (over bool, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // declared by the configuration, and no shell
	cmd.Stdout, cmd.Stderr, cmd.Env = stdout, stderr, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for pipes that a supervisor inherited

	done := make(chan error, 1)
	go func() {
		// The kernel's "die with the parent" means the thread that forked.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := keepPowers(); err != nil {
			done <- err
			return
		}
		if err := cmd.Start(); err != nil {
			done <- err
			return
		}
		if awaitExit(cmd.Process.Pid) { // not reaped: the group's number is still taken
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		done <- cmd.Wait()
	}()
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return true, err
	case <-time.After(time.Second): // in the kernel, where no signal reaches
		return false, fmt.Errorf("killed, and has not ended yet: %w", ctx.Err())
	}
}

func finish(ctx context.Context, err error, stdout, stderr *capped) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, &FailedError{Err: ctx.Err(), output: said(stdout, stderr)}
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, something outside still holds its output
	case err != nil:
		return nil, &FailedError{Err: err, Says: stderr.firstLine(), output: said(stdout, stderr)}
	}
	if stdout.over {
		return nil, fmt.Errorf("it printed more than %d bytes", OutputLimit)
	}
	return stdout.buf.Bytes(), nil
}

// FailedError is a command that ended badly, or was killed at its deadline.
type FailedError struct {
	// Err is how it ended: an *exec.ExitError, or the context's.
	Err error
	// Says is the first line that it printed to standard error; Error shows at
	// most 200 bytes of it.
	Says string

	output []byte
}

// Error is how it ended, and what it says.
func (e *FailedError) Error() string {
	if e.Says == "" {
		return e.Err.Error()
	}
	says := e.Says
	if len(says) > 200 {
		says = says[:200] + "…"
	}
	return fmt.Sprintf("%s: it says %q", e.Err, says)
}

func (e *FailedError) Unwrap() error { return e.Err }

// Output is what it printed, as evidence: standard error and standard output
// under a heading each, whole lines of at most OutputLimit bytes. Nothing was
// taken out of it: it may hold secrets.
func (e *FailedError) Output() []byte { return e.output }

// said puts what was printed together.
func said(stdout, stderr *capped) []byte {
	var out []byte
	for _, part := range []struct {
		name string
		of   *capped
	}{{"standard error", stderr}, {"standard output", stdout}} {
		text := part.of.buf.Bytes()
		if len(text) == 0 {
			continue
		}
		cut := ""
		if part.of.over { // half a line may be half a secret, which is not recognised
			text = text[:bytes.LastIndexByte(text, '\n')+1]
			cut = ", cut off"
		}
		out = fmt.Appendf(out, "%s%s:\n%s", part.name, cut, text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			out = append(out, '\n')
		}
	}
	return out
}

// capped keeps the first OutputLimit bytes and takes the rest without an error, so
// that a chatty command still ends by itself.
type capped struct {
	buf  bytes.Buffer
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	n := len(p)
	if room := OutputLimit - c.buf.Len(); n > room {
		p, c.over = p[:room], true
	}
	c.buf.Write(p)
	return n, nil
}

func (c *capped) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(c.buf.String()), "\n")
	return line
}
