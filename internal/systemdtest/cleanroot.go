//go:build linux

package systemdtest

import (
	"context"
	"crypto/sha256"
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

// cleanPackages are what a clean root has beside Debian's minimum: what fettle's
// packages need, the authority that lets fettle's user do something, and the programs
// that a test looks with.
func cleanPackages() []string {
	return []string{"systemd", "systemd-sysv", "dbus", "polkitd", "sudo", "procps", "iproute2"}
}

// CleanRoot is a folder with a Debian 12 on which nobody has installed anything yet.
// It is made once, by mmdebstrap over the network, and kept under .cache; nothing may
// write into it.
func CleanRoot(t testing.TB) string {
	t.Helper()
	root, err := cleanRoot(context.Background())
	if err != nil {
		t.Fatalf("systemdtest: a clean root: %v", err)
	}
	return root
}

func cleanRoot(ctx context.Context) (_ string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	top, err := sourceTree()
	if err != nil {
		return "", err
	}
	packages := strings.Join(cleanPackages(), ",")
	digest := sha256.Sum256([]byte(packages))
	dir := filepath.Join(top, ".cache", "root", fmt.Sprintf("bookworm-%x", digest[:4]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	held, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	making := dir + ".making"
	if err := os.RemoveAll(making); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--variant=minbase", "--include="+packages, "bookworm", making).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mmdebstrap (tools/install-servers.sh installs it): %w\n%s", err, out)
	}
	return dir, os.Rename(making, dir)
}

// sourceTree is the folder with go.mod above the working directory, which in a test is
// the package's.
func sourceTree() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working directory")
		}
	}
}
