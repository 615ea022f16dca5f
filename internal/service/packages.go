package service

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// packageLocks are the files that package managers hold locked for writing while
// they install: dpkg and apt, rpm and dnf (old and new place).
func packageLocks() []string {
	return []string{
		"/var/lib/dpkg/lock-frontend",
		"/var/lib/dpkg/lock",
		"/var/lib/rpm/.rpm.lock",
		"/usr/lib/sysimage/rpm/.rpm.lock",
	}
}

// packagesAtWork tells whether a package manager is installing on this host. It
// reads /proc/locks, because the files themselves are for root to open. What
// cannot be read counts as not at work: not every host has package managers.
func packagesAtWork() bool {
	f, err := os.Open("/proc/locks")
	if err != nil {
		return false
	}
	defer f.Close()
	locked := writeLocked(f)
	for _, name := range packageLocks() {
		if key, ok := lockKey(name); ok && locked[key] {
			return true
		}
	}
	return false
}

// writeLocked reads the form of /proc/locks into the set of what is locked for
// writing, as "major:minor:inode".
func writeLocked(r io.Reader) map[string]bool {
	set := map[string]bool{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		// "1: POSIX  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; one that waits has "->"
		// after its number and holds nothing.
		f := strings.Fields(lines.Text())
		if len(f) >= 6 && f[3] == "WRITE" {
			set[f[5]] = true
		}
	}
	return set
}

func deviceKey(major, minor uint32, inode uint64) string {
	return fmt.Sprintf("%02x:%02x:%d", major, minor, inode)
}
