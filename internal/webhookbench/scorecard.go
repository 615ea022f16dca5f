package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// stormRow is the storm's row of docs/scorecard.md.
const stormRow = 10

// score records what the storm measured for the scorecard, where
// scorecard.Variable names a directory. A short run measures too little for it.
func (b *bench) score(ctx context.Context) error {
	dir := os.Getenv(scorecard.Variable)
	said := b.table.storm()
	if dir == "" || b.short || said == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD")
	cmd.Dir = b.root
	revision, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("scorecard: which commit is it: %w", err)
	}
	return writeScore(dir, scorecard.Figure{
		Row: stormRow, Package: "internal/webhookbench", Test: "storm", Figure: said, Revision: strings.TrimSpace(string(revision)),
	})
}

func writeScore(dir string, f scorecard.Figure) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%02d.%s.%s.json", f.Row, strings.ReplaceAll(f.Package, "/", "-"), f.Test)
	return os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o644) //nolint:gosec // everybody may read it
}

// storm is the storm's figures that have a limit, in one line; empty if it was not
// measured.
func (t *table) storm() string {
	var all []string
	for _, r := range t.rows {
		if r.section == "storm" && r.limit != nil {
			all = append(all, r.name+" "+r.said())
		}
	}
	return strings.Join(all, "; ")
}
