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
	looks    []*glance // one for each
}

// glance is one look at one cluster, whoever asks for it.
type glance struct {
	take  func() (cluster.View, error)
	begun sync.Once
	done  chan struct{}
	view  cluster.View
	err   error
}

func newGlance(take func() (cluster.View, error)) *glance {
	return &glance{take: take, done: make(chan struct{})}
}

// begin takes it, unless somebody did; done tells when it is there.
func (g *glance) begin() {
	g.begun.Do(func() {
		go func() {
			defer close(g.done)
			g.view, g.err = g.take()
		}()
	})
}

// scrapeOf is a scrape that looks at these until ctx ends, and logs to log what changed.
func scrapeOf(ctx context.Context, clusters []*watched, log *slog.Logger) *Scrape {
	s := &Scrape{clusters: clusters}
	for _, c := range clusters {
		s.looks = append(s.looks, newGlance(func() (cluster.View, error) {
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
	var asked []*glance
	for i, c := range s.clusters {
		if len(kinds) == 0 || slices.Contains(kinds, c.Cluster.Kind) {
			s.looks[i].begin()
			asked = append(asked, s.looks[i])
		}
	}
	var views []cluster.View
	var errs []error
	for _, g := range asked {
		<-g.done
		views, errs = append(views, g.view), append(errs, g.err)
	}
	return views, errors.Join(errs...)
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
