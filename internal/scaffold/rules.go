package scaffold

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/internal/durable"
	"github.com/fettle-io/fettle/rules"
)

// writtenRules is how each file begins that WriteRules has written: with the digest of what follows, so that a
// later one knows its own files from those that somebody has changed.
const writtenRules = "# Written by `fettle rules --to`, and by it replaced: change thresholds, not this file.\n# sha256:"

// largestRules is more than any rule file has.
const largestRules = 4 << 20

// WriteRules writes the rule files of rules.Render into a folder, each of them whole or not at all, and
// returns their paths. It replaces what it wrote itself and what came with fettle. If any file there
// is something else, it writes none and names them.
func WriteRules(dir string, files map[string][]byte) (paths []string, err error) {
	names := slices.Sorted(maps.Keys(files))
	var errs []error
	for _, name := range names {
		if _, problems := rulefmt.Parse(files[name], false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler)); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("with these thresholds %s is no rule file: %w", name, errors.Join(problems...)))
		}
		if err := replaceable(filepath.Join(dir, name), name); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := durable.WriteFile(path, marked(files[name]), 0o644); err != nil {
			return paths, fmt.Errorf("write the rules: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func marked(content []byte) []byte {
	digest := sha256.Sum256(content)
	return append([]byte(writtenRules+hex.EncodeToString(digest[:])+"\n"), content...)
}

// replaceable tells why the file at path is not to be replaced: nil if it is not there, was written
// by WriteRules and not changed since, or is the one of that name that came with fettle.
func replaceable(path, name string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write the rules: %w", err)
	case !info.Mode().IsRegular() || info.Size() > largestRules:
		return fmt.Errorf("%s is no rule file of fettle's: move it away, or write to another folder", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write the rules: %w", err)
	}
	if shipped, err := fs.ReadFile(rules.FS(), name); err == nil && bytes.Equal(content, shipped) {
		return nil
	}
	rest, found := bytes.CutPrefix(content, []byte(writtenRules))
	_, rest, ended := bytes.Cut(rest, []byte("\n"))
	switch {
	case !found || !ended:
		return fmt.Errorf("%s was not written by `fettle rules`: move it away, or write to another folder", path)
	case !bytes.Equal(content, marked(rest)):
		return fmt.Errorf("%s was changed since `fettle rules` wrote it: move it away, or write to another folder", path)
	}
	return nil
}
