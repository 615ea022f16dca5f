package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one file of an archive or a package.
type file struct {
	name string // where it goes, with slashes
	path string // what it is made from; empty: data
	data []byte
	mode fs.FileMode // its own on this machine does not count
}

func (f file) read() ([]byte, error) {
	if f.path == "" {
		return f.data, nil
	}
	return os.ReadFile(f.path)
}

// contents is what belongs into a target's archive, sorted: the programs, and what is
// needed to run and to understand them.
func (r release) contents(t target, programs []string, pages []file) ([]file, error) {
	var all []file
	for _, path := range programs {
		all = append(all, file{name: filepath.Base(path), path: path, mode: 0o755})
	}
	add := func(name, from string) {
		all = append(all, file{name: name, path: filepath.Join(r.source, filepath.FromSlash(from)), mode: mode(from)})
	}
	add("LICENSE", "LICENSE")
	add("CHANGELOG.md", "CHANGELOG.md")
	if len(t.programs) == 1 {
		add("exporter.yml", "docs/examples/exporter.yml")
		return sorted(all), nil
	}
	all = append(all, pages...)
	for _, name := range []string{"README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md"} {
		add(name, name)
	}
	for dir, keep := range map[string]func(string) bool{
		"docs": func(name string) bool { return !strings.HasSuffix(name, ".go") },
		"deploy": func(name string) bool {
			return !strings.HasSuffix(name, ".go") && !strings.HasPrefix(name, "deploy/packages/")
		},
		"rules":      func(name string) bool { return strings.HasSuffix(name, ".rules.yml") },
		"dashboards": func(name string) bool { return strings.HasSuffix(name, ".json") && strings.Count(name, "/") == 1 },
	} {
		names, err := r.walk(dir, keep)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			add(name, name)
		}
	}
	return sorted(all), nil
}

// walk lists the files below a folder of the source tree, by their paths from its top.
func (r release) walk(dir string, keep func(string) bool) (names []string, err error) {
	tree := os.DirFS(r.source)
	err = fs.WalkDir(tree, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.Type().IsRegular() && keep(name):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// mode is a file's by its name: what the checkout made of it depends on a umask.
func mode(name string) fs.FileMode {
	if strings.HasSuffix(name, ".sh") {
		return 0o755
	}
	return 0o644
}

func sorted(files []file) []file {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files
}
