//go:build servers

package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// built has fettle and fettle_exporter, as `make build` would leave them.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fettle-demo-bin-")
	if err != nil {
		return "", err
	}
	atEnd = append(atEnd, func() { _ = os.RemoveAll(dir) })
	out, err := exec.Command("go", "build", "-o", dir+"/", "github.com/fettle-io/fettle/cmd/fettle", "github.com/fettle-io/fettle/cmd/fettle_exporter").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return dir, nil
})

func binaries(t *testing.T) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// shown runs `fettle demo` with args and returns its events, by name, and its exit
// code.
func shown(t *testing.T, args ...string) (events map[string][]map[string]any, code int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries(t), "fettle"), append([]string{"demo", "--output=json"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+shortDir(t))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	events = map[string][]map[string]any{}
	for line := range strings.Lines(out.String()) {
		e := map[string]any{}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		name, _ := e["event"].(string)
		events[name] = append(events[name], e)
	}
	return events, cmd.ProcessState.ExitCode(), out.String() + errs.String()
}

func TestDemo(t *testing.T) {
	for _, tc := range []struct {
		fault  string
		cycles int
		steps  int // intents a cycle
	}{
		{"kill", 2, 1},
		{"hang", 1, 2},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			events, code, output := shown(t, "--fault="+tc.fault, "--cycles="+string(rune('0'+tc.cycles)))
			if code != 0 {
				t.Fatalf("exit %d:\n%s", code, output)
			}
			for name, want := range map[string]int{
				eventFault: tc.cycles, eventFired: tc.cycles, eventReceived: tc.cycles, eventApply: tc.cycles * tc.steps,
				eventVerified: tc.cycles, eventRepaired: tc.cycles, eventClosed: tc.cycles - 1, eventRelapsed: 0, "journal verify": 1,
			} {
				if got := len(events[name]); got != want {
					t.Errorf("%d events %q, want %d", got, name, want)
				}
			}
			if text, _ := events["writes"][0]["text"].(string); !strings.HasSuffix(text, " acknowledged, 0 lost") {
				t.Errorf("writes: %q", text)
			}
			if text, _ := events["journal verify"][0]["text"].(string); !strings.HasPrefix(text, "verified") {
				t.Errorf("journal verify: %q", text)
			}
			dir, _ := events["started"][0]["data"].(map[string]any)["dir"].(string)
			if _, err := os.Stat(dir); dir == "" || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%q is left: %v", dir, err)
			}
			if t.Failed() {
				t.Log(output)
			}
		})
	}
}

// A demo that is killed leaves no process behind.
func TestDemoKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries(t), "fettle"), "demo", "--output=json", "--keep")
	tmp := shortDir(t)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), `"event":"`+eventFault) {
			break
		}
	}
	if n := len(runningIn(t, tmp)); n < 7 { // all but the killed member
		t.Errorf("%d processes run in the demo's folder, want 7 or more", n)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	deadline := time.Now().Add(limit)
	for len(runningIn(t, tmp)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("left: %q", runningIn(t, tmp))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// runningIn are the command lines of processes that name a folder.
func runningIn(t *testing.T, dir string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// With the default autonomy nothing is mutated, and the demo says that its member
// was not repaired.
func TestStageObserves(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o, _, err := Show{Fettle: filepath.Join(binaries(t), "fettle")}.programs(ctx, &printer{out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Autonomy = shortDir(t), repair.Observe
	s, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := newPlay(s, nil, &printer{out: t.Output()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cycle(ctx, 1, Kill, true); !errors.Is(err, errNotRepaired) || !strings.Contains(err.Error(), "ended observed") {
		t.Errorf("%v", err)
	}
	out, err := s.Command(ctx, "explain", "--journal="+s.Journal(), memberDown)
	if err != nil || !strings.Contains(out, "observed") {
		t.Errorf("%v: %s", err, out)
	}
}
