//go:build !linux

package demo

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithParent is Linux's alone: elsewhere a demo that is killed with SIGKILL
// leaves its programs running.
func dieWithParent(*syscall.SysProcAttr) {}

func identityOf(pid int, started time.Time) string {
	return fmt.Sprintf("%d@%d", pid, started.UnixNano())
}

func signalExactly(identity string, sig syscall.Signal) (int, error) {
	number, _, _ := strings.Cut(identity, "@")
	pid, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("identity %q is not pid@start", identity)
	}
	return pid, syscall.Kill(pid, sig)
}

func standsStill(int) (bool, error) { return true, nil }
