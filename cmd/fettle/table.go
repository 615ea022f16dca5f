package main

import (
	"bytes"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/fettle-io/fettle/internal/story"
)

// leastWidth is the narrowest that a table's last column may become.
const leastWidth = 24

// table prints rows under a header. Every cell is cleaned: labels come from
// whoever can send an alert. On a terminal that is too narrow the last column is
// broken into lines, and where that is not enough, each row becomes a block of its
// own, one line a cell, so that an id can still be copied.
func table(header []string, rows [][]string) error {
	b := tabled(newScreen(), header, rows)
	_, err := os.Stdout.Write(b)
	return err
}

func tabled(s screen, header []string, rows [][]string) []byte {
	clean := make([][]string, 0, len(rows)+1)
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cell == "" {
				cell = "-"
			}
			cells[i] = story.Clean(cell)
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]))
		}
		clean = append(clean, cells)
	}
	before := 0 // the last column
	for _, w := range widths[:len(widths)-1] {
		before += w + 2
	}
	last := widths[len(widths)-1]
	var b bytes.Buffer
	switch {
	case s.width == 0 || before+last <= s.width:
		columns(&b, s, clean, widths, 0)
	case before+leastWidth <= s.width:
		columns(&b, s, clean, widths, s.width-before)
	default:
		stacked(&b, s, clean)
	}
	return b.Bytes()
}

// columns writes rows with their cells below each other. The last one is broken at
// most wide characters; 0: it is not.
func columns(b *bytes.Buffer, s screen, rows [][]string, widths []int, most int) {
	for n, row := range rows {
		var line strings.Builder
		indent := 0
		for i, cell := range row[:len(row)-1] {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
			indent += widths[i] + 2
			line.WriteString(head(s, n, cell) + pad)
		}
		for i, part := range broken(row[len(row)-1], most) {
			if i > 0 {
				line.WriteString("\n" + strings.Repeat(" ", indent))
			}
			line.WriteString(head(s, n, part))
		}
		b.WriteString(line.String() + "\n")
	}
}

func stacked(b *bytes.Buffer, s screen, rows [][]string) {
	width := 0
	for _, name := range rows[0] {
		width = max(width, utf8.RuneCountInString(name))
	}
	for n, row := range rows[1:] {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i, cell := range row {
			b.WriteString(head(s, 0, rows[0][i]) + strings.Repeat(" ", width-utf8.RuneCountInString(rows[0][i])+2))
			for j, part := range broken(cell, s.width-width-2) {
				if j > 0 {
					b.WriteString(strings.Repeat(" ", width+2))
				}
				b.WriteString(s.paint(part) + "\n")
			}
		}
	}
}

// head colours a cell: those of the header, row 0, are bold.
func head(s screen, row int, cell string) string {
	switch {
	case row > 0:
		return s.paint(cell)
	case s.colour:
		return bold + cell + reset
	}
	return cell
}

// broken cuts a text at spaces into lines of at most so many characters; a word that
// is longer stays whole. 0: it stays as it is.
func broken(text string, most int) []string {
	if most <= 0 || utf8.RuneCountInString(text) <= most {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= most:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
