package looptest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

// What TestMain builds: fettle with failpoints, which kill it only where the
// environment names one, and the members' declared command.
var fettle, memberCommand string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "looptest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // one test runs fettle as another user
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fettle, memberCommand = filepath.Join(dir, "fettle"), filepath.Join(dir, "member")
	args := []string{"-tags", "failpoints", "-o", fettle}
	if underRace {
		args = append(args, "-race")
	}
	for _, what := range [][]string{append(args, "../../cmd/fettle"), {"-o", memberCommand, "./testdata/member"}} {
		if out, err := exec.Command("go", append([]string{"build", "-buildvcs=false"}, what...)...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", what[len(what)-1], err, out)
			return 1
		}
	}
	return m.Run()
}

// programOf finds one of the pinned servers, or builds it.
func programOf(t testing.TB, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	p, err := programs.Find(ctx, name, programs.Options{})
	must(t, err)
	return p.Path
}

// patience is how long a test waits for what should come.
const patience = 60 * time.Second

// until waits until ok returns nil.
func until(t testing.TB, what string, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
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
