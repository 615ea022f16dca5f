package programs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// deadline bounds what must not hang; nothing is expected to come near it.
const deadline = time.Minute

// fakeTree makes a source tree whose pinned etcd is the program given, so that
// a build takes a second.
func fakeTree(t *testing.T, program string) (root string) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module github.com/fettle-io/fettle\n")
	tools := filepath.Join(root, "tools", "etcd")
	write(t, filepath.Join(tools, "go.mod"), `module fake

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.7.3

replace go.etcd.io/etcd/server/v3 => ./server
`)
	write(t, filepath.Join(tools, "go.sum"), "")
	write(t, filepath.Join(tools, "server", "go.mod"), "module go.etcd.io/etcd/server/v3\n\ngo 1.26.0\n")
	write(t, filepath.Join(tools, "server", "main.go"), program)
	return root
}

const fakeEtcd = "package main\n\nfunc main() { print(\"etcd Version: 3.7.3\\n\") }\n"

// files returns what is in dir but for the locks.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestBuild(t *testing.T) {
	cleanEnvironment(t)
	root := fakeTree(t, fakeEtcd)
	var lines []string
	o := Options{Source: Pinned, Root: root, Progress: func(line string) { lines = append(lines, line) }}
	p, err := Find(t.Context(), "etcd", o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Origin != FromBuild || p.Version != "3.7.3" || filepath.Dir(p.Path) != filepath.Join(root, ".cache", "bin") {
		t.Errorf("got %+v", p)
	}
	wantVersion(t, p, "etcd Version: 3.7.3")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "etcd 3.7.3: building it from tools/etcd, once") {
		t.Errorf("progress %q: want a first line that says what is built", lines)
	}

	lines = nil
	again, err := Find(t.Context(), "etcd", o)
	if err != nil {
		t.Fatal(err)
	}
	if again != p || len(lines) > 0 {
		t.Errorf("the second time: %+v with progress %q, want %+v without any", again, lines, p)
	}

	write(t, filepath.Join(root, "tools", "etcd", "go.sum"), "example.org/x v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	changed, err := Find(t.Context(), "etcd", o)
	if err != nil {
		t.Fatal(err)
	}
	if changed.Path == p.Path || len(lines) == 0 {
		t.Errorf("after a change of what it is made from, %s was not built anew", changed.Path)
	}
}

// What a killed build left behind is cleared away, and never used.
func TestBuildAfterKilledBuild(t *testing.T) {
	cleanEnvironment(t)
	o := Options{Source: Pinned, Root: fakeTree(t, fakeEtcd)}
	p, err := Find(t.Context(), "etcd", o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.Path); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.Path+".building", "etcd"), "half of a program")
	again, err := Find(t.Context(), "etcd", o)
	if err != nil {
		t.Fatal(err)
	}
	wantVersion(t, again, "etcd Version: 3.7.3")
	if left := files(t, filepath.Dir(p.Path)); !slices.Equal(left, []string{filepath.Base(p.Path)}) {
		t.Errorf("in the cache: %q, want only the program", left)
	}
}

func TestBuildTwiceAtOnce(t *testing.T) {
	cleanEnvironment(t)
	root := fakeTree(t, fakeEtcd)
	var mu sync.Mutex
	built := 0
	o := Options{Source: Pinned, Root: root, Progress: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(line, "built in") {
			built++
		}
	}}
	const n = 4
	var paths [n]string
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			p, err := Find(t.Context(), "etcd", o)
			if err != nil {
				t.Error(err)
			}
			paths[i] = p.Path
		})
	}
	wg.Wait()
	if built != 1 {
		t.Errorf("%d builds, want 1", built)
	}
	if left := files(t, filepath.Join(root, ".cache", "bin")); !slices.Equal(left, []string{filepath.Base(paths[0])}) {
		t.Errorf("in the cache: %q, want only %q", left, paths[0])
	}
	for _, path := range paths {
		if path != paths[0] {
			t.Errorf("paths differ: %q", paths)
		}
	}
}

func TestBuildFails(t *testing.T) {
	tests := []struct {
		what, program string
		err           []string
	}{
		{"does not compile", "package main\n\nfunc main() { oops() }\n", []string{"undefined: oops", "apt-get install etcd-server", "FETTLE_ETCD"}},
		{"another version", strings.Replace(fakeEtcd, "3.7.3", "3.7.2", 1), []string{"says version 3.7.2, but 3.7.3 is pinned"}},
		{"does not run", "package main\n\nfunc main() { panic(1) }\n", []string{"the etcd just built", "exit status 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			cleanEnvironment(t)
			cache := t.TempDir()
			_, err := Find(t.Context(), "etcd", Options{Source: Pinned, Root: fakeTree(t, tt.program), CacheDir: cache})
			wantError(t, err, tt.err...)
			if left := files(t, cache); len(left) > 0 {
				t.Errorf("left in the cache: %q", left)
			}
		})
	}
}

func TestBuildWhereTreeIsReadOnly(t *testing.T) {
	cleanEnvironment(t)
	root, user := fakeTree(t, fakeEtcd), t.TempDir()
	write(t, filepath.Join(root, ".cache"), "a file in the folder's place stops root as well")
	keepGoCache(t)
	t.Setenv("XDG_CACHE_HOME", user)
	t.Setenv("HOME", user) // what other systems go by
	p, err := Find(t.Context(), "etcd", Options{Source: Pinned, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Path, user) {
		t.Errorf("built into %s, want it under %s", p.Path, user)
	}

	_, err = Find(t.Context(), "etcd", Options{Source: Pinned, Root: root, CacheDir: filepath.Join(root, ".cache")})
	wantError(t, err, "no folder to build into", ".cache")
}

// keepGoCache holds the go command's own folders where they are while a test
// moves the home directory.
func keepGoCache(t *testing.T) {
	t.Helper()
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := build{}.command(t.Context(), ".", "env", name)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, value)
	}
}

func TestBuildCanceled(t *testing.T) {
	cleanEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Find(ctx, "etcd", Options{Source: Pinned, Root: fakeTree(t, fakeEtcd)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that is context.Canceled", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "a.lock")
	first, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gave up"))
	wantError(t, second.acquire(ctx), path, "gave up")

	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), deadline)
	defer stop()
	if err := second.acquire(ctx); err != nil {
		t.Errorf("a lock given back: %v", err)
	}
}

func TestStoredBrotli(t *testing.T) {
	got, err := storedBrotli([]byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x40\x00\x10hello\x03"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, size := range []int{0, 1<<16 + 1} {
		if _, err := storedBrotli(make([]byte, size)); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
}
