//go:build release && linux

package installtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Two versions of the packages, and everything that is done with them.
func TestPackages(t *testing.T) {
	first, second := made(t, "0.1.0"), made(t, "0.2.0")
	t.Run("deb", func(t *testing.T) { testDeb(t, first, second) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, first) })
	t.Run("exporter", func(t *testing.T) { testExporter(t, first) })
	t.Run("archive", func(t *testing.T) { testArchive(t, first) })
	t.Run("first cluster", func(t *testing.T) { testFirstCluster(t, second) })
}

// made makes the packages of a version, by what `make dist` runs, and returns where
// they are by their names without version.
func made(t *testing.T, version string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out := t.TempDir()
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", "dist", "VERSION="+version, "REVISION=test",
		"ARGS=-targets=linux/"+runtime.GOARCH+" -out="+out)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, said)
	}
	paths, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		files[strings.Replace(filepath.Base(path), "_"+version+"_linux_"+runtime.GOARCH, "", 1)] = path
	}
	for _, name := range []string{"fettle.deb", "fettle-exporter.deb", "fettle.rpm", "fettle-exporter.rpm"} {
		if files[name] == "" {
			t.Fatalf("make dist made no %s, only %v", name, paths)
		}
	}
	return files
}
