package strictyaml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a file; Line and Column count from 1, 0 is "not known".
type Position struct {
	File         string
	Line, Column int
}

// String is FILE:LINE:COL, or FILE alone where the line is not known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Error is one thing wrong in a file.
type Error struct {
	Position
	What string // what is wrong and what to do, one line
}

// Error is "FILE:LINE:COL: what".
func (e Error) Error() string { return e.Position.String() + ": " + e.What }

// Errors is everything wrong in a file, in the file's order.
type Errors []Error

// shown bounds the message: a file of nonsense needs no thousand lines of answer.
const shown = 50

// Error lists them, one per line.
func (es Errors) Error() string {
	var b strings.Builder
	for i, e := range es {
		if i == shown {
			fmt.Fprintf(&b, "\n… and %d more", len(es)-shown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// Path leads to a value in a document: a string is a key, an int an index.
type Path []any

// Join is p with more steps; p itself is left alone.
func (p Path) Join(steps ...any) Path { return append(slices.Clip(p), steps...) }

// String is as people write it: clusters[0].members[1].unit.
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(s) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, s)
		}
	}
	return b.String()
}

// in is the path as the end of a sentence.
func (p Path) in() string {
	if len(p) == 0 {
		return "at the top level"
	}
	return "in " + p.String()
}

// within tells whether p is outer or beneath it.
func (p Path) within(outer Path) bool {
	return len(p) >= len(outer) && slices.Equal(p[:len(outer)], outer)
}
