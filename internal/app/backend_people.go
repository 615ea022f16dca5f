package app

import (
	"context"
	"strings"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// Approve implements api.Backend.
func (b backend) Approve(ctx context.Context, w api.Word) (api.Approved, error) {
	a, _, err := b.app.seq.Submit(ctx, repair.GiveApproval{Episode: w.Episode, Premise: w.Premise, Actor: w.By, Comment: w.Comment})
	if err != nil {
		return api.Approved{}, told(err)
	}
	return api.Approved{Episode: w.Episode, Premise: w.Premise, By: a.Approval.By, Needed: a.Approval.Needed}, nil
}

// Acknowledge implements api.Backend.
func (b backend) Acknowledge(ctx context.Context, w api.Word) error {
	_, _, err := b.app.seq.Submit(ctx, repair.Acknowledge{Episode: w.Episode, Actor: w.By, Comment: w.Comment})
	return told(err)
}

// shapeApproval is what an episode waits for a person to approve; nil: nothing.
func shapeApproval(e *repair.Engine, episode string) *api.Approval {
	w, ok := e.Waiting(episode)
	if !ok {
		return nil
	}
	out := &api.Approval{
		Premise: w.Premise.Digest, Words: w.Premise.Words, Steps: []string{}, Asks: []api.Answer{}, Given: []api.Given{},
		Needed: w.Needed, ValidSeconds: w.Valid.Seconds(),
	}
	for _, word := range w.Premise.Words {
		if strings.HasPrefix(word, "step ") {
			out.Steps = append(out.Steps, word)
		}
	}
	for _, v := range w.Verdicts {
		answer := api.Answer{Guard: v.Guard, Reason: v.Reason, Detail: v.Detail, Count: 1}
		switch {
		case v.OK:
		case v.Reason == repair.ReasonApproval:
			out.Asks = append(out.Asks, answer)
		default:
			out.Also = append(out.Also, answer)
		}
	}
	for _, g := range w.Given {
		out.Given = append(out.Given, api.Given{By: g.Actor, At: g.Wall, Comment: g.Comment, LeftSeconds: w.Left(g).Seconds()})
	}
	return out
}

func shapeEscalated(e *repair.Engine, episode string) []api.Escalated {
	reasons, acked := e.Tells(episode)
	out := make([]api.Escalated, len(reasons))
	for i, reason := range reasons {
		out[i].Reason = reason
		for _, a := range acked {
			out[i].Acknowledged = out[i].Acknowledged || a == reason
		}
	}
	return out
}
