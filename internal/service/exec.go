package service

import (
	"bytes"
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

// Exec runs one command in a process group of its own: no shell, standard input
// empty, and of the environment only PATH, LANG and HOME. At the context's end,
// and when the command has ended, whatever is left in the group is killed; on
// Linux the command also dies with this process.
func Exec(ctx context.Context, argv []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // declared by the configuration, and no shell
	var stdout, stderr capped
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + os.Getenv("HOME")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 200 * time.Millisecond // for pipes that a supervisor inherited

	done := make(chan error, 1)
	go func() {
		// The kernel's "die with the parent" means the thread that forked.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
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
		return finish(ctx, err, &stdout, &stderr)
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return finish(ctx, err, &stdout, &stderr)
	case <-time.After(time.Second): // in the kernel, where no signal reaches
		return nil, fmt.Errorf("killed, and has not ended yet: %w", ctx.Err())
	}
}

func finish(ctx context.Context, err error, stdout, stderr *capped) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, something outside still holds its output
	case err != nil:
		if line := stderr.firstLine(); line != "" {
			return nil, fmt.Errorf("%w: it says %q", err, line)
		}
		return nil, err
	}
	if stdout.over {
		return nil, fmt.Errorf("it printed more than %d bytes", OutputLimit)
	}
	return stdout.buf.Bytes(), nil
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
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return line
}
