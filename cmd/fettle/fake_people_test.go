package main

import (
	"context"
	"net/http"

	"github.com/fettle-io/fettle/api"
)

// e2 waits for two people, and one of them has approved it.
func waitingEpisode() api.Episode {
	return api.Episode{
		ID: "e2", Fingerprint: "22c5b08d79aa2e85", Alertname: "FettleRaftMemberDown", Target: "demo/m3", Active: true, Opened: at(4), Runs: []string{},
		WaitsFor: "a person's approval: `fettle approve e2`",
		Approval: &api.Approval{
			Premise: "sha256:77", Words: []string{"playbook etcd-member-restart 0a", "target demo/m3", "step 1 start: member-start", "member m1 id 8e: voter, leader, version 3.5.21"},
			Steps: []string{"step 1 start: member-start"}, Asks: []api.Answer{{Guard: "autonomy", Reason: "approval", Detail: "autonomy is approve \x1b[2J"}},
			Also:  []api.Answer{{Guard: "pause", Reason: "paused", Detail: "paused by carol"}},
			Given: []api.Given{{By: "bob", At: at(5), LeftSeconds: 61}}, Needed: 2, ValidSeconds: 900,
		},
	}
}

func (b *fakeServer) Approve(_ context.Context, w api.Word) (api.Approved, error) {
	switch {
	case w.Episode != "e2":
		return api.Approved{}, &api.Error{Status: http.StatusConflict, Message: "episode " + w.Episode + " waits for no approval: its last answer is pause(paused)"}
	case w.Premise != "sha256:77":
		return api.Approved{}, &api.Error{Status: http.StatusConflict, Message: "the world changed: was: member m1; is: member m1, leader. Look at it again"}
	}
	b.note(w.By, "approve %s %s (%s)", w.Episode, w.Premise, w.Comment)
	return api.Approved{Episode: w.Episode, Premise: w.Premise, By: []string{"bob", "alice"}, Needed: 2}, nil
}

func (b *fakeServer) Acknowledge(_ context.Context, w api.Word) error {
	if w.Episode == "e1" {
		return &api.Error{Status: http.StatusConflict, Message: "nobody was told of episode e1: there is nothing to acknowledge"}
	}
	b.note(w.By, "ack %s (%s)", w.Episode, w.Comment)
	return nil
}
