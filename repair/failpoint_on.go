//go:build failpoints

package repair

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var failpoints struct {
	sync.Mutex
	seen map[string]int
}

// failpoint kills this process with SIGKILL at the n-th pass of the point that
// FETTLE_FAILPOINT=name:n names (n from 1; without it, the first).
func failpoint(point, of string) {
	name := point + of
	want, count, _ := strings.Cut(os.Getenv("FETTLE_FAILPOINT"), ":")
	if want != name {
		return
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 1
	}
	failpoints.Lock()
	defer failpoints.Unlock()
	if failpoints.seen == nil {
		failpoints.seen = map[string]int{}
	}
	failpoints.seen[name]++
	if failpoints.seen[name] == n {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
