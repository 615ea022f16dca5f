package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/access"
)

// policy lets a page have its style sheet, show an empty icon and send its forms here.
const policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// brakeID is the pause that is a file, which nobody ends here: repair.BrakeID.
const brakeID = "brake"

//go:embed pages/*.html
var pageFiles embed.FS

// page is what the layout shows; Of is the page's own.
type page struct {
	Title string
	// Here is the path of the page in the navigation that it belongs to.
	Here string
	Who  access.Identity
	// May says that the forms are for who asks.
	May  bool
	Done string
	Made time.Time
	// Again is how the page is loaded anew; nil: it is none that changes.
	Again *again
	Of    any
}

// again are the links that load a page anew: now, and every so often without a script.
type again struct {
	Now, Often, Never string
	// Every is the seconds after which it does so by itself, 0: it does not.
	Every int
}

// often is how often a page loads itself anew for who wants that, in seconds.
const often = 10

// anew are the links for one that is asked for now.
func anew(u *url.URL) *again {
	with := func(refresh bool) string {
		q := u.Query()
		for name := range q {
			if name != "page" && name != "all" {
				q.Del(name)
			}
		}
		if refresh {
			q.Set("refresh", strconv.Itoa(often))
		}
		return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: q.Encode()}).String()
	}
	a := &again{Often: with(true), Never: with(false)}
	a.Now = a.Never
	if u.Query().Get("refresh") == strconv.Itoa(often) {
		a.Every, a.Now = often, a.Often
	}
	return a
}

func parsePages(now func() time.Time) (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"when": when, "stamp": stamp, "ago": func(t time.Time) string { return ago(now().Sub(t)) },
		"episodes": func(caption string, all []api.Episode) episodeTable { return episodeTable{caption, all} },
		"runs":     func(caption string, all []api.Run) runTable { return runTable{caption, all} },
		"byhand":   func(pause string) bool { return pause == brakeID },
		"columns":  func(title string, c *columns) chart { return chart{title, c} },
		"outcomes": func() []string {
			return []string{"running", "repaired", "noop", "observed", "blocked", "failed", "unknown"}
		},
		"short":   func(s string) string { return clipped(s, shortMost) },
		"event":   func(s string) string { return clipped(s, eventMost) },
		"long":    func(s string) string { return clipped(s, longMost) },
		"doc":     documented,
		"stage":   stageClass,
		"seconds": inSeconds, "percent": percent, "path": url.PathEscape, "bytes": inBytes, "number": grouped,
	}
	pages := map[string]*template.Template{}
	for _, name := range []string{"overview", "repairs", "episodes", "story", "confirm", "error"} {
		t, err := template.New(name).Funcs(functions).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("console page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// What the parts of pages take.
type (
	episodeTable struct {
		Caption  string
		Episodes []api.Episode
	}
	runTable struct {
		Caption string
		Runs    []api.Run
	}
	chart struct {
		Title string
		C     *columns
	}
)

// show answers with a page.
func (k *Console) show(c *gin.Context, status int, name, title string, of any) {
	who := access.From(c)
	here := map[string]string{"overview": "/", "repairs": "/repairs", "episodes": "/episodes"}[name]
	p := page{
		Title: title, Here: here, Who: who, May: who.Role == access.Operator || who.Role == access.Anonymous,
		Made: k.o.Now(), Of: of,
	}
	if name != "confirm" && name != "error" {
		p.Again = anew(c.Request.URL)
	}
	// What a link from elsewhere says was done is not said here.
	if what, proof, ok := strings.Cut(c.Query("done"), "."); ok && k.seal.holds(proof, doneGood, who, "done", what, c.Request.URL.EscapedPath()) {
		p.Done = acts()[what].done
	}
	var b bytes.Buffer
	if err := k.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		k.o.Log.Error("page cannot be made", "page", name, "err", err)
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("internal error: the server's log says more\n"))
		return
	}
	c.Header("Content-Security-Policy", policy)
	c.Header("Cache-Control", "no-store")
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Data(status, "text/html; charset=utf-8", visible(b.Bytes()))
}

// documented is the path of a page of the documentation, empty where there is none.
func documented(kind, name string) string {
	if _, err := fs.Stat(docs.Files(), kind+"/"+name+".md"); name == "" || strings.Contains(name, "/") || err != nil {
		return ""
	}
	return "/docs/" + kind + "/" + url.PathEscape(name)
}
