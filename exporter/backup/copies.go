package backup

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/fettle-io/fettle/exporter/value"
)

const (
	// maxEntries is how many entries a directory, and all that a copy holds, may have.
	maxEntries = 20_000
	maxDepth   = 20
)

// piece is one copy.
type piece struct {
	written time.Time
	size    int64
}

// list tells of the copies in the directory.
func (s Source) list(now time.Time) (State, error) {
	dir, err := os.OpenRoot(s.Dir)
	if err != nil {
		return State{}, err
	}
	defer dir.Close() //nolint:errcheck // only read
	left := maxEntries
	names, err := namesOf(dir, ".", &left)
	if err != nil {
		return State{}, err
	}
	state := State{Listed: true}
	var pieces []piece
	for _, name := range names {
		if matched, err := path.Match(s.Files, name); err != nil || !matched {
			continue // the pattern was checked
		}
		p, there, err := measure(dir, name, 0, &left)
		switch {
		case err != nil:
			return State{}, err
		case !there:
		case p.size < max(s.MinSize, 1):
			state.Empty++
		case now.Sub(p.written) >= s.Settle: // neither being written nor of the future
			pieces = append(pieces, p)
		}
	}
	return state.of(pieces), nil
}

// of fills in what the copies say.
func (s State) of(pieces []piece) State {
	slices.SortFunc(pieces, func(a, b piece) int {
		return cmp.Or(b.written.Compare(a.written), cmp.Compare(b.size, a.size))
	})
	s.Copies = len(pieces)
	if len(pieces) > 0 {
		s.Newest, s.Oldest, s.Size = pieces[0].written, pieces[len(pieces)-1].written, &pieces[0].size
	}
	if len(pieces) > 1 {
		s.Previous = &pieces[1].size
	}
	return s
}

// namesOf lists a directory below dir, and counts its entries against those that are left.
func namesOf(dir *os.Root, name string, left *int) ([]string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	names, err := f.Readdirnames(*left + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if *left -= len(names); *left < 0 {
		return nil, value.Refuse(value.TooLarge, "%s has more than %d entries: name a directory that holds the backups alone", dir.Name(), maxEntries)
	}
	return names, nil
}

// measure is a copy's size, and its newest change: a file's, or that of all files below a
// directory. It is not there where it was deleted meanwhile, and where it is neither.
func measure(dir *os.Root, name string, depth int, left *int) (p piece, there bool, err error) {
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return piece{}, false, nil
	case err != nil:
		return piece{}, false, err
	case info.Mode().IsRegular():
		return piece{info.ModTime(), info.Size()}, true, nil
	case !info.IsDir():
		return piece{}, false, nil
	case depth == maxDepth:
		return piece{}, false, value.Refuse(value.TooLarge, "%s lies deeper than %d directories", name, maxDepth)
	}
	names, err := namesOf(dir, name, left)
	if err != nil {
		return piece{}, false, err
	}
	for _, n := range names {
		inner, there, err := measure(dir, path.Join(name, n), depth+1, left)
		if err != nil {
			return piece{}, false, err
		}
		if there {
			p.size += inner.size
			if inner.written.After(p.written) {
				p.written = inner.written
			}
		}
	}
	return p, true, nil
}
