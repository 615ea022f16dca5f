// Package dashboards holds the Grafana dashboards, as JSON that Grafana 10 and
// newer import: an overview of the clusters and machines, and the repairs.
package dashboards

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed *.json
var files embed.FS

// FS returns the dashboards, in one folder.
func FS() fs.FS { return files }

// List returns the names of the dashboards in FS, sorted.
func List() ([]string, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, fmt.Errorf("list the embedded dashboards: %w", err)
	}
	return names, nil
}
