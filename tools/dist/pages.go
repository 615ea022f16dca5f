package main

import (
	"context"
)

// commandPages are the man pages and the shells' completions, as the programs
// themselves print them.
func (r release) commandPages(ctx context.Context) ([]file, error) {
	pages := []struct {
		name, program string
		args          []string
	}{
		{"man/fettle.1", "fettle", []string{"man"}},
		{"man/fettle_exporter.8", "fettle_exporter", []string{"--man"}},
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		pages = append(pages, []struct {
			name, program string
			args          []string
		}{
			{"completions/fettle." + shell, "fettle", []string{"completion", shell}},
			{"completions/fettle_exporter." + shell, "fettle_exporter", []string{"--completion=" + shell}},
		}...)
	}
	var files []file
	for _, p := range pages {
		args := append([]string{"run", "-trimpath", "-buildvcs=false", "-ldflags", r.ldflags(), "./cmd/" + p.program}, p.args...)
		text, err := r.goCommand(ctx, []string{"CGO_ENABLED=0", "NO_COLOR=1"}, args...)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: p.name, data: text, mode: 0o644})
	}
	return files, nil
}
