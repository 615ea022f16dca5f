// Command generate writes Grafana's dashboards, the JSON files in the folder above it,
// and generated.txt, which says what they were made of: a digest of these sources, and
// the thresholds of the rules that are drawn in panels.
//
// It is a module of its own, so that fettle does not depend on Grafana's SDK. Each
// dashboard is a file here; panel.go has what a panel can be, board.go what all
// dashboards have in common.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail if a file would be another one")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run is to be called in the folder of these sources.
func run(check bool) error {
	files, err := generate()
	if err != nil {
		return err
	}
	var differ []string
	for name, content := range files {
		if check {
			if is, err := os.ReadFile(name); err != nil || string(is) != string(content) { //nolint:gosec // names of ours
				differ = append(differ, name)
			}
			continue
		}
		if err := os.WriteFile(name, content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		return fmt.Errorf("%s: not what the generator makes; run `make dashboards`", strings.Join(differ, ", "))
	}
	return nil
}

// generate makes every file, by its name.
func generate() (map[string][]byte, error) {
	l, err := readLimits()
	if err != nil {
		return nil, err
	}
	alerts, err := readAlerts()
	if err != nil {
		return nil, err
	}
	var made strings.Builder
	digest, err := digestOfSources()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&made, "# Written by `make dashboards`: what the dashboards were made of.\nsources %s\n", digest)
	files := map[string][]byte{}
	boards := []board{overview(), raft(), replication(), balancers(), node(), probes(), repairs(), itself()}
	for _, b := range boards {
		content, err := b.json(origin{l, alerts}, boards)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.file, err)
		}
		if err := conforms(content); err != nil {
			return nil, fmt.Errorf("%s: %w", b.file, err)
		}
		files[filepath.Join("..", b.file)] = content
		for _, p := range b.panels() {
			for _, s := range p.levels {
				if s.limit != "" {
					fmt.Fprintf(&made, "threshold %s %s %s: %s\n", s.limit, number(l[s.limit]), b.file, p.title)
				}
			}
		}
	}
	files["generated.txt"] = []byte(made.String())
	return files, nil
}

// digestOfSources covers every source of this module, by name and content.
func digestOfSources() (string, error) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		return "", err
	}
	names = append(names, "go.mod", "go.sum")
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name) //nolint:gosec // names of ours
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(content), content)
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}
