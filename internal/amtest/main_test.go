//go:build servers

package amtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

// What TestMain makes: fettle, the services' declared command, and the
// Alertmanager under test.
var (
	fettle, serviceCommand string
	alertmanager           programs.Program
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	// The tests wait for Alertmanager's timers nearly all of their time.
	if err := flag.Set("test.parallel", "16"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var err error
	if alertmanager, err = programs.Find(ctx, "alertmanager", programs.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "amtest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	fettle, serviceCommand = filepath.Join(dir, "fettle"), filepath.Join(dir, "service")
	for out, pkg := range map[string]string{fettle: "../../cmd/fettle", serviceCommand: "../looptest/testdata/member"} {
		if said, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", out, pkg).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, said)
			return 1
		}
	}
	return m.Run()
}

var errNotYet = errors.New("not yet")

// patience is how long a test waits for what should come: Alertmanager's second
// peer waits 15 s, and a flush that was refused comes back after 10 s.
const patience = 3 * time.Minute

// until waits until ok returns nil.
func until(t testing.TB, what string, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s: %v", patience, what, err)
		}
	}
}

// stays wants ok to hold now and for a while.
func stays(t testing.TB, d time.Duration, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(d); ; time.Sleep(50 * time.Millisecond) {
		if err := ok(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			return
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
