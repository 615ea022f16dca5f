package programs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// build is one build of a pinned program.
type build struct {
	spec
	version   string
	root      string // fettle's source tree
	goVersion string
	progress  func(string)
}

// pinned returns the pinned program out of the cache, and builds it first if
// it is not there.
func pinned(ctx context.Context, s spec, o Options) (Program, error) {
	root, err := o.root()
	if err != nil {
		return Program{}, err
	}
	version, err := s.pinnedVersion(root)
	if err != nil {
		return Program{}, err
	}
	b := build{spec: s, version: version, root: root, progress: o.Progress}
	if b.progress == nil {
		b.progress = func(string) {}
	}
	if b.goVersion, err = b.command(ctx, b.source(), "env", "GOVERSION"); err != nil {
		return Program{}, err
	}
	key, err := b.key()
	if err != nil {
		return Program{}, err
	}
	path, err := b.cached(ctx, o.cacheDirs(root), key)
	if err != nil {
		return Program{}, err
	}
	return Program{Name: s.name, Path: path, Version: version, Origin: FromBuild}, nil
}

// cacheDirs returns the folders that may hold what was built, best first.
func (o Options) cacheDirs(root string) []string {
	if o.CacheDir != "" {
		return []string{o.CacheDir}
	}
	dirs := []string{filepath.Join(root, ".cache", "bin")}
	if user, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(user, "fettle", "bin"))
	}
	return dirs
}

// cached returns the path of the program in the first folder that has it, or
// else builds it into the first one that can be written.
func (b build) cached(ctx context.Context, dirs []string, key string) (string, error) {
	for _, dir := range dirs {
		if path := filepath.Join(dir, key); executable(path) {
			return filepath.Abs(path)
		}
	}
	var denied error
	for _, dir := range dirs {
		path, err := filepath.Abs(filepath.Join(dir, key))
		if err != nil {
			return "", err
		}
		lock, err := openLock(path + ".lock")
		if err != nil {
			denied = errors.Join(denied, err)
			continue
		}
		return path, b.locked(ctx, lock, path)
	}
	return "", fmt.Errorf("no folder to build into: %w", denied)
}

// locked builds the program unless another process has done so by the time
// that the lock is ours.
func (b build) locked(ctx context.Context, l *lock, path string) error {
	defer l.Close()
	err := b.watch("waiting for another process that builds it", func() error { return l.acquire(ctx) })
	if err != nil || executable(path) {
		return err
	}
	return b.into(ctx, path)
}

// into builds the program and puts it at path in one step, so that nobody ever
// sees a half-written one.
func (b build) into(ctx context.Context, path string) error {
	start := time.Now()
	b.say("building it from tools/%s, once (kept in %s)", b.dir, filepath.Dir(path))
	work := path + ".building" // ours alone while the lock is
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(work)

	made := filepath.Join(work, b.name)
	err := b.watch("building", func() (err error) {
		dir := b.source()
		if b.page != "" {
			if dir, err = b.unpack(ctx, filepath.Join(work, "source")); err != nil {
				return err
			}
		}
		_, err = b.command(ctx, dir, append(b.args(), "-o", made, b.pkg)...)
		return err
	})
	if err != nil {
		return err
	}
	if version, err := runVersion(ctx, b.spec, made); err != nil {
		return fmt.Errorf("the %s just built: %w", b.name, err)
	} else if version != b.version {
		return fmt.Errorf("the %s just built says version %s, but %s is pinned", b.name, version, b.version)
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	b.say("built in %d s", int(time.Since(start).Seconds()))
	return nil
}

// unpack copies the program's module, as Go downloaded and checked it, to dir,
// adds the page, and returns dir. The copy is built with the module's own
// go.mod and go.sum. (An overlay would be simpler, but Go refuses one for the
// module cache.)
func (b build) unpack(ctx context.Context, dir string) (string, error) {
	out, err := b.command(ctx, b.source(), "mod", "download", "-json", b.module)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return "", fmt.Errorf("reading what go mod download says: %w", err)
	}
	if err := os.CopyFS(dir, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	page, err := os.ReadFile(filepath.Join(b.source(), b.page))
	if err != nil {
		return "", err
	}
	return dir, writePage(filepath.Join(dir, b.pageIn), page)
}

// source is the program's folder under tools/.
func (b build) source() string { return filepath.Join(b.root, "tools", b.dir) }

func (b build) args() []string {
	ldflags := "-s -w"
	if b.stamp != "" {
		ldflags += " -X " + b.stamp + "=" + b.version
	}
	return []string{"build", "-trimpath", "-buildvcs=false", "-tags", b.tags, "-ldflags", ldflags}
}

// key names the built file. It differs whenever something differs that the
// program is made from, so a file of that name is always the right one.
func (b build) key() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %s/%s\n", b.goVersion, b.args(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum", b.page} {
		if name == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(b.source(), name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(data))
	}
	goVersion, _, _ := strings.Cut(b.goVersion, " ")
	return fmt.Sprintf("%s-%s-%s-%x", b.name, b.version, goVersion, h.Sum(nil)[:4]), nil
}

// command runs the go command in dir and returns what it printed.
func (b build) command(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are from the table of programs
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// Interrupted, go removes its temporary files; killed, it does not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return strings.TrimSpace(stdout.String()), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("go %s: %w", args[0], context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("the go command is not on PATH")
	}
	return "", fmt.Errorf("go %s in %s: %w: %s", args[0], dir, err, lastLines(stderr.String(), 10))
}

// watch runs f and reports every second how long it has taken.
func (b build) watch(doing string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	start, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			b.say("%s, %d s", doing, int(time.Since(start).Seconds()))
		}
	}
}

func (b build) say(format string, args ...any) {
	b.progress(fmt.Sprintf("%s %s: %s", b.name, b.version, fmt.Sprintf(format, args...)))
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
