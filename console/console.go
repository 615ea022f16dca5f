// Package console is the web pages that fettle serve shows to people: an overview of
// the clusters, the repairs, the story of each run and episode with why nothing was
// done, and forms for what an operator may say.
//
// A page is made whole on the server, from api's shapes, and holds no script: it reads
// and acts without one, and its policy would run none. Who may see or do what is
// internal/access' to say; a form changes something only by a POST of this origin, after
// a page that says what it will do. No page reads the journal from its beginning: lists
// come from the engine's state, stories from an index.
package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the style
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/promql"
)

// Backend is what the console shows and changes; the errors are as api.Backend's.
type Backend interface {
	State(ctx context.Context) (api.State, error)
	Runs(ctx context.Context, f api.Filter) ([]api.Run, error)
	Run(ctx context.Context, id string) (api.Run, error)
	Episodes(ctx context.Context, f api.Filter) ([]api.Episode, error)
	Episode(ctx context.Context, id string) (api.Episode, error)
	Playbooks(ctx context.Context) ([]api.Playbook, error)
	// Recorded returns the records of a run or an episode that can be had at once.
	Recorded(ctx context.Context, id string) (Recorded, error)

	Pause(ctx context.Context, p api.Pause) (api.Pause, error)
	Unpause(ctx context.Context, id, by string) error
	Release(ctx context.Context, episode, by string) error
	Close(ctx context.Context, episode, by, reason string) error
	api.Approver
	api.Undoer
}

// Recorded is what the journal has of a run or an episode.
type Recorded struct {
	Records []journal.Record
	// Left are records that were left out, in the middle of many.
	Left int
	// Behind says that the newest records may be missing yet.
	Behind bool
	// Unread says why some cannot be read: the journal is damaged, or they are no longer
	// in its directory. Empty: all that there are were.
	Unread string
}

// Options is what a Console needs. All fields are needed.
type Options struct {
	Backend Backend
	// Clusters are those of the running configuration.
	Clusters func() []cluster.Cluster
	// Prometheus is that of the running configuration, nil where there is none, and how
	// often it scrapes.
	Prometheus func() (*promql.Client, time.Duration)
	Now        func() time.Time
	Log        *slog.Logger
}

// Console is the handlers.
type Console struct {
	o       Options
	pages   map[string]*template.Template
	figures *asker
	seal    *seal
}

//go:embed console.css
var style []byte

// New makes a Console. It asks nothing yet.
func New(o Options) (*Console, error) {
	pages, err := parsePages(o.Now)
	if err != nil {
		return nil, err
	}
	return &Console{o: o, pages: pages, figures: &asker{prometheus: o.Prometheus, now: o.Now}, seal: newSeal(o.Now)}, nil
}

// Register puts the handlers on their routes. access.Pages must know each.
func (k *Console) Register(r gin.IRoutes) {
	read := func(path string, h gin.HandlerFunc) {
		r.GET(path, h)
		r.HEAD(path, h)
	}
	read("/", k.overview)
	read("/repairs", k.repairs)
	read("/episodes", k.episodes)
	read("/episodes/:id", k.episode)
	read("/runs/:id", k.run)
	read("/confirm/:what", k.confirm)
	read("/console.css", k.style)
	r.POST("/act/:what", k.act)
}

// style is asked again each time, and sent again only when another version runs.
func (k *Console) style(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(style)))
	http.ServeContent(c.Writer, c.Request, "console.css", time.Time{}, bytes.NewReader(style))
}

// fail answers with a page that says no; what the Backend did not mean to be shown is
// logged instead.
func (k *Console) fail(c *gin.Context, err error) {
	var e *api.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.DeadlineExceeded):
		e = &api.Error{Status: http.StatusServiceUnavailable, Message: "no answer in time", Hint: "try again"}
	default:
		k.o.Log.Error("page failed", "method", c.Request.Method, "route", c.FullPath(), "err", err)
		e = &api.Error{Status: http.StatusInternalServerError, Message: "internal error", Hint: "the server's log says more"}
	}
	k.show(c, max(e.Status, http.StatusBadRequest), "error", "That did not work", e)
}
