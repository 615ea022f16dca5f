package main

import (
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"
)

// screen is what standard output leads to.
type screen struct {
	// width is in characters; 0: not a terminal, lines may be of any length.
	width int
	// colour: escape sequences may be written. Only on a terminal, and never where
	// NO_COLOR is set (no-color.org) or the terminal is dumb.
	colour bool
}

func newScreen() screen { return screenOf(os.Stdout, os.Getenv) }

func screenOf(out *os.File, getenv func(string) string) screen {
	fd := int(out.Fd())
	if !term.IsTerminal(fd) {
		return screen{}
	}
	s := screen{width: 80, colour: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		s.width = w
	}
	return s
}

// The escape sequences of the colours that are used.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// paint colours a cell that says how something stands. text is clean.
func (s screen) paint(text string) string {
	if !s.colour {
		return text
	}
	word, _, _ := strings.Cut(text, "(")
	word, _, _ = strings.Cut(word, ",")
	colour := map[string]string{
		"repaired": green, "noop": green, "auto": green,
		"failed": red, "unknown": red, "for a person": red,
		"blocked": yellow, "observed": yellow, "open": yellow, "live": yellow, "observe": yellow, "approve": yellow,
	}[strings.TrimSpace(word)]
	if colour == "" {
		return text
	}
	return colour + text + reset
}

// flow fits text to the screen: a line that is too long goes on below its own text,
// behind the figures and marks that it begins with. Its first line is a title.
func (s screen) flow(text string) string {
	if s.width == 0 {
		return text
	}
	var b strings.Builder
	first := true
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		mark := lead.FindString(line)
		parts := broken(line[len(mark):], max(s.width-len(mark), leastWidth))
		if first && s.colour {
			parts[0] = bold + parts[0] + reset
		}
		first = false
		b.WriteString(mark + strings.Join(parts, "\n"+strings.Repeat(" ", len(mark))) + "\n")
	}
	return b.String()
}

// lead is what a line begins with that its further lines leave free.
var lead = regexp.MustCompile(`^ *(?:\d+\.\d{3}  |- |(?:seen|guard [a-z-]+|because): )?(?: *)`)
