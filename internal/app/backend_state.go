package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// Ready implements api.Backend: messages can be taken while the journal can be
// written, and there is room for them.
func (b backend) Ready(context.Context) error {
	if err := b.app.seq.Failed(); err != nil {
		return err
	}
	return b.app.journal.Full()
}

// Reload implements api.Backend.
func (b backend) Reload(ctx context.Context) error {
	if err := b.app.Reload(ctx); err != nil {
		return &api.Error{Status: http.StatusBadRequest, Message: err.Error(), Hint: "the old configuration stays in use"}
	}
	return nil
}

// State implements api.Backend.
func (b backend) State(ctx context.Context) (api.State, error) {
	a := b.app
	cfg, loadErr := a.running()
	s := api.State{
		Version: a.o.Version, Started: a.started.Wall, UptimeSeconds: (a.clock().Since - a.started.Since).Seconds(),
		Journal: api.JournalState{
			ID: a.journal.Identity().ID, Dir: a.journalDir(), Writable: a.seq.Failed() == nil,
			Records: a.journal.Size(), Checkpointed: a.journal.Checkpointed(), Bytes: a.journal.Bytes(),
		},
		Config: api.ConfigState{File: cfg.file, Digest: cfg.digest(), Loaded: cfg.loaded},
	}
	if loadErr != nil {
		s.Config.Error = loadErr.Error()
	}
	if err := b.Ready(ctx); err != nil {
		s.NotReady = err.Error()
	}
	err := a.seq.Read(ctx, func(e *repair.Engine) {
		s.EpisodesOpen, s.RunsLive = e.State().Open()
		s.RunsOwed = len(e.State().Owed())
	})
	if err != nil {
		return s, err
	}
	s.Pauses, err = b.Pauses(ctx)
	return s, err
}

// told turns what an operator's word came to into an answer that teaches.
func told(err error) error {
	if errors.Is(err, repair.ErrNotFound) {
		return &api.Error{Status: http.StatusNotFound, Message: strings.TrimPrefix(err.Error(), repair.ErrNotFound.Error()+": ")}
	}
	if errors.Is(err, repair.ErrRefused) {
		return refused(err)
	}
	for _, closed := range []error{repair.ErrJournal, repair.ErrFull, repair.ErrStopped} {
		if errors.Is(err, closed) {
			return &api.Error{Status: http.StatusServiceUnavailable, Message: "nothing was done: " + closed.Error(), Hint: "the state and the log say more"}
		}
	}
	return err
}

func notFound(format string, args ...any) error {
	return &api.Error{Status: http.StatusNotFound, Message: fmt.Sprintf(format, args...)}
}
