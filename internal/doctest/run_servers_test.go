//go:build servers

package doctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// most is how long one block may take: the servers may have to be built.
	most = 10 * time.Minute
	// patience is how long a retry block is tried.
	patience = 3 * time.Minute
)

// The tutorial is gone along as it stands there: from a built tree to a repair that
// was observed, allowed, verified and proven.
func TestTutorial(t *testing.T) {
	const folder = "/tmp/fettle-tutorial" // as the page has it
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s is there already, and the page makes it: remove it first (%v)", folder, err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	out := run(t, blocks(t, "docs/tutorial.md"), map[string]string{})
	for _, want := range []string{
		"demo observe", "observed(autonomy: observe)", "would be done next: member-start", "guards that said yes: ", `"state":"dead"`,
		"reloaded", "run ended: repaired", "Where the time went:", "within the tier's deadline", "proven     seq 0 to", "trying the brake",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q was not printed", want)
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", folder, err)
	}
}

// What README.md says to run is run.
func TestReadme(t *testing.T) {
	out := run(t, blocks(t, "README.md"), map[string]string{
		"make test\n": "that is what runs the tests",
	})
	for _, want := range []string{"repaired (settled", "proven     seq 0 to"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q was not printed", want)
		}
	}
}

// run runs blocks one after another in one shell, in the source tree, and returns
// all that was printed. not names lines that are not run, and why.
func run(t *testing.T, all []block, not map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	var script bytes.Buffer
	script.WriteString("set -uo pipefail\n")
	var beside, last []block
	for i, b := range all {
		for line, why := range not {
			if strings.Contains(b.text, line) {
				t.Logf("%s:%d: %q is not run: %s", b.page, b.line, strings.TrimSpace(line), why)
				b.text = strings.Replace(b.text, line, "", 1)
			}
		}
		switch b.mark {
		case "background":
			script.WriteString(marker(b))
			beside = append(beside, b)
		case "end":
			last = append(last, b)
		default:
			script.WriteString(step(b, i))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	// What stands before the first background block is run before it.
	text := script.String()
	var ends []func()
	if len(beside) > 0 {
		first, rest, _ := strings.Cut(text, marker(beside[0]))
		shell(ctx, t, dir, "first", first)
		for _, b := range beside {
			ends = append(ends, background(ctx, t, dir, b))
		}
		text = "set -uo pipefail\n" + rest
	}
	out := shell(ctx, t, dir, "page", text)
	for _, end := range ends {
		end()
	}
	for _, b := range last {
		out += shell(ctx, t, dir, "end", b.text)
	}
	return out
}

func marker(b block) string { return fmt.Sprintf("# %s:%d\n", b.page, b.line) }

// step is a block within the page's script. It says where it failed.
func step(b block, i int) string {
	fail := fmt.Sprintf("{ echo 'FAILED: %s:%d'; exit 1; }", b.page, b.line)
	if b.mark == "retry" {
		return fmt.Sprintf("%suntil_%d() {\n%s}\nend=$((SECONDS+%d))\nuntil until_%d; do [ $SECONDS -lt $end ] || %s; sleep 1; done\n",
			marker(b), i, b.text, int(patience.Seconds()), i, fail)
	}
	var s strings.Builder
	s.WriteString(marker(b))
	for line := range strings.Lines(b.text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			fmt.Fprintf(&s, "echo %s\n{ %s\n} || %s\n", quote("$ "+line), line, fail)
		}
	}
	return s.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func shell(ctx context.Context, t *testing.T, dir, name, script string) string {
	t.Helper()
	file := filepath.Join(dir, name+".sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "bash", file)
	cmd.Dir = tree(t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", name, out)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// background starts a block, and returns what ends it as Ctrl-C does.
func background(ctx context.Context, t *testing.T, dir string, b block) (end func()) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, fmt.Sprintf("background-%d.log", b.line)))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec "+strings.TrimSpace(b.text))
	cmd.Dir, cmd.Stdout, cmd.Stderr = tree(t), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	end = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s:%d ended: %v", b.page, b.line, err)
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Errorf("%s:%d does not end", b.page, b.line)
		}
		printed, _ := os.ReadFile(log.Name())
		t.Logf("%s:%d\n%s", b.page, b.line, printed)
	}
	t.Cleanup(end)
	return end
}
