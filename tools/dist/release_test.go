//go:build release

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two releases from one commit, made in two folders, under two umasks and in two time
// zones, are the same bytes: every archive, package, SBOM and the checksums. The third
// one compiles everything again, with no cache, for the smallest target.
func TestReleasesAreEqual(t *testing.T) {
	at := checkout(t, "a")
	first := made(t, at, "", "umask 022", "TZ=UTC")
	documented(t, filepath.Join(at, "dist"))
	second := made(t, checkout(t, filepath.Join("b", "with a longer path")), "", "umask 077", "TZ=Asia/Tokyo", "LANG=tr_TR.UTF-8", "USER=somebody")
	third := made(t, checkout(t, "c"), "windows/amd64", "umask 022", "GOCACHE="+t.TempDir())

	if got, want := names(second), names(first); !slices.Equal(got, want) || len(got) < len(table())+8 {
		t.Fatalf("made %v, and then %v", want, got)
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s is not the same twice", name)
		}
	}
	for name, sum := range third {
		if name != checksumFile && first[name] != sum {
			t.Errorf("%s is not the same when it is compiled anew", name)
		}
	}
	if len(third) != 3 {
		t.Errorf("for windows there are %v", names(third))
	}
	t.Logf("%d files, equal: %v", len(first), names(first))
}

// checkout copies the source tree, without what is built, into a folder of that name.
func checkout(t *testing.T, name string) string {
	t.Helper()
	from, to := filepath.Join("..", ".."), filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = from
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(from, path))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, path), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// made makes a release in dir, and returns the digest of each file by its name.
func made(t *testing.T, dir, targets, umask string, env ...string) map[string][sha256.Size]byte {
	t.Helper()
	nfpm, err := filepath.Abs(filepath.Join("..", "..", ".cache", "bin", "nfpm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "sh", "-c", umask+` && exec "$@"`, "sh",
		"go", "run", "./tools/dist", "-version=1.2.3", "-revision=test", "-nfpm="+nfpm, "-targets="+targets)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000"), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s: %d s", dir, int(time.Since(began).Seconds()))
	paths, err := filepath.Glob(filepath.Join(dir, "dist", "*"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][sha256.Size]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(dir)) {
			t.Errorf("%s tells where it was made", path)
		}
		sums[filepath.Base(path)] = sha256.Sum256(data)
	}
	return sums
}

// documented holds every SBOM to CycloneDX's own schema.
func documented(t *testing.T, dist string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dist, "*.cdx.json"))
	if err != nil || len(files) != len(table()) {
		t.Fatalf("SBOMs: %v %v", files, err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "."}, files...)...)
	cmd.Dir = filepath.Join("..", "sbomcheck")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "is CycloneDX 1.6") != len(files) {
		t.Errorf("%v\n%s", err, out)
	}
}

func names(sums map[string][sha256.Size]byte) (sorted []string) {
	for name := range sums {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted
}
