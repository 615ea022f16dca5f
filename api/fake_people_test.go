package api_test

import (
	"context"
	"net/http"

	"github.com/fettle-io/fettle/api"
)

func (b *fakeBackend) Approve(_ context.Context, w api.Word) (api.Approved, error) {
	if w.Premise != "sha256:77" {
		return api.Approved{}, &api.Error{Status: http.StatusConflict, Message: "the world changed"}
	}
	b.note("approve %s %s by %s: %s", w.Episode, w.Premise, w.By, w.Comment)
	return api.Approved{Episode: w.Episode, Premise: w.Premise, By: []string{w.By}, Needed: 1}, nil
}

func (b *fakeBackend) Acknowledge(_ context.Context, w api.Word) error {
	b.note("ack %s by %s: %s", w.Episode, w.By, w.Comment)
	return nil
}
