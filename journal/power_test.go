package journal_test

import (
	"bytes"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/durable"
)

// power knows what is certain on a disk while a program writes to it, and what
// a power cut may take: it is told each step before it is done.
//
// What is certain of a file is what it was at its last sync. Of what was
// written since, any bytes may be missing, at the end or as zeros. What is
// certain of a directory are its names at its last sync. Of the names that were
// made, changed or removed since, any may be as they were.
type power struct {
	t     testing.TB
	root  string
	names map[string]*content  // what the program sees
	sure  map[string]*content  // what is certain
	since map[string][]renamed // by directory
}

// content is what is in a file.
type content struct {
	sure    []byte
	written []byte // what the program sees
}

// renamed is a step that changed a name.
type renamed struct {
	name string
	to   *content // nil: removed
}

// watch begins with everything under root certain.
func watch(t testing.TB, root string) *power {
	p := &power{t: t, root: root, names: map[string]*content{}, sure: map[string]*content{}, since: map[string][]renamed{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		c := &content{sure: b, written: bytes.Clone(b)}
		p.names[path], p.sure[path] = c, c
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *power) name(path string, c *content) {
	dir := filepath.Dir(path)
	p.since[dir] = append(p.since[dir], renamed{path, c})
	if c == nil {
		delete(p.names, path)
	} else {
		p.names[path] = c
	}
}

// done takes a step as done.
func (p *power) done(s durable.Step) {
	f := p.names[s.Path]
	switch s.Op {
	case durable.Create:
		p.name(s.Path, new(content))
	case durable.Write:
		f.written = append(f.written[:s.Offset:s.Offset], s.Data...)
	case durable.Sync:
		f.sure = bytes.Clone(f.written)
	case durable.Cut:
		f.written = bytes.Clone(f.written[:s.Offset])
	case durable.Rename:
		p.name(s.To, f)
		p.name(s.Path, nil)
	case durable.Remove:
		p.name(s.Path, nil)
	case durable.SyncDirectory:
		for _, r := range p.since[s.Path] {
			if r.to == nil {
				delete(p.sure, r.name)
			} else {
				p.sure[r.name] = r.to
			}
		}
		delete(p.since, s.Path)
	case durable.Reserve:
	default:
		p.t.Errorf("a step that the test does not know: %s", s.Op)
	}
}

// cut makes a copy of the disk as a power cut may leave it. With seen, it is as
// the program sees it, which is what a killed one leaves.
func (p *power) cut(r *rand.Rand, seen bool) string {
	p.t.Helper()
	to := p.t.TempDir()
	names := p.names
	if !seen {
		names = p.left(r)
	}
	for path, c := range names {
		rel, err := filepath.Rel(p.root, path)
		if err != nil {
			p.t.Fatal(err)
		}
		into := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(into), 0o700); err != nil {
			p.t.Fatal(err)
		}
		b := c.written
		if !seen {
			b = c.left(r)
		}
		if err := os.WriteFile(into, b, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return to
}

// left are names as a power cut may leave them: of each directory, some of the
// steps since its last sync. A rename is one step: both of its names, or none.
func (p *power) left(r *rand.Rand) map[string]*content {
	names := maps.Clone(p.sure)
	for _, dir := range slices.Sorted(maps.Keys(p.since)) {
		steps := p.since[dir]
		all := r.IntN(3) // mostly a beginning of them, as a file system's journal has it
		upTo := r.IntN(len(steps) + 1)
		for i, s := range steps {
			renamed := s.to == nil && i > 0 && steps[i-1].to != nil && strings.TrimSuffix(s.name, ".tmp") == steps[i-1].name
			if renamed {
				continue // with its other half
			}
			if all > 0 && i >= upTo || all == 0 && r.IntN(2) == 0 {
				continue
			}
			if s.to == nil {
				delete(names, s.name)
			} else {
				names[s.name] = s.to
				delete(names, s.name+".tmp")
			}
		}
	}
	return names
}

// left is a file as a power cut may leave it.
func (c *content) left(r *rand.Rand) []byte {
	if bytes.Equal(c.sure, c.written) {
		return c.written
	}
	if len(c.written) < len(c.sure) { // it was cut
		if r.IntN(2) == 0 {
			return c.sure
		}
		return c.written
	}
	from := len(c.sure)
	b := bytes.Clone(c.written[:from+r.IntN(len(c.written)-from+1)])
	fresh := b[from:]
	for range r.IntN(3) {
		at := r.IntN(len(fresh) + 1)
		clear(fresh[at:min(len(fresh), at+1+r.IntN(600))])
	}
	return b
}
