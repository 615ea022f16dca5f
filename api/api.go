// Package api is fettle's HTTP API beside the webhook, and the client for it.
//
// It translates: JSON and query parameters in, checked strictly; a call of the
// Backend; JSON out. Who may call what is internal/access' to say, and who did
// is the identity that it found: a request cannot name its own actor.
package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/journal"
)

// Backend is what the API shows and changes. An error that is no *Error is
// answered with 500 and logged.
type Backend interface {
	Runs(ctx context.Context, f Filter) ([]Run, error)
	Run(ctx context.Context, id string) (Run, error)
	Episodes(ctx context.Context, f Filter) ([]Episode, error)
	// Episode finds an episode by its id, by its alert's fingerprint, or by
	// the beginning of its alert's name where that is unambiguous.
	Episode(ctx context.Context, id string) (Episode, error)
	// Story returns all records of a run or an episode, in order.
	Story(ctx context.Context, id string) ([]journal.Record, error)

	// Pause takes Cluster, By and Reason, and returns the pause as journaled.
	Pause(ctx context.Context, p Pause) (Pause, error)
	Unpause(ctx context.Context, id, by string) error
	Pauses(ctx context.Context) ([]Pause, error)
	// Release frees the slots of an episode after unknown, and closes its circuit.
	Release(ctx context.Context, episode, by string) error
	// Close closes an episode by a person's word.
	Close(ctx context.Context, episode, by, reason string) error
	Undoer
	Approver

	// Playbooks and Guards are those of the running configuration.
	Playbooks(ctx context.Context) ([]Playbook, error)
	Guards(ctx context.Context) ([]Guard, error)

	// Foresee says what would happen for an alert, and changes nothing.
	Foresee(ctx context.Context, in PlanRequest) (Foresight, error)

	// Journal returns at most limit records from sequence number from on.
	Journal(ctx context.Context, from uint64, limit int) ([]journal.Record, error)
	// Ready returns why messages cannot be taken now.
	Ready(ctx context.Context) error
	// Reload reads the configuration again. On an error the old one stays.
	Reload(ctx context.Context) error
	State(ctx context.Context) (State, error)
}

// Options is what an API needs. All fields are needed.
type Options struct {
	Backend Backend
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     *slog.Logger
}

// API is the handlers.
type API struct {
	o     Options
	books *runbooks
}

// New makes an API.
func New(o Options) *API { return &API{o: o, books: newRunbooks()} }

// Register puts the handlers on their routes. access.Routes must know each.
func (a *API) Register(r gin.IRoutes) {
	r.GET("/docs/*page", a.docs)
	r.GET("/metrics", gin.WrapH(a.o.Metrics))
	r.GET("/-/healthy", a.healthy)
	r.GET("/-/ready", a.ready)
	r.POST("/-/reload", a.reload)

	r.GET("/api/v1/runs", a.runs)
	r.GET("/api/v1/runs/:id", a.run)
	r.GET("/api/v1/episodes", a.episodes)
	r.GET("/api/v1/episodes/:id", a.episode)
	r.GET("/api/v1/plans", a.plans)
	r.POST("/api/v1/plans", a.foresee)
	r.GET("/api/v1/journal", a.journal)
	r.GET("/api/v1/playbooks", a.playbooks)
	r.GET("/api/v1/guards", a.guards)
	r.GET("/api/v1/state", a.state)
	r.GET("/api/v1/pauses", a.pauses)
	r.POST("/api/v1/pauses", a.pause)
	r.DELETE("/api/v1/pauses/:id", a.unpause)
	r.POST("/api/v1/releases", a.release)
	r.POST("/api/v1/closures", a.closure)
	r.GET("/api/v1/undos", a.undos)
	r.GET("/api/v1/undos/:id", a.undo)
	r.POST("/api/v1/undos", a.takeBack)
	r.DELETE("/api/v1/undos/:id", a.leaveUndo)
	r.POST("/api/v1/approvals", a.approval)
	r.POST("/api/v1/acknowledgements", a.acknowledgement)
}
