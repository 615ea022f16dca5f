package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What TestMain builds: fettle with failpoints, which kill it only where the
// environment names one, and the declared command that asks the supervisor. Neither
// has the race detector: it is the program as it is shipped that is broken here.
var fettle, memberCommand string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	fettle, memberCommand = filepath.Join(dir, "fettle"), filepath.Join(dir, "member")
	for _, what := range [][]string{
		{"-tags", "failpoints", "-o", fettle, "../../cmd/fettle"},
		{"-o", memberCommand, "../looptest/testdata/member"},
	} {
		build := exec.Command("go", append([]string{"build", "-buildvcs=false"}, what...)...)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", what[len(what)-1], err, out)
			return 1
		}
	}
	return m.Run()
}

// patience is how long a test waits for what should come.
const patience = 60 * time.Second

var errNotYet = errors.New("not yet")

// until waits until ok returns nil.
func until(t testing.TB, what string, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s: %v", patience, what, err)
		}
	}
}

// must is for what no test is about.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
