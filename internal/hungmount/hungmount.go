//go:build linux

// Package hungmount drives tools/hungmount: a mount that can be made to hang, for the
// tests and the bench of fettle_exporter. It needs root, FUSE and util-linux' nsenter.
//
// A mount that hangs stops every df on the machine, and who asks it cannot be killed.
// So it lives in a mount namespace of its own, in which only what [Mount.Command]
// starts can see it, and it ends with the process that serves it.
package hungmount

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long the program may take for an answer, which it has at once.
const patience = 20 * time.Second

// Mount is a mount that can be made to hang. It is not for use by several goroutines
// at once.
type Mount struct {
	Dir     string // where it is, in its namespace
	process *exec.Cmd
	lines   io.WriteCloser
	answers chan string // closed when the program has ended
}

// Start mounts on dir with the program, which is tools/hungmount. The mount ends with
// [Mount.Close], with ctx, and with the calling process.
func Start(ctx context.Context, program, dir string) (*Mount, error) {
	m := &Mount{Dir: dir, process: exec.CommandContext(ctx, program, dir), answers: make(chan string)} //nolint:gosec // the program that the test or the bench named
	// Go makes the mounts of a new namespace private: none of them comes back to ours.
	m.process.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	m.process.Stderr = os.Stderr
	var err error
	if m.lines, err = m.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := m.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.process.Start(); err != nil {
		return nil, fmt.Errorf("mount %s: %w", dir, err)
	}
	go func() {
		defer close(m.answers)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			m.answers <- lines.Text()
		}
	}()
	if answer, err := m.answer(); err != nil || answer != "mounted" {
		return nil, errors.Join(fmt.Errorf("mount %s: it says %q", dir, answer), err, m.Close())
	}
	return m, nil
}

func (m *Mount) answer() (string, error) {
	select {
	case answer, ok := <-m.answers:
		if !ok {
			return "", errors.New("the program has ended")
		}
		return answer, nil
	case <-time.After(patience):
		return "", errors.New("the program does not answer")
	}
}

// Hang lets every statfs sleep from now on, beyond the reach of any signal.
func (m *Mount) Hang() error { _, err := m.say("hang"); return err }

// Wake answers those that sleep, and all that come.
func (m *Mount) Wake() error { _, err := m.say("wake"); return err }

// Asked is how many statfs there were so far.
func (m *Mount) Asked() (int, error) { return m.say("count") }

func (m *Mount) say(word string) (asked int, err error) {
	if _, err := fmt.Fprintln(m.lines, word); err != nil {
		return 0, fmt.Errorf("mount %s: %s: %w", m.Dir, word, err)
	}
	answer, err := m.answer()
	if err != nil {
		return 0, fmt.Errorf("mount %s: %s: %w", m.Dir, word, err)
	}
	number, ok := strings.CutPrefix(answer, word+" ")
	if asked, err = strconv.Atoi(number); !ok || err != nil {
		return 0, fmt.Errorf("mount %s: %s: it says %q", m.Dir, word, answer)
	}
	return asked, nil
}

// nobody is the user without rights, which every Linux has.
const nobody = "65534"

// Command is a program that sees the mount, run by the user nobody: as an exporter
// should run. What it needs has to be readable for that user.
func (m *Mount) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--mount=/proc/" + strconv.Itoa(m.process.Process.Pid) + "/ns/mnt", "--setgid=" + nobody, "--setuid=" + nobody, "--", name}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...) //nolint:gosec // what the test or the bench named
}

// Close ends the mount and wakes whoever sleeps in it, with an error. What
// [Mount.Command] started goes on; without it the namespace is gone too.
func (m *Mount) Close() error {
	err := m.process.Process.Kill()
	for range m.answers { // what it still said
	}
	_ = m.process.Wait() // that it was killed is known
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
