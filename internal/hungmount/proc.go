//go:build linux

package hungmount

import (
	"fmt"
	"os"
	"path/filepath"
	"unicode"
)

// Proc makes dir a procfs in which process 1 has the mounts of whoever reads it. An
// exporter tells the mounts of process 1, which does not see ours.
func Proc(dir string) error {
	first := filepath.Join(dir, "1")
	if err := os.MkdirAll(first, 0o755); err != nil { //nolint:gosec // whoever is measured reads it
		return err
	}
	for _, name := range []string{"mountinfo", "mounts"} {
		if err := os.Symlink("/proc/self/"+name, filepath.Join(first, name)); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if unicode.IsDigit(rune(e.Name()[0])) {
			continue
		}
		if err := os.Symlink("/proc/"+e.Name(), filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("make a procfs: %w", err)
		}
	}
	return nil
}
