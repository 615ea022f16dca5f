package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// printer writes what happens: lines for people, or one JSON object a line.
type printer struct {
	out      io.Writer
	json     bool
	terminal bool // progress overwrites its line

	progressed time.Time // when progress was last printed
	open       bool      // the cursor stands behind an unfinished line of progress
}

// event prints a line of the timeline.
func (p *printer) event(e Event) {
	if p.json {
		p.object(e)
		return
	}
	p.line(e.Line())
}

// note prints something that is no event of the timeline.
func (p *printer) note(name, text string, data any) {
	if p.json {
		p.object(struct {
			Name string `json:"event"`
			Text string `json:"text,omitempty"`
			Data any    `json:"data,omitempty"`
		}{name, strings.TrimSpace(text), data})
		return
	}
	for line := range strings.Lines(text) {
		p.line(strings.TrimRight(line, "\n"))
	}
}

// progress shows what is being waited for: on a terminal in one line, elsewhere
// every ten seconds at most, and as JSON not at all.
func (p *printer) progress(text string) {
	switch {
	case p.json:
	case p.terminal:
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
		p.open = true
	case time.Since(p.progressed) >= 10*time.Second:
		p.progressed = time.Now()
		fmt.Fprintln(p.out, text)
	}
}

func (p *printer) line(text string) {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.open = false
	}
	fmt.Fprintln(p.out, text)
}

func (p *printer) object(v any) {
	b, err := json.Marshal(v)
	if err != nil { // plain structs: cannot happen
		b = fmt.Appendf(nil, `{"event":"error","text":%q}`, err.Error())
	}
	fmt.Fprintf(p.out, "%s\n", b)
}
