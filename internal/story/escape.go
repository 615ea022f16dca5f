package story

import (
	"regexp"
	"strings"
)

// markup are the characters that can begin or end something in Markdown, in any of
// its dialects, within a line.
const markup = "\\`*_{}[]<>#~$^"

// escape makes any text one line of Markdown that shows as that text: cleaned as for
// a terminal, with all markup escaped. What a site could turn into a link or into a
// call for somebody is written as code, where it is left alone.
func escape(s string) string {
	s = strings.TrimSpace(Clean(s))
	if strings.Contains(s, "://") || strings.Contains(s, "@") || strings.Contains(strings.ToLower(s), "www.") {
		return verbatim(s)
	}
	var b strings.Builder
	for s != "" {
		at := quoted.FindStringSubmatchIndex(s)
		if at == nil {
			break
		}
		escapeInto(&b, s[:at[2]])
		b.WriteString(s[at[2]:at[3]])
		s = s[at[3]:]
	}
	escapeInto(&b, s)
	return b.String()
}

// quoted is a plain word or two in backticks, as our own sentences have commands and
// keys: it may stay code, whoever wrote it.
var quoted = regexp.MustCompile("(?:^|[^`\\\\])(`[A-Za-z0-9][A-Za-z0-9 ._/=-]{0,80}`)(?:[^`]|$)")

// escapeInto writes text with its markup escaped.
func escapeInto(b *strings.Builder, s string) {
	begins := b.Len() == 0 // nothing but digits so far: here a list, a line or a heading could begin
	for _, r := range s {
		if begins && strings.ContainsRune("-+=.)", r) {
			b.WriteByte('\\')
		}
		begins = begins && '0' <= r && r <= '9'
		switch {
		case r == '|': // a backslash before it is read twice in a table
			b.WriteString("&#124;")
		case r == '&':
			b.WriteString("&amp;")
		case r < 0x80 && strings.ContainsRune(markup, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
}

// verbatim makes any text code within a line: cleaned, and with a fence that it
// cannot close. A bar is written as an escape, as it would end a table's cell.
func verbatim(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ReplaceAll(Clean(s), "|", `\x7c`)
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		pad = " "
	}
	return fence + pad + s + pad + fence
}

// longestRun is the most that c stands in a row.
func longestRun(s string, c rune) (longest int) {
	run := 0
	for _, r := range s {
		if r == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
