package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/pages"
)

const docsStyle = `:root{color-scheme:light dark}body{font:16px/1.6 sans-serif;max-width:56em;margin:1em auto;padding:0 1em}` +
	`table{border-collapse:collapse;display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;border:1px solid;padding:.2em .6em}` +
	`pre{overflow-x:auto;border:1px solid;padding:.6em}code{font-size:.9em}:focus-visible{outline:3px solid}`

// runbooks are the documentation's pages as this program has them, so that an alert's
// page can be read where the network ends.
type runbooks struct {
	library pages.Library
	err     error
	policy  string

	mu    sync.Mutex
	shown map[string][]byte // what was asked for before: anybody may ask, and it stays the same
}

func newRunbooks() *runbooks {
	r := &runbooks{shown: map[string][]byte{}}
	r.library, r.err = pages.All(docs.Files())
	sum := sha256.Sum256([]byte(docsStyle))
	r.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return r
}

// docs answers with a page by its path below docs (with .md or without), or by the
// name of what it is about; without either, with a list of all.
func (a *API) docs(c *gin.Context) {
	if a.books.err != nil {
		a.fail(c, a.books.err)
		return
	}
	at := strings.TrimPrefix(c.Param("page"), "/")
	p, found := pages.Page{}, at == "" || at == "README.md" || at == "README"
	if !found && at == path.Clean(at) {
		p, found = a.books.find(at)
	}
	if !found {
		a.fail(c, &Error{Status: http.StatusNotFound, Message: "no such page", Hint: "GET /docs/ lists them"})
		return
	}
	b, err := a.books.html(p, strings.Repeat("../", strings.Count(at, "/")))
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Header("Content-Security-Policy", a.books.policy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", b)
}

// html is a page as a document, made once; one without a name is the list of all. up
// leads from where it is read to the list.
func (r *runbooks) html(p pages.Page, up string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.shown[up+p.Path]; ok {
		return b, nil
	}
	var body strings.Builder
	title := "Documentation"
	if p.Path == "" {
		r.list(&body)
	} else {
		title = p.Name
		fmt.Fprintf(&body, "<nav><a href=\"%s./\">All pages</a></nav>\n<main>\n", up)
		if err := pages.HTML(&body, p, func(target string) string { return r.link(up, target) }); err != nil {
			return nil, err
		}
		body.WriteString("</main>\n")
	}
	b := fmt.Appendf(nil,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>%s · fettle</title><style>%s</style></head>\n<body>\n%s</body>\n</html>\n",
		html.EscapeString(title), docsStyle, body.String())
	r.shown[up+p.Path] = b
	return b, nil
}

func (r *runbooks) find(at string) (pages.Page, bool) {
	at = strings.TrimSuffix(at, ".md")
	for _, try := range []string{at, path.Join(at, "README")} {
		if p, ok := r.library.At(try); ok {
			return p, true
		}
	}
	found, err := r.library.Find(at)
	if err != nil {
		return pages.Page{}, false
	}
	return found[0], true
}

// link leads to another page; to what is not a page it leads nowhere.
func (r *runbooks) link(up, target string) string {
	file, fragment, _ := strings.Cut(target, "#")
	at, ok := strings.CutSuffix(file, ".md")
	if _, known := r.library.At(at); !ok || !known {
		return ""
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	if at == "README" {
		return up + "./"
	}
	return up + at + fragment
}

func (r *runbooks) list(body *strings.Builder) {
	body.WriteString("<main>\n<h1>Documentation</h1>\n")
	kind := ""
	for _, p := range r.library.Pages {
		if p.Kind != kind {
			if kind != "" {
				body.WriteString("</ul>\n")
			}
			kind = p.Kind
			fmt.Fprintf(body, "<h2 id=\"%[1]s\">%[1]s</h2>\n<ul>\n", kind)
		}
		if p.Path == "README" {
			continue
		}
		fmt.Fprintf(body, "<li><a href=\"%s\">%s</a>: %s</li>\n", html.EscapeString(p.Path), html.EscapeString(p.Name), html.EscapeString(p.Summary))
	}
	body.WriteString("</ul>\n</main>\n")
}
