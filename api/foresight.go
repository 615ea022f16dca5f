package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
)

// PlanRequest asks what would happen for an alert: one with these labels, or one that
// the server knows. Exactly one of the two is set.
type PlanRequest struct {
	Labels map[string]string `json:"labels,omitempty"`
	// ID is an episode's id, an alert's fingerprint or the beginning of its name, or
	// cluster/member.
	ID string `json:"id,omitempty"`
}

// Foresight is what would happen for an alert if it came now. Nothing is changed and
// nothing recorded for it.
type Foresight struct {
	Alertname string            `json:"alertname,omitempty"`
	Labels    map[string]string `json:"labels"`
	// Says is the whole of it in one sentence.
	Says string `json:"says"`
	// Outcome is what a run would end with before it changes anything: noop, observed or
	// blocked; empty when it would act, or when no playbook matches.
	Outcome string `json:"outcome,omitempty"`
	// Playbook matches; empty: none does, and Misses has those that nearly did.
	Playbook string `json:"playbook,omitempty"`
	Misses   []Miss `json:"misses,omitempty"`
	// Episode is the open one of this alert, and Run its live run.
	Episode  string `json:"episode,omitempty"`
	Run      string `json:"run,omitempty"`
	Target   string `json:"target,omitempty"`
	Tier     string `json:"tier,omitempty"`
	Autonomy string `json:"autonomy,omitempty"`
	// Resources are what it would disturb.
	Resources []string       `json:"resources,omitempty"`
	Steps     []ForeseenStep `json:"steps,omitempty"`
	// Verdicts are every guard's about the first step that is to be done.
	Verdicts []Verdict `json:"verdicts,omitempty"`
	// Refused is the verdict that a run would end with.
	Refused *Verdict `json:"refused,omitempty"`
	// Then is what would happen in words, one thing a line.
	Then []string `json:"then,omitempty"`
}

// Miss is a playbook that does not match.
type Miss struct {
	Playbook string `json:"playbook"`
	// Fails are the matchers that do not hold, each with what the alert has instead.
	Fails []string `json:"fails"`
}

// ForeseenStep is one step as it would be found now.
type ForeseenStep struct {
	Name   string            `json:"name"`
	Action string            `json:"action"`
	With   map[string]string `json:"with,omitempty"`
	// State is in order, to do, or not seen.
	State string `json:"state"`
	// Saw is what was seen, in words, or why nothing was.
	Saw string `json:"saw,omitempty"`
	// Does is what exactly would be done, where the playbook itself describes it.
	Does string `json:"does,omitempty"`
}

// Verdict is one guard's answer.
type Verdict struct {
	Guard string `json:"guard"`
	// Answer is go, refused, or not told: it asks the journal's state, and there was none.
	Answer  string `json:"answer"`
	Reason  string `json:"reason,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Passing bool   `json:"passing,omitempty"`
}

// maxLabels bounds the labels of a PlanRequest, as Alertmanager's would be.
const maxLabels = 256

// foresee answers what would happen.
func (a *API) foresee(c *gin.Context) {
	var in PlanRequest
	err := body(c, &in)
	switch {
	case err != nil:
	case (in.ID == "") == (len(in.Labels) == 0):
		err = badInput("send the labels of an alert, or the id of one that is open", "exactly one of labels and id is wanted")
	case in.ID != "":
		err = checkID(in.ID)
	case len(in.Labels) > maxLabels:
		err = badInput("", "more than %d labels", maxLabels)
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	foresight, err := a.o.Backend.Foresee(c.Request.Context(), in)
	a.answer(c, foresight, err)
}

// Foresee asks what would happen for an alert.
func (c *Client) Foresee(ctx context.Context, in PlanRequest) (Foresight, error) {
	var out Foresight
	err := c.call(ctx, http.MethodPost, nil, in, &out, "api", "v1", "plans")
	return out, err
}
