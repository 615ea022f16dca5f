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
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/access"
)

// policy lets a page have its style sheet, show an empty icon and send its forms here.
const policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
	Of   any
}

func parsePages(now func() time.Time) (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"when": when, "stamp": stamp, "ago": func(t time.Time) string { return ago(now().Sub(t)) },
		"episodes": func(caption string, all []api.Episode) episodeTable { return episodeTable{caption, all} },
		"runs":     func(caption string, all []api.Run) runTable { return runTable{caption, all} },
		"columns":  func(title string, c *columns) chart { return chart{title, c} },
		"outcomes": func() []string {
			return []string{"running", "repaired", "noop", "observed", "blocked", "failed", "unknown"}
		},
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
	if done, ok := acts()[c.Query("done")]; ok && c.Request.Method == http.MethodGet {
		p.Done = done.done
	}
	var b bytes.Buffer
	if err := k.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		k.o.Log.Error("page cannot be made", "page", name, "err", err)
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("internal error: the server's log says more\n"))
		return
	}
	c.Header("Content-Security-Policy", policy)
	c.Header("Cache-Control", "no-store")
	c.Data(status, "text/html; charset=utf-8", visible(b.Bytes()))
}

// visible writes characters that would not be seen, or would turn the direction of
// what follows, as escapes: a page is a text that strangers have a part in.
func visible(page []byte) []byte {
	hidden := func(r rune) bool {
		return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
	}
	if !bytes.ContainsFunc(page, hidden) {
		return page
	}
	out := make([]byte, 0, len(page)+64)
	for len(page) > 0 {
		r, size := utf8.DecodeRune(page)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, page[0])
		case hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, page[:size]...)
		}
		page = page[size:]
	}
	return out
}

// documented is the path of a page of the documentation, empty where there is none.
func documented(kind, name string) string {
	if _, err := fs.Stat(docs.Files(), kind+"/"+name+".md"); name == "" || strings.Contains(name, "/") || err != nil {
		return ""
	}
	return "/docs/" + kind + "/" + url.PathEscape(name)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// ago is a length of time in its largest unit: who wants more has the time beside it.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "ahead of this clock"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " d ago"
}

func inSeconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

func inBytes(n int64) string {
	value, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for value >= 1024 && i < len(units)-1 {
		value /= 1024
		i++
	}
	return strconv.FormatFloat(value, 'f', min(i, 1), 64) + " " + units[i]
}

// grouped is a count with its thousands apart.
func grouped(n any) string {
	s := fmt.Sprint(n)
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return strings.Join(append([]string{s}, parts...), ",")
}
