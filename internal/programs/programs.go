// Package programs finds the real servers that the demo and the tests run:
// etcd, Prometheus with promtool, and Alertmanager. One that is installed in a
// supported version is used as it is; otherwise it is built, once, from the
// modules pinned under tools/ in fettle's source tree.
//
// Start with [Find].
package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Where a [Program] came from.
const (
	FromEnvironment = "environment"
	FromPath        = "PATH"
	FromBuild       = "built"
)

// Program is a program that can be started.
type Program struct {
	Name    string // one of Names
	Path    string // absolute
	Version string // as --version prints it ("2.42.0+ds"), or "unknown"
	Origin  string // FromEnvironment, FromPath or FromBuild
}

// Source says which programs [Find] may answer with.
type Source string

// A program named by its own variable (FETTLE_ETCD and so on) comes before
// all of them.
const (
	Any    Source = ""       // PATH first, then a build
	Path   Source = "path"   // PATH only: nothing is built
	Pinned Source = "pinned" // the pinned version, whatever PATH holds
)

// SourceVariable names the environment variable that sets [Options].Source
// where the caller leaves it at Any: path or pinned.
const SourceVariable = "FETTLE_PROGRAMS"

// Options steer [Find]. The zero value is right for a person at a terminal.
type Options struct {
	Source Source

	// Root is fettle's source tree, the folder that holds tools/. When empty,
	// it is looked for above the running program, then above the working
	// directory.
	Root string

	// CacheDir keeps what was built. When empty, it is .cache/bin in Root or,
	// where that cannot be written, the user's cache directory.
	CacheDir string

	// Progress, when set, is called with a line of text when a build starts,
	// every second while it lasts, and when it ends; always from the
	// goroutine that called Find.
	Progress func(string)
}

// Names returns the names that [Find] knows.
func Names() []string {
	var names []string
	for _, s := range specs() {
		names = append(names, s.name)
	}
	return names
}

// Find returns the program of that name: the one that its environment variable
// (FETTLE_ETCD, FETTLE_PROMETHEUS, FETTLE_PROMTOOL, FETTLE_ALERTMANAGER) names,
// else the one on PATH if its version is supported, else one built from
// tools/, which takes a minute or two the first time and needs the Go module
// proxy. Every program that it returns was run once with --version.
//
// An error says where was looked, and what to install or to set.
func Find(ctx context.Context, name string, o Options) (Program, error) {
	s, ok := specOf(name)
	if !ok {
		return Program{}, fmt.Errorf("unknown program %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	source, err := o.source()
	if err != nil {
		return Program{}, err
	}
	if path := os.Getenv(s.variable); path != "" {
		return named(ctx, s, path)
	}
	if s.pinnedOnly {
		source = Pinned
	}
	onPath := "not asked, because only the pinned version was wanted"
	if source != Pinned {
		p, err := installed(ctx, s)
		if err == nil {
			return p, nil
		}
		if ctx.Err() != nil {
			return Program{}, err
		}
		onPath = err.Error()
	}
	cause := errors.New("not wanted")
	if source != Path {
		p, err := pinned(ctx, s, o)
		if err == nil {
			return p, nil
		}
		if ctx.Err() != nil {
			return Program{}, err
		}
		cause = err
	}
	return Program{}, fmt.Errorf("%s not found: PATH: %s; a build from tools/%s: %w; install %s %s or newer (Debian: apt-get install %s), or set %s to its path",
		name, onPath, s.dir, cause, name, s.oldest, s.debian, s.variable)
}

func (o Options) source() (Source, error) {
	if o.Source != Any {
		return o.Source, nil
	}
	switch s := Source(os.Getenv(SourceVariable)); s {
	case Any, Path, Pinned:
		return s, nil
	default:
		return Any, fmt.Errorf("%s=%q: want %s or %s, or leave it unset", SourceVariable, s, Path, Pinned)
	}
}

// named returns the program that its variable names. A person chose it, so a
// build that prints no version is taken too.
func named(ctx context.Context, s spec, path string) (Program, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Program{}, fmt.Errorf("%s=%s: %w", s.variable, path, err)
	}
	version, err := runVersion(ctx, s, abs)
	switch {
	case errors.Is(err, errNoVersion):
		version = "unknown"
	case err != nil:
		return Program{}, fmt.Errorf("%s=%s cannot be used: %w; set it to an executable %s, or unset it", s.variable, path, err, s.name)
	case !s.supports(version):
		return Program{}, fmt.Errorf("%s=%s is %s %s; the oldest supported version is %s", s.variable, path, s.name, version, s.oldest)
	}
	return Program{Name: s.name, Path: abs, Version: version, Origin: FromEnvironment}, nil
}

// installed returns the program on PATH, under its own name or Debian's.
func installed(ctx context.Context, s spec) (Program, error) {
	var reasons []string
	for _, command := range s.commands {
		path, err := exec.LookPath(command)
		if errors.Is(err, exec.ErrNotFound) {
			reasons = append(reasons, "no "+command)
			continue
		}
		if err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			return Program{}, err
		}
		version, err := runVersion(ctx, s, path)
		if err != nil {
			reasons = append(reasons, fmt.Sprintf("%s: %v", path, err))
			continue
		}
		if !s.supports(version) {
			reasons = append(reasons, fmt.Sprintf("%s is version %s, older than %s", path, version, s.oldest))
			continue
		}
		return Program{Name: s.name, Path: path, Version: version, Origin: FromPath}, nil
	}
	return Program{}, errors.New(strings.Join(reasons, ", "))
}
