package pages

import (
	"regexp"
	"strings"
	"unicode"
)

// span is a piece of a line: text in a style, or a link.
type span struct {
	text  string
	style style
	to    string // of a link
}

type style int

const (
	plain style = iota
	verbatim
	strong
	emphasis
	linked
)

var spanned = regexp.MustCompile("(`+)(.+?)(`+)" + `|\*\*(.+?)\*\*|\[((?:[^\]\x60]|\x60[^\x60]*\x60)+)\]\(([^)\s]+)\)|<(https?://[^>\s]+)>|(?:^|\b|\s)_([^_]+)_\b|\\([!-/:-@\[-\x60{-~])`)

// spans cuts a line's markup apart. Links and emphasis hold text only.
func spans(text string) (all []span) {
	add := func(s span) {
		if s.text != "" {
			all = append(all, s)
		}
	}
	for text != "" {
		m := spanned.FindStringSubmatchIndex(text)
		if m == nil {
			add(span{text: text})
			break
		}
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		add(span{text: text[:m[0]]})
		switch {
		case m[2] >= 0:
			add(span{text: strings.TrimSpace(group(2)), style: verbatim})
		case m[8] >= 0:
			add(span{text: flat(group(4)), style: strong})
		case m[10] >= 0:
			add(span{text: flat(group(5)), style: linked, to: group(6)})
		case m[14] >= 0:
			add(span{text: group(7), style: linked, to: group(7)})
		case m[16] >= 0:
			add(span{text: text[m[0] : m[16]-1]})
			add(span{text: flat(group(8)), style: emphasis})
		default:
			add(span{text: group(9)})
		}
		text = text[m[1]:]
	}
	return all
}

// flat is text without its markup.
func flat(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		b.WriteString(s.text)
	}
	return b.String()
}

// title is a page's heading up to a colon, without markup.
func title(text string) string {
	for _, b := range parse(text) {
		if b.form == heading {
			text, _, _ := strings.Cut(flat(b.text), ":")
			return text
		}
	}
	return ""
}

// summary is a page's first paragraph without markup.
func summary(text string) string {
	for _, b := range parse(text) {
		if b.form == paragraph {
			return flat(b.text)
		}
	}
	return ""
}

// anchor is the name that a heading has in a link.
func anchor(title string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-', c == '_', unicode.IsLetter(c), unicode.IsDigit(c):
			return unicode.ToLower(c)
		}
		return -1
	}, flat(title))
}
