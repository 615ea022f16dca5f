package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is read: 1 MiB.
const MaxSize = 1 << 20

// Document is one parsed file, and what was found wrong with it so far.
type Document struct {
	file string
	root *yaml.Node // nil: empty
	top  reflect.Type
	errs Errors
	bad  []Path // where an error was found
}

// ReadFile parses a file. The error is about reading it; what is wrong in it is
// told by [Document.Err]. At most MaxSize+1 bytes are read.
func ReadFile(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return Parse(path, data), nil
}

// Parse reads data; file is for messages only.
func Parse(file string, data []byte) *Document {
	d := &Document{file: file}
	if len(data) > MaxSize {
		d.add(nil, Position{File: file}, "larger than %d bytes, which is the most that is read", MaxSize)
		return d
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := dec.Decode(&first); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(data, err)
		}
		return d
	}
	if err := dec.Decode(&second); err == nil {
		d.add(nil, d.at(&second), "a second document begins here: one file holds one")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(data, err)
	}
	if len(first.Content) == 1 && first.Content[0].ShortTag() != "!!null" {
		d.root = first.Content[0]
		d.form(nil, d.root)
	}
	return d
}

// Errorf reports something wrong with the value at path; where there is none, it
// points at what would hold it. It is dropped where an error was already found at
// or beneath path, or above it: one mistake is told once.
func (d *Document) Errorf(path Path, format string, args ...any) {
	if d.Bad(path) {
		return
	}
	d.add(path, d.Position(path), format, args...)
}

// KeyErrorf is Errorf about the key at the end of path, and points at it.
func (d *Document) KeyErrorf(path Path, format string, args ...any) {
	if d.Bad(path) || len(path) == 0 {
		return
	}
	pos := d.Position(path)
	if name, ok := path[len(path)-1].(string); ok {
		if n, found := d.find(path[:len(path)-1]); found {
			if k, _ := child(n, name); k != nil {
				pos = d.at(k)
			}
		}
	}
	d.add(path, pos, format, args...)
}

// Bad tells whether an error was found at path, beneath it or above it.
func (d *Document) Bad(path Path) bool {
	return slices.ContainsFunc(d.bad, func(p Path) bool { return p.within(path) || path.within(p) })
}

// Has tells whether the file says something at path.
func (d *Document) Has(path Path) bool {
	_, found := d.find(path)
	return found && d.root != nil
}

// Position is where the value at path stands, or else what would hold it.
func (d *Document) Position(path Path) Position {
	n, _ := d.find(path)
	if n == nil {
		return Position{File: d.file}
	}
	return d.at(n)
}

// Err is everything found wrong so far, of type [Errors], in the file's order; or nil.
func (d *Document) Err() error {
	if len(d.errs) == 0 {
		return nil
	}
	es := slices.Clone(d.errs)
	slices.SortStableFunc(es, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return es
}

func (d *Document) add(path Path, pos Position, format string, args ...any) {
	d.errs = append(d.errs, Error{pos, plain(fmt.Sprintf(format, args...))})
	d.bad = append(d.bad, path)
}

func (d *Document) at(n *yaml.Node) Position { return Position{d.file, n.Line, n.Column} }

// find walks as far along path as the file goes.
func (d *Document) find(path Path) (n *yaml.Node, whole bool) {
	n = d.root
	for _, step := range path {
		if n == nil {
			return nil, false
		}
		var next *yaml.Node
		switch s := step.(type) {
		case int:
			if n.Kind == yaml.SequenceNode && s < len(n.Content) {
				next = n.Content[s]
			}
		case string:
			_, next = child(n, s)
		}
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

func child(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// form refuses what YAML allows and a configuration does not need.
func (d *Document) form(path Path, n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.add(path, d.at(n), "anchors and aliases are not taken here: write the value out")
		return
	case n.Style&yaml.TaggedStyle != 0:
		d.add(path, d.at(n), "tags are not taken here: leave out %s", Clip(n.Tag))
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, c := range n.Content {
			d.form(path.Join(i), c)
		}
	case yaml.MappingNode:
		lines := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Style&yaml.TaggedStyle != 0 {
				d.add(path, d.at(k), "a key is plain text: write it without brackets, anchors or tags")
				continue
			}
			at := path.Join(k.Value)
			if line, twice := lines[k.Value]; twice {
				d.add(at, d.at(k), "key %s is there twice %s, first on line %d: keep one", Clip(k.Value), path.in(), line)
				continue
			}
			lines[k.Value] = k.Line
			d.form(at, v)
		}
	}
}

var (
	syntaxLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(?s:(.*))$`)
	grammar    = regexp.MustCompile(`^did not find expected (key|node content|<|'-'|',')`)
)

// syntax reports what the parser could not read. A tab that indents is what it
// cannot name itself.
func (d *Document) syntax(data []byte, err error) {
	m := syntaxLine.FindStringSubmatch(err.Error())
	pos := Position{File: d.file}
	if m[1] == "" && strings.Contains(m[2], "mapping values") {
		pos.Line, pos.Column = 1, 1 // the parser leaves the first line out
	}
	if line, e := strconv.Atoi(m[1]); e == nil {
		if grammar.MatchString(m[2]) {
			line++ // counted from 0 by the parser, from 1 by its scanner
		}
		pos.Line, pos.Column = line, 1
	}
	for i, line := range strings.Split(string(data), "\n") {
		if !strings.Contains(m[2], "tab") && !strings.Contains(m[2], "cannot start any token") {
			break
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && len(indent) < len(line) {
			pos.Line, pos.Column = i+1, tab+1
			d.add(nil, pos, "a tab cannot indent YAML: use spaces")
			return
		}
	}
	d.add(nil, pos, "not YAML: %s%s", strings.ReplaceAll(m[2], "\n", " "), remedy(m[2]))
}

// remedy is what to do about what the parser could not read: it names what it wanted
// next, which is rarely what is wrong.
func remedy(problem string) string {
	for _, r := range []struct{ problem, remedy string }{
		{"mapping values are not allowed", "indent the line as its neighbours, or quote a value that has a colon in it"},
		{"did not find expected key", "indent the line as its neighbours"},
		{"did not find expected '-' indicator", "indent the line as its neighbours"},
		{"could not find expected ':'", "a key ends with a colon and a space"},
		{"did not find expected ',' or", "a bracket is not closed, or a comma is missing"},
		{"unexpected end of stream", "a quote or a bracket is not closed"},
		{"cannot start any token", "quote the value"},
		{"did not find expected alphabetic or numeric character", "quote a value that begins with * or &"},
	} {
		if strings.Contains(problem, r.problem) {
			return ": " + r.remedy
		}
	}
	return ""
}
