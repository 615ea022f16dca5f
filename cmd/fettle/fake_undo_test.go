package main

import (
	"context"
	"net/http"

	"github.com/fettle-io/fettle/api"
)

func (b *fakeServer) Undos(context.Context) ([]api.Undo, error) {
	if b.empty {
		return nil, nil
	}
	return []api.Undo{{
		Run: "r0", Episode: "e1", Playbook: "pool", Target: "demo/m2", Since: at(1), Waits: "the target is not in order: \x1b[2Jdead",
		Steps: []api.UndoStep{{Name: "undo-isolate", Action: "exec", Does: "runs /usr/bin/pool in"}},
	}}, nil
}

// Undo knows r0, whose undo is done, r3, whose undo a guard refuses, and r1.
func (b *fakeServer) Undo(_ context.Context, run string) (api.Undo, error) {
	was := "in\x1b[2J"
	switch run {
	case "r0", "r3":
		return api.Undo{
			Run: run, Episode: "e1", Playbook: "pool", Target: "demo/m2", Left: []string{"step start (member-start) declares no undo"},
			Steps: []api.UndoStep{{Name: "undo-isolate", Action: "exec", Does: "runs /usr/bin/pool in", Was: &was}},
		}, nil
	case "r1":
		return api.Undo{}, &api.Error{Status: http.StatusConflict, Message: "step start (member-start) declares no undo"}
	}
	return api.Undo{}, api.NotFound("run", run)
}

func (b *fakeServer) TakeBack(ctx context.Context, run, by, comment string) (api.Undo, error) {
	b.note(by, "undo %s (%s)", run, comment)
	u, err := b.Undo(ctx, run)
	u.Opened = "u-" + run
	return u, err
}

// undoRun is how an undo ended.
func undoRun(id string) (api.Run, bool) {
	switch id {
	case "u-r0":
		return api.Run{ID: id, Undoes: "r0", Outcome: "repaired", Target: "demo/m2", Steps: []api.Step{}}, true
	case "u-r3":
		return api.Run{ID: id, Outcome: "blocked", Guard: "pause", Reason: "paused", Detail: "paused by alice", Steps: []api.Step{}}, true
	}
	return api.Run{}, false
}

func (b *fakeServer) LeaveUndo(_ context.Context, run, by string) error {
	if run != "r0" {
		return &api.Error{Status: http.StatusNotFound, Message: `nothing of run "` + run + `" is to be taken back`}
	}
	b.note(by, "leave %s", run)
	return nil
}
