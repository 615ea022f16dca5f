//go:build linux

// Package systemdtest boots a real systemd for tests: PID 1 of namespaces of its
// own, over a throw-away overlay of this machine's root, or of a clean Debian. It
// wants root, unshare, dbus and a mounted cgroup2 file system, and nothing outside is
// touched.
package systemdtest

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

//go:embed boot.sh
var boot []byte

// Programs is where the programs given to Start are found inside.
const Programs = "/opt/fettle-test"

// Host is a running systemd.
type Host struct {
	// Address is its system bus, as D-Bus writes addresses, reachable from outside.
	Address string
	// PID is its process as seen from outside; /proc/PID/root is its root.
	PID int
}

// Start boots a systemd with units, a text by name, and programs, a path to copy
// into Programs by name. It waits until the bus answers, and ends everything with
// the test.
func Start(t testing.TB, units, programs map[string]string) *Host {
	t.Helper()
	return start(t, "", units, programs)
}

// StartClean is Start over a clean Debian, see [CleanRoot], which boots as it is:
// what is enabled there is started.
func StartClean(t testing.TB, units, programs map[string]string) *Host {
	t.Helper()
	return start(t, CleanRoot(t), units, programs)
}

// start boots over the root given; empty: this machine's.
func start(t testing.TB, lower string, units, programs map[string]string) *Host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("systemdtest: a real systemd needs root: run `make test-servers` as root")
	}
	dir, err := os.MkdirTemp("", "fettle-systemd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if lower != "" {
		if err := os.WriteFile(filepath.Join(dir, "lower"), []byte(lower), 0o600); err != nil {
			t.Fatalf("systemdtest: %v", err)
		}
	}
	if err := fill(dir, units, programs); err != nil {
		t.Fatalf("systemdtest: %v", err)
	}
	var log output
	cmd := exec.Command("bash", filepath.Join(dir, "boot.sh"), dir)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("systemdtest: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	h := &Host{}
	t.Cleanup(func() { stop(t, h, cmd, ended, dir) })

	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("systemdtest: boot ended: %v\n%s", err, &log)
		default:
		}
		if h.PID = child(cmd.Process.Pid); h.PID != 0 {
			if state, err := h.Systemctl("is-system-running"); err == nil && state == "running" {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("systemdtest: systemd is not up after a minute\n%s", &log)
		}
	}
	h.Address = fmt.Sprintf("unix:path=/proc/%d/root/run/dbus/system_bus_socket", h.PID)
	return h
}

// Systemctl runs systemctl inside and returns what it printed, trimmed.
func (h *Host) Systemctl(args ...string) (string, error) {
	return h.Run(append([]string{"systemctl"}, args...)...)
}

// Path is where a file inside is found from outside, symbolic links left alone.
func (h *Host) Path(name string) string { return fmt.Sprintf("/proc/%d/root%s", h.PID, name) }

// Run runs one command inside, as root, for a minute at most, and returns its
// trimmed output.
func (h *Host) Run(argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	enter := []string{"--target", strconv.Itoa(h.PID), "--all", "--root", "--wd"}
	out, err := exec.CommandContext(ctx, "nsenter", append(enter, argv...)...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, text)
	}
	return text, nil
}

func fill(dir string, units, programs map[string]string) error {
	if err := os.WriteFile(filepath.Join(dir, "boot.sh"), boot, 0o700); err != nil {
		return err
	}
	for _, sub := range []string{"units", "programs", "root"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(dir, "units", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for name, path := range programs {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "programs", name), b, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// child is the process that unshare forked: PID 1 inside. 0 while it is not there.
func child(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	// Before unshare has run, the shell's own short-lived children stand there.
	if n == 0 || !isSystemd(n) {
		return 0
	}
	return n
}

func isSystemd(pid int) bool {
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.TrimSpace(string(comm)) == "systemd"
}

func stop(t testing.TB, h *Host, cmd *exec.Cmd, ended chan error, dir string) {
	// PID 1 takes everything in its namespace with it, and unshare, which waits for
	// it, ends then. Before there is one, unshare is ended itself.
	if pid := child(cmd.Process.Pid); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	} else {
		_ = cmd.Process.Kill()
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Errorf("systemdtest: systemd (pid %d) does not end", h.PID)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil {
		return
	}
	if err := removeGroups(strings.TrimSpace(string(b))); err != nil {
		t.Errorf("systemdtest: %v", err)
	}
}

// removeGroups removes a control group and those in it, innermost first; a group
// whose last process is just ending is busy for a moment.
func removeGroups(root string) error {
	if !strings.HasPrefix(filepath.Base(root), "fettle-systemd-") {
		return fmt.Errorf("%s is not a group of this package", root)
	}
	var err error
	for range 200 {
		var groups []string
		_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				groups = append(groups, path)
			}
			return nil
		})
		err = nil
		for i := len(groups) - 1; i >= 0; i-- {
			if e := os.Remove(groups[i]); e != nil {
				err = e
			}
		}
		if err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// output gathers what the boot prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is what was printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
