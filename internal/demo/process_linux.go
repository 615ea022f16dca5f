package demo

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/internal/etcdproc"
)

func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

// identityOf is pid@start, start being the process's start time in clock ticks
// since boot: no other process ever has it.
func identityOf(pid int, _ time.Time) string {
	return fmt.Sprintf("%d@%s", pid, startTime(pid))
}

// startTime is field 22 of /proc/PID/stat; "gone" where there is no process.
func startTime(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "gone"
	}
	// "pid (command) state …", where the command may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "gone"
	}
	return string(fields[19])
}

// signalExactly sends a signal to the process with that identity and to no other,
// and returns its pid.
func signalExactly(identity string, sig syscall.Signal) (int, error) {
	number, _, _ := strings.Cut(identity, "@")
	pid, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("identity %q is not pid@start", identity)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, fmt.Errorf("process %s: %w", identity, err)
	}
	defer unix.Close(fd)
	// What the descriptor stands for is the process that now has the number.
	if now := identityOf(pid, time.Time{}); now != identity {
		return 0, fmt.Errorf("process %s is gone, %s has its number", identity, now)
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		return 0, fmt.Errorf("send %s to process %s: %w", sig, identity, err)
	}
	return pid, nil
}

// standsStill tells whether each thread of a process is stopped: until then a
// process that was sent SIGSTOP may go on answering.
func standsStill(pid int) (bool, error) { return etcdproc.Stopped(pid) }
