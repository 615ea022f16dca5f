package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// target is a kind of machine.
type target struct {
	os, arch string
	programs []string // under cmd/
}

// String is as the go command names it.
func (t target) String() string { return t.os + "/" + t.arch }

// table is what is built for whom. The exporter runs everywhere. fettle itself is for
// Linux; on darwin it is the command line, which asks a server elsewhere and verifies
// copies of journals. It is not for windows, which has no flock, nor for freebsd, where
// the D-Bus library needs a C compiler.
func table() []target {
	both, exporter := []string{"fettle", "fettle_exporter"}, []string{"fettle_exporter"}
	return []target{
		{"linux", "amd64", both},
		{"linux", "arm64", both},
		{"darwin", "amd64", both},
		{"darwin", "arm64", both},
		{"freebsd", "amd64", exporter},
		{"windows", "amd64", exporter},
	}
}

// targets picks from the table by name, separated by commas; empty: all.
func targets(only string) ([]target, error) {
	all := table()
	if only == "" {
		return all, nil
	}
	var picked []target
	for name := range strings.SplitSeq(only, ",") {
		n := len(picked)
		for _, t := range all {
			if t.String() == name {
				picked = append(picked, t)
			}
		}
		if len(picked) == n {
			return nil, fmt.Errorf("-targets: nothing is released for %q, only for %v", name, all)
		}
	}
	return picked, nil
}

// name is what its files are called, without an ending.
func (r release) name(t target) string {
	return fmt.Sprintf("%s_%s_%s_%s", t.programs[0], r.version, t.os, t.arch)
}

// build builds the target's programs into dir and returns their paths.
func (r release) build(ctx context.Context, t target, dir string) ([]string, error) {
	var paths []string
	for _, name := range t.programs {
		path := filepath.Join(dir, name)
		if t.os == "windows" {
			path += ".exe"
		}
		_, err := r.goCommand(ctx, []string{"CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch, "GOAMD64=v1", "GOARM64=v8.0"},
			"build", "-trimpath", "-buildvcs=false", "-ldflags", r.ldflags(), "-o", path, "./cmd/"+name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (r release) ldflags() string {
	const stamp = "github.com/prometheus/common/version."
	return fmt.Sprintf("-s -w -X %sVersion=%s -X %sRevision=%s", stamp, r.version, stamp, r.revision)
}

// goCommand runs the go command over the source tree and returns what it printed.
func (r release) goCommand(ctx context.Context, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are our own
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.Bytes(), nil
}
