package api_test

import (
	"context"
	"net/http"

	"github.com/fettle-io/fettle/api"
)

func anUndo() api.Undo {
	was := "in"
	return api.Undo{
		Run: "r1", Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2",
		Steps: []api.UndoStep{{Name: "undo-isolate", Action: "exec", Does: "runs /usr/bin/pool in", Was: &was}},
	}
}

func (b *fakeBackend) Undos(context.Context) ([]api.Undo, error) {
	u := anUndo()
	u.Since, u.Waits = at(2), "the target is not in order"
	return []api.Undo{u}, b.broken
}

func (b *fakeBackend) Undo(_ context.Context, run string) (api.Undo, error) {
	if run != "r1" {
		return api.Undo{}, &api.Error{Status: http.StatusConflict, Message: "step start (member-start) declares no undo"}
	}
	return anUndo(), nil
}

func (b *fakeBackend) TakeBack(_ context.Context, run, by, comment string) (api.Undo, error) {
	b.note("undo %s by %s: %s", run, by, comment)
	u, err := b.Undo(context.Background(), run)
	u.Opened = "r2"
	return u, err
}

func (b *fakeBackend) LeaveUndo(_ context.Context, run, by string) error {
	b.note("leave %s by %s", run, by)
	return nil
}
