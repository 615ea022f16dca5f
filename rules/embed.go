// Package rules holds fettle's alert rules for Prometheus, as the files that
// Prometheus reads: the *.rules.yml beside this file. Each alert carries the
// labels severity and tier and the annotations summary, description,
// runbook_url and playbook; docs/alerts has a page for each, and tests/ the
// promtool tests.
//
// The embedded copies are for programs that hand the rules on, such as
// "fettle demo" and "fettle check".
package rules

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed *.rules.yml
var files embed.FS

// sources are the same files with the names of thresholds in place of numbers.
//
//go:embed source/*.rules.yml
var sources embed.FS

// FS returns the rule files, in one folder.
func FS() fs.FS { return files }

// List returns the names of the rule files in FS, sorted.
func List() ([]string, error) {
	names, err := fs.Glob(files, "*.rules.yml")
	if err != nil {
		return nil, fmt.Errorf("list the embedded rule files: %w", err)
	}
	return names, nil
}
