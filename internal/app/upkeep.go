package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fettle-io/fettle/journal"
)

const (
	// scrubPace is how fast older segments are read again, in bytes per second: a disk
	// that repairs depend on is not to be kept busy.
	scrubPace = 8 << 20
	// scrubEvery is the time between the end of one reading and the next.
	scrubEvery = time.Hour
	// archiveEvery is how often old segments are looked for.
	archiveEvery = 10 * time.Minute
)

// upkeep scrubs and archives the journal until ctx is done, apart from whoever writes it,
// and looks at those that tell fettle of faults.
func (a *App) upkeep(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { every(ctx, scrubEvery, a.scrub) })
	both.Go(func() { every(ctx, memoryEvery, limitMemory) })
	both.Go(func() { every(ctx, indexEvery, a.catchUp) })
	both.Go(func() { every(ctx, monitorsEvery, a.lookAtMonitors) })
	if now, _ := a.running(); now.Journal.Archive.Dir != "" {
		both.Go(func() { every(ctx, archiveEvery, a.archive) })
	}
	both.Wait()
}

// every calls fn now and then again and again, until ctx is done.
func every(ctx context.Context, pause time.Duration, fn func(context.Context)) {
	for {
		fn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// scrub reads again what a start does not. What it finds stops repairs until somebody
// has looked: the journal is what tells what was done.
func (a *App) scrub(ctx context.Context) {
	err := journal.Scrub(ctx, a.journalDir(), scrubPace)
	var damage *journal.DamageError
	switch {
	case err == nil:
		a.meters.scrubbed(a.clock().Wall)
	case errors.As(err, &damage):
		says := "an older part of the journal is damaged: " + damage.Error()
		a.damage.Store(&says)
		a.meters.damaged()
		a.o.Log.Error("the journal is damaged, nothing new is begun", "err", err)
	case ctx.Err() == nil:
		a.o.Log.Warn("scrub of the journal", "err", err)
	}
}

// damaged is what the scrub found, empty while it found nothing.
func (a *App) damaged() string {
	if says := a.damage.Load(); says != nil {
		return *says
	}
	return ""
}

func (a *App) archive(context.Context) {
	now, _ := a.running()
	to := now.Journal.Archive
	moved, err := a.journal.Archive(to.Dir, to.Keep)
	if err != nil {
		a.o.Log.Error("old segments of the journal could not be archived", "dir", to.Dir, "err", err)
	}
	if moved > 0 {
		a.o.Log.Info("old segments of the journal archived", "dir", to.Dir, "segments", moved)
	}
}
