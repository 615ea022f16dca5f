package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
)

// Approval is what an open episode waits for a person to approve.
type Approval struct {
	// Premise is the digest that an approval is given to: sha256: and 64 hex digits
	// over Words, each ended by a line feed.
	Premise string `json:"premise"`
	// Words say what would be done and what of the world it rests on, a line each.
	Words []string `json:"words"`
	// Steps are those of Words that would be done, in order.
	Steps []string `json:"steps"`
	// Asks are the refusals that an approval releases, Also those that it does not.
	Asks []Answer `json:"asks"`
	Also []Answer `json:"also,omitempty"`
	// Given are the approvals so far; Needed is how many people it takes.
	Given  []Given `json:"given"`
	Needed int     `json:"needed"`
	// ValidSeconds is for how long an approval counts unless it is used.
	ValidSeconds float64 `json:"valid_seconds"`
}

// Given is one person's approval.
type Given struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
	// LeftSeconds is for how long it counts from now on.
	LeftSeconds float64 `json:"left_seconds"`
}

// Escalated is a reason for which people are told of an episode.
type Escalated struct {
	Reason       string `json:"reason"`
	Acknowledged bool   `json:"acknowledged"`
}

// Approved is what an approval came to.
type Approved struct {
	Episode string   `json:"episode"`
	Premise string   `json:"premise"`
	By      []string `json:"by"` // all who have approved it by now
	Needed  int      `json:"needed"`
}

// Word is what a person says to an open episode. By is who says it.
type Word struct {
	Episode, Premise, By, Comment string
}

// Approver is the part of a Backend that takes people's words on open episodes.
type Approver interface {
	// Approve lets what an episode waits for be done while Premise is the present one;
	// otherwise it says what stands against it, with status 409.
	Approve(ctx context.Context, w Word) (Approved, error)
	// Acknowledge ends what people are told of an episode until now.
	Acknowledge(ctx context.Context, w Word) error
}

type (
	approvalRequest struct {
		Episode string `json:"episode"`
		Premise string `json:"premise"`
		Comment string `json:"comment"`
	}
	acknowledgementRequest struct {
		Episode string `json:"episode"`
		Comment string `json:"comment"`
	}
)

// comment checks what a person may leave out.
func comment(s string) error {
	if s == "" {
		return nil
	}
	return checkReason(s)
}

func (a *API) approval(c *gin.Context) {
	var in approvalRequest
	err := body(c, &in)
	for _, id := range []string{in.Episode, in.Premise} {
		if err == nil {
			err = checkID(id)
		}
	}
	if err == nil {
		err = comment(in.Comment)
	}
	who := access.From(c)
	if err == nil && who.Role == access.Anonymous {
		err = &Error{Status: http.StatusForbidden, Message: "an approval is a known person's", Hint: "configure web.roles in fettle.yml, or use the unix socket"}
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	done, err := a.o.Backend.Approve(c.Request.Context(), Word{Episode: in.Episode, Premise: in.Premise, By: who.Name, Comment: in.Comment})
	if err != nil {
		a.fail(c, err)
		return
	}
	reply(c, http.StatusCreated, done)
}

func (a *API) acknowledgement(c *gin.Context) {
	var in acknowledgementRequest
	err := body(c, &in)
	if err == nil {
		err = checkID(in.Episode)
	}
	if err == nil {
		err = comment(in.Comment)
	}
	if err == nil {
		err = a.o.Backend.Acknowledge(c.Request.Context(), Word{Episode: in.Episode, By: access.From(c).Name, Comment: in.Comment})
	}
	a.done(c, err)
}

// Approve approves what an episode waits for.
func (c *Client) Approve(ctx context.Context, w Word) (Approved, error) {
	var out Approved
	err := c.call(ctx, http.MethodPost, nil, approvalRequest{w.Episode, w.Premise, w.Comment}, &out, "api", "v1", "approvals")
	return out, err
}

// Acknowledge says that what people are told of an episode is known.
func (c *Client) Acknowledge(ctx context.Context, w Word) error {
	return c.call(ctx, http.MethodPost, nil, acknowledgementRequest{w.Episode, w.Comment}, nil, "api", "v1", "acknowledgements")
}
