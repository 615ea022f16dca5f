package pages

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Look is how a terminal is written to.
type Look struct {
	// Width is where lines are broken, in characters; 0: nowhere.
	Width int
	// Bold writes headings and what is strong with escape sequences.
	Bold bool
}

// Terminal writes a page's Markdown as plain text.
func Terminal(w io.Writer, text string, look Look) error {
	t := &terminal{look: look}
	t.blocks(parse(text), "")
	_, err := w.Write(append(bytes.TrimRight(t.Bytes(), "\n"), '\n'))
	return err
}

type terminal struct {
	bytes.Buffer
	look Look
}

func (t *terminal) blocks(all []block, indent string) {
	for i, b := range all {
		if i > 0 {
			t.WriteByte('\n')
		}
		t.block(b, indent)
	}
}

func (t *terminal) block(b block, indent string) {
	switch b.form {
	case heading:
		t.wrap(t.bold(flat(b.text)), indent, indent)
	case paragraph:
		t.wrap(t.line(b.text), indent, indent)
	case code:
		for line := range strings.Lines(b.text + "\n") {
			t.WriteString(strings.TrimRight(indent+"    "+line, " \n") + "\n")
		}
	case quote:
		t.blocks(b.items[0], indent+"  ")
	case bullets, numbers:
		t.list(b, indent)
	case table:
		t.table(b.rows, indent)
	}
}

func (t *terminal) list(b block, indent string) {
	for i, item := range b.items {
		mark := "- "
		if b.form == numbers {
			mark = fmt.Sprintf("%d. ", i+1)
		}
		within := indent + strings.Repeat(" ", len(mark))
		for j, part := range item {
			switch {
			case j == 0 && part.form == paragraph:
				t.wrap(t.line(part.text), indent+mark, within)
			case j == 0:
				t.WriteString(indent + mark + "\n")
				t.block(part, within)
			default:
				t.block(part, within)
			}
		}
	}
}

// table writes each row as columns, the last of which is broken into lines. Where
// that leaves too little room, each cell stands on a line of its own.
func (t *terminal) table(rows [][]string, indent string) {
	var widths []int
	for i, row := range rows {
		rows[i] = make([]string, len(row))
		for j, cell := range row {
			rows[i][j] = flat(cell)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(rows[i][j]))
		}
	}
	taken := len(indent)
	for _, w := range widths[:max(0, len(widths)-1)] {
		taken += w + 2
	}
	last := widths[len(widths)-1]
	if t.look.Width > 0 && (taken+30 > t.look.Width && taken+last > t.look.Width || taken+longestWord(rows) > t.look.Width) {
		t.stacked(rows, indent)
		return
	}
	for _, row := range rows {
		lead := indent
		for j, cell := range row {
			if j == len(row)-1 {
				t.wrap(cell, lead, strings.Repeat(" ", taken))
				break
			}
			lead += cell + strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2)
		}
	}
}

// longestWord of the last column is what cannot be broken.
func longestWord(rows [][]string) (longest int) {
	for _, row := range rows {
		for _, word := range strings.Fields(row[len(row)-1]) {
			longest = max(longest, utf8.RuneCountInString(word))
		}
	}
	return longest
}

func (t *terminal) stacked(rows [][]string, indent string) {
	for i, row := range rows[1:] {
		if i > 0 {
			t.WriteByte('\n')
		}
		for j, cell := range row {
			switch {
			case cell == "":
			case j == 0:
				t.wrap(t.bold(cell), indent, indent+"  ")
			case j < len(rows[0]) && rows[0][j] != "":
				t.wrap(rows[0][j]+": "+cell, indent+"  ", indent+"    ")
			default:
				t.wrap(cell, indent+"  ", indent+"    ")
			}
		}
	}
}

// line is a paragraph's text. A link's target is not shown but where it is a URL.
func (t *terminal) line(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		switch {
		case s.style == strong:
			b.WriteString(t.bold(s.text))
		case s.style == linked && strings.Contains(s.to, "://") && s.to != s.text:
			b.WriteString(s.text + " (" + s.to + ")")
		default:
			b.WriteString(s.text)
		}
	}
	return b.String()
}

func (t *terminal) bold(s string) string {
	if !t.look.Bold {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// wrap writes words with first before the first line and rest before the others.
func (t *terminal) wrap(text, first, rest string) {
	line, begun := first, false
	for _, word := range strings.Fields(text) {
		if begun && t.look.Width > 0 && shown(line)+1+shown(word) > t.look.Width {
			t.WriteString(strings.TrimRight(line, " ") + "\n")
			line, begun = rest, false
		}
		if begun {
			line += " "
		}
		line, begun = line+word, true
	}
	t.WriteString(strings.TrimRight(line, " ") + "\n")
}

// shown is how many characters a text takes on the screen.
func shown(s string) int {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\x1b[1m", ""), "\x1b[0m", "")
	return utf8.RuneCountInString(s)
}
