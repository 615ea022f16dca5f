//go:build servers && linux

package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A service with a capability for its own looks does not hand it to what it runs.
func TestCommandsInheritNoCapability(t *testing.T) {
	dir := t.TempDir()
	check(os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // another user is to run what is there
	program, secret := filepath.Join(dir, "probe"), filepath.Join(dir, "secret")
	text, err := os.ReadFile(os.Args[0])
	check(err)
	check(os.WriteFile(program, text, 0o755)) //nolint:gosec // as above
	check(os.WriteFile(secret, []byte("s"), 0o600))
	for how, want := range map[string]string{"powers": "read " + secret + " yes", "run-powers": "read " + secret + " no"} {
		cmd := exec.CommandContext(t.Context(), program, command, how, secret) //nolint:gosec // this test
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_DAC_READ_SEARCH},
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want+"\n") {
			t.Errorf("%s: %v: want %q in\n%s", how, err, want, out)
		}
	}
}
