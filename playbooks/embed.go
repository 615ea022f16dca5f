// Package playbooks has the playbooks that come with fettle, one YAML file each.
// It is data only: what a step does is an action, in repair/action. A file of the
// same name in the configured directory takes a playbook's place.
package playbooks

import (
	"embed"
	"io/fs"
)

//go:embed *.yml
var files embed.FS

// Files has the playbooks, NAME.yml each, at its top level.
func Files() fs.FS { return files }

// All are the bytes of every playbook by its file's name.
func All() (map[string][]byte, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(entries))
	for _, e := range entries {
		if all[e.Name()], err = files.ReadFile(e.Name()); err != nil {
			return nil, err
		}
	}
	return all, nil
}
