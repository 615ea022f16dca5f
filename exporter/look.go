package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/fettle-io/fettle/cluster"
)

// Viewer looks at a whole cluster. It never fails: what could not be asked says
// so in the View. The driver of etcd is one (cluster/etcd).
type Viewer interface {
	View(ctx context.Context) cluster.View
}

// Source is a cluster of the inventory and who looks at it.
type Source struct {
	Cluster cluster.Cluster
	Viewer  Viewer
}

// watched is a Source at which at most one look is under way.
type watched struct {
	Source
	flight flight[cluster.View]
}

// Scrape is what the collectors of one scrape share: one look at each cluster,
// taken when the first of them asks.
type Scrape struct {
	clusters []*watched
	once     sync.Once
	views    []cluster.View
	err      error
}

// Views are the Views of all clusters, in the inventory's order. The error names
// the clusters whose look did not come back; their View says of every member that
// it is not reachable.
func (s *Scrape) Views(ctx context.Context) ([]cluster.View, error) {
	s.once.Do(func() {
		s.views = make([]cluster.View, len(s.clusters))
		errs := make([]error, len(s.clusters))
		var looks sync.WaitGroup
		for i, c := range s.clusters {
			looks.Go(func() { s.views[i], errs[i] = c.look(ctx) })
		}
		looks.Wait()
		s.err = errors.Join(errs...)
	})
	return s.views, s.err
}

func (c *watched) look(ctx context.Context) (cluster.View, error) {
	// The look ends before its caller does: the caller has to emit what it saw.
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(ctx, leave(until))
	defer cancel()
	v, err := c.flight.do(ctx, func(ctx context.Context) (cluster.View, error) {
		return c.Viewer.View(ctx), nil
	})
	if err != nil {
		return blind(c.Cluster), fmt.Errorf("look at cluster %q: %w", c.Cluster.Name, err)
	}
	return v, nil
}

// blind is the View of a cluster at which nothing could be seen.
func blind(c cluster.Cluster) cluster.View {
	v := cluster.View{Cluster: c.Name, Members: make([]cluster.MemberView, len(c.Members))}
	for i, m := range c.Members {
		v.Members[i] = cluster.MemberView{Name: m.Name, ID: m.MemberID, Error: "timeout"}
	}
	return v
}
