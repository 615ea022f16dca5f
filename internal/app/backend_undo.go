package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/repair"
)

// Undos implements api.Backend.
func (b backend) Undos(ctx context.Context) ([]api.Undo, error) {
	out := []api.Undo{}
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		for _, o := range e.State().Owed() {
			out = append(out, shapeOwed(e, o))
		}
	})
	return out, err
}

func shapeOwed(e *repair.Engine, o repair.Owed) api.Undo {
	return api.Undo{
		Run: o.Run, Episode: o.Episode, Playbook: o.Playbook, Target: o.Target, Steps: shapeUndo(o.Steps),
		Opened: o.Undo, Since: o.Wall, Waits: e.OwedFor(o.Run),
	}
}

func shapeUndo(steps []repair.PlannedStep) []api.UndoStep {
	out := make([]api.UndoStep, 0, len(steps))
	for _, s := range steps {
		out = append(out, api.UndoStep{Name: s.Name, Action: s.Action, Does: s.Does(), Was: s.Undoes.Was})
	}
	return out
}

// Undo implements api.Backend.
func (b backend) Undo(ctx context.Context, run string) (api.Undo, error) {
	of, err := b.undoing(ctx, run)
	return shapeUndoing(of), err
}

// undoing is read from the journal: a run that ended is no state. Where the index has
// all of it, from its plan to the newest record, nothing else is read.
func (b backend) undoing(ctx context.Context, run string) (repair.Undoing, error) {
	recorded, err := b.Recorded(ctx, run)
	if err == nil && recorded.Left == 0 && !recorded.Behind && recorded.Unread == "" {
		of, err := repair.UndoingOf(run, recorded.Records)
		if !errors.Is(err, repair.ErrNotFound) {
			return of, told(err)
		}
	}
	records, err := story.Read(b.app.journalDir(), run)
	if err != nil && !errors.Is(err, story.ErrNotFound) {
		return repair.Undoing{}, err
	}
	of, err := repair.UndoingOf(run, records)
	return of, told(err)
}

func shapeUndoing(of repair.Undoing) api.Undo {
	return api.Undo{Run: of.Run, Episode: of.Episode, Playbook: of.Playbook, Target: of.Target, Steps: shapeUndo(of.Steps), Left: of.Left}
}

// TakeBack implements api.Backend.
func (b backend) TakeBack(ctx context.Context, run, by, comment string) (api.Undo, error) {
	of, err := b.undoing(ctx, run)
	if err != nil {
		return api.Undo{}, err
	}
	a, _, err := b.app.seq.Submit(ctx, repair.Undo{Of: of, Actor: by, Comment: comment})
	if err != nil {
		return api.Undo{}, told(err)
	}
	out := shapeUndoing(of)
	out.Opened = a.Run
	return out, nil
}

// LeaveUndo implements api.Backend.
func (b backend) LeaveUndo(ctx context.Context, run, by string) error {
	_, _, err := b.app.seq.Submit(ctx, repair.LeaveUndo{Run: run, Actor: by})
	return told(err)
}

// refused is the answer to an operator's word that is not followed.
func refused(err error) error {
	return &api.Error{Status: http.StatusConflict, Message: strings.TrimPrefix(err.Error(), repair.ErrRefused.Error()+": ")}
}
