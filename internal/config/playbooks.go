package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
)

const extension = ".yml"

// LoadPlaybooks reads the playbooks that are used, sorted by name: the embedded
// ones, and over them those of the configured directory. Playbooks say what is
// run, so the directory and each file must belong to root or to this process's
// user, and nobody else may write to them. All that is wrong is told at once.
func (c Config) LoadPlaybooks(embedded fs.FS, actions map[string]repair.ActionSpec) ([]*repair.Playbook, error) {
	sources, err := c.sources(embedded)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(sources))
	wrong := c.unknownPlaybooks(names)
	var all []*repair.Playbook
	for _, name := range names {
		if slices.Contains(c.Playbooks.Disable, name) || len(c.Playbooks.Only) > 0 && !slices.Contains(c.Playbooks.Only, name) {
			continue
		}
		src := sources[name]
		data, err := src.read()
		if err != nil {
			return nil, err
		}
		p, err := repair.LoadPlaybook(src.path, data, actions, parseVerify)
		var es strictyaml.Errors
		switch {
		case errors.As(err, &es):
			wrong = append(wrong, es...)
		case err != nil:
			return nil, err
		default:
			all = append(all, p)
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return all, nil
}

// parseVerify reads a playbook's `verify`.
func parseVerify(text string) (repair.Expression, error) {
	x, err := promql.ParseExpression(text)
	if err != nil && strings.Contains(err.Error(), "'$'") {
		err = fmt.Errorf("%w: a label stands in quotes, as in instance=\"$member\"", err)
	}
	return repair.Expression{Labels: x.Labels(), Fill: x.Fill}, err
}

// source is a playbook's file, not read yet.
type source struct {
	path string // for messages
	read func() ([]byte, error)
}

// sources finds the playbooks by name.
func (c Config) sources(embedded fs.FS) (map[string]source, error) {
	found := map[string]source{}
	entries, err := fs.ReadDir(embedded, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded playbooks: %w", err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok {
			found[name] = source{"embedded/" + e.Name(), func() ([]byte, error) { return fs.ReadFile(embedded, e.Name()) }}
		}
	}
	dir := c.Playbooks.Dir
	if dir == "" {
		return found, nil
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && dir == DefaultPlaybookDir {
		return found, nil
	}
	if err != nil {
		return nil, fmt.Errorf("playbooks.dir: %w", err)
	}
	if err := trusted(dir, info); err != nil {
		return nil, err
	}
	entries, err = os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("playbooks.dir: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		name, ok := strings.CutSuffix(e.Name(), extension)
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case strings.HasSuffix(e.Name(), ".yaml"):
			return nil, fmt.Errorf("%s would be passed over: playbooks end in %s, rename it", path, extension)
		case !ok:
		case !playbookName.MatchString(name):
			return nil, fmt.Errorf("%s: a playbook's file is named in lower-case letters, digits and dashes: rename it", path)
		default:
			found[name] = source{path, func() ([]byte, error) { return readTrusted(dir, e.Name()) }}
		}
	}
	return found, nil
}

// readTrusted reads a playbook's file if it can be trusted. What was checked is
// what is read, and a link out of the directory is refused.
func readTrusted(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("playbooks.dir: %w", err)
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("playbook in %s: %w", dir, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if err := trusted(path, info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
}

// trusted refuses a file or directory that somebody else could have written.
func trusted(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is writable by others (mode %04o), and a playbook says what is run: chmod go-w %s", path, info.Mode().Perm(), path)
	}
	if uid, ok := owner(info); ok && uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, and a playbook says what is run: it must belong to root or to the user that fettle runs as (chown root %s)", path, uid, path)
	}
	return nil
}

// unknownPlaybooks finds names in the configuration that no playbook has.
func (c Config) unknownPlaybooks(names []string) (wrong strictyaml.Errors) {
	ask := func(path strictyaml.Path, name string) {
		if !slices.Contains(names, name) {
			wrong = append(wrong, strictyaml.Error{
				Position: c.at(path),
				What:     fmt.Sprintf("there is no playbook %s; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, names)),
			})
		}
	}
	for i, name := range c.Playbooks.Only {
		ask(strictyaml.Path{"playbooks", "only", i}, name)
	}
	for i, name := range c.Playbooks.Disable {
		ask(strictyaml.Path{"playbooks", "disable", i}, name)
	}
	for _, cluster := range slices.Sorted(maps.Keys(c.Autonomy.Playbooks)) {
		for _, name := range slices.Sorted(maps.Keys(c.Autonomy.Playbooks[cluster])) {
			ask(strictyaml.Path{"autonomy", "playbooks", cluster, name}, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Overrides.Playbooks)) {
		ask(strictyaml.Path{"overrides", "playbooks", name}, name)
	}
	for i, w := range c.Guards.Window {
		for j, name := range w.Playbooks {
			ask(strictyaml.Path{"guards", "window", i, "playbooks", j}, name)
		}
	}
	return wrong
}
