package pages

import (
	"regexp"
	"strings"
)

// form is what a block is.
type form int

const (
	paragraph form = iota
	heading
	code
	table
	bullets
	numbers
	quote
)

// block is a piece of a page. Which of its fields are set is its form's to say.
type block struct {
	form  form
	level int        // of a heading
	text  string     // of a heading or paragraph, with its markup; of code, as it is
	info  string     // of code: the language
	rows  [][]string // of a table, the header first
	items [][]block  // of a list; of a quote there is one
}

var (
	listItem = regexp.MustCompile(`^( {0,3})([-*+]|\d{1,9}[.)])( +)(.*)$`)
	comments = regexp.MustCompile(`(?s)<!--.*?-->\n?`)
	divider  = regexp.MustCompile(`^\|?[ :|-]+\|?$`)
)

// parse reads Markdown as the pages are written.
func parse(text string) []block {
	text = comments.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "")
	return blocks(strings.Split(text, "\n"))
}

func blocks(lines []string) (all []block) {
	for len(lines) > 0 {
		var b block
		n := 1
		line := lines[0]
		switch {
		case strings.TrimSpace(line) == "":
			lines = lines[1:]
			continue
		case strings.HasPrefix(strings.TrimLeft(line, " "), "```"):
			b, n = fenced(lines)
		case strings.HasPrefix(line, "    "):
			b, n = indented(lines)
		case strings.HasPrefix(line, "#"):
			level := len(line) - len(strings.TrimLeft(line, "#"))
			b = block{form: heading, level: min(level, 6), text: strings.TrimSpace(line[level:])}
		case strings.HasPrefix(line, ">"):
			b, n = quoted(lines)
		case strings.HasPrefix(line, "|"):
			b, n = tabled(lines)
		case listItem.MatchString(line):
			b, n = listed(lines)
		default:
			b, n = flowing(lines)
		}
		all, lines = append(all, b), lines[n:]
	}
	return all
}

func fenced(lines []string) (block, int) {
	trimmed := strings.TrimLeft(lines[0], " ")
	indent := len(lines[0]) - len(trimmed)
	fence := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
	b := block{form: code, info: strings.TrimSpace(trimmed[len(fence):])}
	var body []string
	for i, line := range lines[1:] {
		if strings.TrimSpace(line) == fence {
			b.text = strings.Join(body, "\n")
			return b, i + 2
		}
		body = append(body, outdent(line, indent))
	}
	b.text = strings.Join(body, "\n")
	return b, len(lines)
}

func indented(lines []string) (block, int) {
	var body []string
	n := 0
	for n < len(lines) && (strings.HasPrefix(lines[n], "    ") || strings.TrimSpace(lines[n]) == "") {
		body = append(body, outdent(lines[n], 4))
		n++
	}
	return block{form: code, text: strings.TrimRight(strings.Join(body, "\n"), "\n ")}, n
}

func quoted(lines []string) (block, int) {
	var body []string
	for n, line := range lines {
		if !strings.HasPrefix(line, ">") {
			return block{form: quote, items: [][]block{blocks(body)}}, n
		}
		body = append(body, strings.TrimPrefix(line[1:], " "))
	}
	return block{form: quote, items: [][]block{blocks(body)}}, len(lines)
}

func tabled(lines []string) (block, int) {
	b := block{form: table}
	n := 0
	for ; n < len(lines) && strings.HasPrefix(lines[n], "|"); n++ {
		if n == 1 && divider.MatchString(strings.TrimSpace(lines[n])) {
			continue
		}
		b.rows = append(b.rows, cellsOf(lines[n]))
	}
	return b, n
}

// cellsOf splits a table's row at its bars; one after a backslash is text.
func cellsOf(line string) (cells []string) {
	line = strings.TrimSpace(line)
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	var cell strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '|':
			cell.WriteByte('|')
			i++
		case line[i] == '|':
			cells = append(cells, strings.TrimSpace(cell.String()))
			cell.Reset()
		default:
			cell.WriteByte(line[i])
		}
	}
	return append(cells, strings.TrimSpace(cell.String()))
}

func listed(lines []string) (block, int) {
	first := listItem.FindStringSubmatch(lines[0])
	b := block{form: bullets}
	if first[2][0] >= '0' && first[2][0] <= '9' {
		b.form = numbers
	}
	n := 0
	for n < len(lines) {
		m := listItem.FindStringSubmatch(lines[n])
		if m == nil || (m[2][0] >= '0' && m[2][0] <= '9') != (b.form == numbers) {
			break
		}
		width := len(m[1]) + len(m[2]) + len(m[3])
		item := []string{m[4]}
		for n++; n < len(lines); n++ {
			switch line := lines[n]; {
			case strings.HasPrefix(line, strings.Repeat(" ", width)):
				item = append(item, outdent(line, width))
				continue
			case strings.TrimSpace(line) == "":
				if n+1 < len(lines) && strings.HasPrefix(lines[n+1], strings.Repeat(" ", width)) {
					item = append(item, "")
					continue
				}
			case !interrupts(line) && strings.TrimSpace(lines[n-1]) != "":
				item = append(item, strings.TrimLeft(line, " ")) // a line that flows on
				continue
			}
			break
		}
		b.items = append(b.items, blocks(item))
		for n+1 < len(lines) && strings.TrimSpace(lines[n]) == "" && listItem.MatchString(lines[n+1]) {
			n++
		}
	}
	return b, n
}

// interrupts tells whether a line begins something that ends a paragraph.
func interrupts(line string) bool {
	trimmed := strings.TrimLeft(line, " ")
	return trimmed == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(trimmed, "```") ||
		strings.HasPrefix(line, "|") || strings.HasPrefix(line, ">") || listItem.MatchString(line)
}

func flowing(lines []string) (block, int) {
	n := 1
	for n < len(lines) && !interrupts(lines[n]) {
		n++
	}
	text := make([]string, n)
	for i := range text {
		text[i] = strings.TrimSpace(lines[i])
	}
	return block{form: paragraph, text: strings.Join(text, " ")}, n
}

// outdent takes up to n leading spaces away.
func outdent(line string, n int) string {
	for n > 0 && strings.HasPrefix(line, " ") {
		line, n = line[1:], n-1
	}
	return line
}
