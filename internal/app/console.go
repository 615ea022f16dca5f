package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/console"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/promql"
)

const (
	// indexEvery is how often the index of the journal is brought up to date.
	indexEvery = 2 * time.Second
	// indexWait is how long a page waits for it to be.
	indexWait = 30 * time.Millisecond
	// storyMost is how many records of a story a page shows.
	storyMost = 400
)

// openConsole puts the pages for people on their routes.
func (a *App) openConsole(r gin.IRoutes) error {
	a.index = journal.NewIndex(a.journalDir(), story.About)
	pages, err := console.New(console.Options{
		Backend: backend{a}, Log: a.o.Log, Now: func() time.Time { return a.clock().Wall },
		Clusters: a.parts.declared, Prometheus: a.asked,
	})
	if err != nil {
		return err
	}
	pages.Register(r)
	return nil
}

// catchUp brings the index up to date. What it cannot read the next time will tell, and
// the scrub is there to find damage.
func (a *App) catchUp(ctx context.Context) {
	err, said := a.index.CatchUp(ctx), ""
	if err != nil {
		said = err.Error()
	}
	if err != nil && ctx.Err() == nil && said != a.unread { // once, and not every two seconds
		a.o.Log.Warn("the index of the journal is not up to date: the console's stories lack records", "err", err)
	}
	a.unread = said
}

// declared are the clusters of the running configuration.
func (p *parts) declared() []cluster.Cluster {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.clusters
}

// asked is the Prometheus of the running configuration, nil where there is none.
func (a *App) asked() (*promql.Client, time.Duration) {
	now, _ := a.running()
	a.parts.mu.RLock()
	defer a.parts.mu.RUnlock()
	return a.parts.prometheus, now.Prometheus.ScrapeInterval
}

// Recorded implements console.Backend. What cannot be read is no error: a page that
// tells the rest is worth more, while it says so.
func (b backend) Recorded(ctx context.Context, id string) (out console.Recorded, err error) {
	wait, cancel := context.WithTimeout(ctx, indexWait)
	defer cancel()
	size := b.app.journal.Size()
	behind := b.app.index.CatchUp(wait)
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if next := b.app.index.Next(); behind == nil && next < size { // damage at the end looks like a line that is being written
		behind = fmt.Errorf("the records %d to %d are not in the journal's files as they were written", next, size-1)
	}
	out.Behind = behind != nil
	if errors.Is(behind, context.DeadlineExceeded) {
		behind = nil
	}
	records, left, unread := b.app.index.Records(id, storyMost)
	episode, run := story.EpisodeOf(records, id), id
	if episode == "" {
		episode, run = id, ""
	} else {
		records, left, unread = b.app.index.Records(episode, storyMost)
	}
	if err := cmp.Or(behind, unread); err != nil {
		out.Unread = err.Error()
	}
	out.Records, out.Left = story.Pick(records, episode, run), left
	return out, nil
}
