package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fettle-io/fettle/internal/durable"
)

// Owner is whom the files are given to; nil: to whoever writes them.
type Owner struct{ UID, GID int }

// Written is one file, and what became of it.
type Written struct {
	Path string `json:"path"`
	// Did is written, replaced, kept (a token that was there) or same.
	Did  string `json:"did"`
	Does string `json:"does"`
}

// ErrExists says that files are there, and none was touched.
var ErrExists = errors.New("already there")

// Write puts the files in place below dir. Where one is there already, with another
// content, nothing at all is written, unless force is set: then it is replaced, but a
// token is kept.
func Write(dir string, files []File, owner *Owner, force bool) ([]Written, error) {
	did := make([]string, len(files))
	var there []string
	for i, f := range files {
		path := filepath.Join(dir, f.Name)
		old, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			did[i] = "written"
		case err != nil:
			return nil, err
		case string(old) == string(f.Content):
			did[i] = "same"
		case f.Secret:
			did[i] = "kept"
		default:
			did[i] = "replaced"
		}
		if did[i] == "kept" || did[i] == "replaced" {
			there = append(there, path)
		}
	}
	if len(there) > 0 && !force {
		return nil, fmt.Errorf("%w, and nothing was written: %s. --force replaces them, but the tokens; --dir writes elsewhere", ErrExists, strings.Join(there, ", "))
	}
	var out []Written
	for i, f := range files {
		path := filepath.Join(dir, f.Name)
		if did[i] == "written" || did[i] == "replaced" {
			if err := put(path, f, owner); err != nil {
				return out, err
			}
		}
		out = append(out, Written{Path: path, Did: did[i], Does: f.Does})
	}
	return out, nil
}

func put(path string, f File, owner *Owner) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // secrets have modes of their own
		return err
	}
	mode := os.FileMode(0o644)
	if f.Secret {
		mode = 0o600
	}
	if err := durable.WriteFile(path, f.Content, mode); err != nil {
		return err
	}
	if owner == nil || !f.Secret {
		return nil
	}
	// Not through a link: whoever else may write there could have put one in its place.
	if err := os.Lchown(path, owner.UID, owner.GID); err != nil {
		return fmt.Errorf("give %s to fettle's user: %w", path, err)
	}
	return nil
}
