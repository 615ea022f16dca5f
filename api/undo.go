package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
)

// Undo is what takes a run back.
type Undo struct {
	// Run is the one that is taken back.
	Run      string `json:"run"`
	Episode  string `json:"episode"`
	Playbook string `json:"playbook"`
	Target   string `json:"target"`
	// Steps take back, in the order in which they are done.
	Steps []UndoStep `json:"steps"`
	// Left says of each step that was begun and stays as it is why.
	Left []string `json:"left,omitempty"`
	// Opened is the run that takes it back, where one is live or was opened just now.
	Opened string `json:"opened,omitempty"`
	// Since is when the run left it, and Waits why it has not been taken back yet; both
	// only of what fettle takes back by itself.
	Since time.Time `json:"since,omitzero"`
	Waits string    `json:"waits,omitempty"`
}

// UndoStep takes one step back.
type UndoStep struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	// Does says what would be run or sent.
	Does string `json:"does"`
	// Was is the value that was overwritten, where the step read one.
	Was *string `json:"was,omitempty"`
}

// Undoer is the part of a Backend that takes runs back.
type Undoer interface {
	// Undos lists what ended runs left and fettle takes back by itself, the oldest first.
	Undos(ctx context.Context) ([]Undo, error)
	// Undo tells what would take a run back, or why nothing can; status 409.
	Undo(ctx context.Context, run string) (Undo, error)
	// TakeBack opens the run that does it. What the guards say is that run's outcome.
	TakeBack(ctx context.Context, run, by, comment string) (Undo, error)
	// LeaveUndo has fettle take back by itself no more what a run left.
	LeaveUndo(ctx context.Context, run, by string) error
}

type (
	undoRequest struct {
		Run     string `json:"run"`
		Comment string `json:"comment"`
	}
	undoList struct {
		Undos []Undo `json:"undos"`
	}
)

func (a *API) undos(c *gin.Context) {
	undos, err := a.o.Backend.Undos(c.Request.Context())
	if undos == nil {
		undos = []Undo{}
	}
	a.answer(c, undoList{undos}, err)
}

func (a *API) undo(c *gin.Context) {
	id, err := param(c)
	if err != nil {
		a.fail(c, err)
		return
	}
	u, err := a.o.Backend.Undo(c.Request.Context(), id)
	a.answer(c, u, err)
}

func (a *API) takeBack(c *gin.Context) {
	var in undoRequest
	err := body(c, &in)
	if err == nil {
		err = checkID(in.Run)
	}
	if err == nil {
		err = checkReason(in.Comment)
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	u, err := a.o.Backend.TakeBack(c.Request.Context(), in.Run, access.From(c).Name, in.Comment)
	if err != nil {
		a.fail(c, err)
		return
	}
	reply(c, http.StatusCreated, u)
}

func (a *API) leaveUndo(c *gin.Context) {
	id, err := param(c)
	if err == nil {
		err = a.o.Backend.LeaveUndo(c.Request.Context(), id, access.From(c).Name)
	}
	a.done(c, err)
}

// Undos lists what is to be taken back.
func (c *Client) Undos(ctx context.Context) ([]Undo, error) {
	var out undoList
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "undos")
	return out.Undos, err
}

// Undo tells what would take a run back.
func (c *Client) Undo(ctx context.Context, run string) (Undo, error) {
	var out Undo
	if err := checkID(run); err != nil {
		return out, err
	}
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "undos", run)
	return out, err
}

// TakeBack takes a run back.
func (c *Client) TakeBack(ctx context.Context, run, _, comment string) (Undo, error) {
	var out Undo
	err := c.call(ctx, http.MethodPost, nil, undoRequest{run, comment}, &out, "api", "v1", "undos")
	return out, err
}

// LeaveUndo leaves what a run did as it is.
func (c *Client) LeaveUndo(ctx context.Context, run, _ string) error {
	if err := checkID(run); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, nil, nil, nil, "api", "v1", "undos", run)
}
