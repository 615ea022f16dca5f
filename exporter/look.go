package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

	mu     sync.Mutex
	failed map[string]string // by member, why it could not be asked last; only a change is logged
}

// Scrape is what the collectors of one scrape share: one look at each cluster,
// taken when the first of them asks.
type Scrape struct {
	clusters []*watched
	looks    []func() (cluster.View, error) // one for each
}

// scrapeOf is a scrape that looks at these until ctx ends, and logs to log what changed.
func scrapeOf(ctx context.Context, clusters []*watched, log *slog.Logger) *Scrape {
	s := &Scrape{clusters: clusters}
	for _, c := range clusters {
		s.looks = append(s.looks, sync.OnceValues(func() (cluster.View, error) {
			v, err := c.look(ctx)
			c.note(v, log)
			return v, err
		}))
	}
	return s
}

// Views are the Views of the clusters of these kinds (none: of all), in the
// inventory's order. The error names the clusters whose look did not come back;
// their View says of every member that it is not reachable.
func (s *Scrape) Views(kinds ...cluster.Kind) ([]cluster.View, error) {
	views := make([]cluster.View, len(s.clusters))
	errs := make([]error, len(s.clusters))
	var looks sync.WaitGroup
	for i, c := range s.clusters {
		if len(kinds) == 0 || slices.Contains(kinds, c.Cluster.Kind) {
			looks.Go(func() { views[i], errs[i] = s.looks[i]() })
		}
	}
	looks.Wait()
	return slices.DeleteFunc(views, func(v cluster.View) bool { return v.Cluster == "" }), errors.Join(errs...)
}

// cluster is a cluster of the inventory; the zero value where it is not there.
func (s *Scrape) cluster(name string) cluster.Cluster {
	for _, c := range s.clusters {
		if c.Cluster.Name == name {
			return c.Cluster
		}
	}
	return cluster.Cluster{}
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

// note logs the members that begin to fail, fail for another reason, or answer again.
func (c *watched) note(v cluster.View, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, members := range [][]cluster.MemberView{v.Members, v.Witnesses} {
		for _, m := range members {
			before, known := c.failed[m.Name]
			if m.Error == before {
				continue
			}
			if c.failed == nil {
				c.failed = map[string]string{}
			}
			if c.failed[m.Name] = m.Error; m.Error != "" {
				log.Warn("A member cannot be asked", "cluster", v.Cluster, "member", m.Name, "reason", m.Error, "err", m.Why)
			} else if known {
				log.Info("A member answers again", "cluster", v.Cluster, "member", m.Name)
			}
		}
	}
}

// blind is the View of a cluster at which nothing could be seen.
func blind(c cluster.Cluster) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind, Members: make([]cluster.MemberView, len(c.Members))}
	for i, m := range c.Members {
		v.Members[i] = cluster.MemberView{Name: m.Name, ID: m.MemberID, Error: cluster.Timeout, Why: "the look did not come back in time"}
	}
	for _, name := range c.Redis.Sentinels {
		v.Witnesses = append(v.Witnesses, cluster.MemberView{Name: name, Error: cluster.Timeout, Why: "the look did not come back in time"})
	}
	return v
}
