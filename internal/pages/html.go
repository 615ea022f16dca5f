package pages

import (
	"fmt"
	"html"
	"io"
	"path"
	"regexp"
	"strings"
)

// HTML writes a page's Markdown as the inside of an HTML document's body. Links to
// other pages are rewritten by to, which is given the path below docs with its
// fragment, or what leads out of docs; an empty answer leaves the text without a link.
func HTML(w io.Writer, p Page, to func(target string) string) error {
	h := &hyper{at: p.Path, to: to}
	h.blocks(parse(p.Text))
	_, err := io.WriteString(w, h.String())
	return err
}

type hyper struct {
	strings.Builder
	at string
	to func(string) string
}

func (h *hyper) printf(format string, args ...any) { fmt.Fprintf(h, format, args...) }

func (h *hyper) blocks(all []block) {
	for _, b := range all {
		h.block(b)
	}
}

func (h *hyper) block(b block) {
	switch b.form {
	case heading:
		h.printf("<h%d id=\"%s\">%s</h%d>\n", b.level, html.EscapeString(anchor(b.text)), h.line(b.text), b.level)
	case paragraph:
		h.printf("<p>%s</p>\n", h.line(b.text))
	case code:
		h.printf("<pre tabindex=\"0\"><code>%s\n</code></pre>\n", html.EscapeString(b.text))
	case quote:
		h.printf("<blockquote>\n")
		h.blocks(b.items[0])
		h.printf("</blockquote>\n")
	case bullets, numbers:
		h.list(b)
	case table:
		h.table(b.rows)
	}
}

func (h *hyper) list(b block) {
	tag := "ul"
	if b.form == numbers {
		tag = "ol"
	}
	h.printf("<%s>\n", tag)
	for _, item := range b.items {
		h.printf("<li>")
		if len(item) > 0 && item[0].form == paragraph {
			h.printf("%s", h.line(item[0].text))
			item = item[1:]
		}
		h.blocks(item)
		h.printf("</li>\n")
	}
	h.printf("</%s>\n", tag)
}

func (h *hyper) table(rows [][]string) {
	h.printf("<table>\n")
	for i, row := range rows {
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		h.printf("<tr>")
		for _, cell := range row {
			h.printf("<%s>%s</%s>", tag, h.line(cell), tag)
		}
		h.printf("</tr>\n")
	}
	h.printf("</table>\n")
}

func (h *hyper) line(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		shown := html.EscapeString(s.text)
		switch s.style {
		case verbatim:
			shown = "<code>" + shown + "</code>"
		case strong:
			shown = "<strong>" + shown + "</strong>"
		case emphasis:
			shown = "<em>" + shown + "</em>"
		case linked:
			if to := h.target(s.to); to != "" {
				shown = `<a href="` + html.EscapeString(to) + `">` + shown + "</a>"
			}
		}
		b.WriteString(shown)
	}
	return b.String()
}

var scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)

// target is where a link of this page leads.
func (h *hyper) target(link string) string {
	switch {
	case strings.HasPrefix(link, "https://"), strings.HasPrefix(link, "http://"), strings.HasPrefix(link, "#"):
		return link
	case scheme.MatchString(link):
		return ""
	}
	file, fragment, _ := strings.Cut(link, "#")
	at := path.Join(path.Dir(strings.SplitN(h.at, "#", 2)[0]), file)
	if fragment != "" {
		at += "#" + fragment
	}
	return h.to(at)
}
