package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
)

type dependencyCollector struct {
	clusters                                  []cluster.Cluster
	edge, ok, seen, depth, inOrder, explained *Metric
}

func newDependency(h Host) Collector {
	return &dependencyCollector{
		clusters:  h.Declared.Clusters,
		edge:      gauge("fettle_dependency_edge", "Always 1: the cluster cannot work without the other one.", "cluster", "on"),
		ok:        gauge("fettle_dependency_ok", "1 if what the cluster depends on is in order. Absent where this exporter does not look at that one.", "cluster", "on"),
		seen:      gauge("fettle_dependency_seen", "1 if this exporter looks at what the cluster depends on.", "cluster", "on"),
		depth:     gauge("fettle_dependency_depth", "How many clusters lie below this one, on the longest way down. 0: it depends on none.", "cluster"),
		inOrder:   gauge("fettle_dependency_in_order", "1 if the cluster takes requests: it has a leader that a quorum names, or a primary that takes writes, or, where there is neither, a member that answers. Only of clusters that this exporter looks at.", "cluster"),
		explained: gauge("fettle_dependency_explained", "1 if the cluster is not in order, and one that it depends on is not either, directly or over others. Only of clusters that this exporter looks at.", "cluster"),
	}
}

func (c *dependencyCollector) Metrics() []*Metric {
	return []*Metric{c.edge, c.ok, c.seen, c.depth, c.inOrder, c.explained}
}

// Collect tells of the inventory's graph, which has no circle, and what is seen of it.
func (c *dependencyCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	involved := c.involved()
	if len(involved) == 0 {
		return nil // nothing depends on anything
	}
	var kinds []cluster.Kind
	for _, cl := range involved {
		kinds = append(kinds, cl.Kind)
	}
	views, err := s.Views(kinds...)
	g := graph{on: map[string][]string{}, ordered: map[string]bool{}}
	for _, v := range views {
		g.ordered[v.Cluster] = inOrder(v)
	}
	for _, cl := range c.clusters {
		g.on[cl.Name] = cl.DependsOn
	}
	for _, cl := range involved {
		for _, on := range cl.DependsOn {
			ordered, seen := g.ordered[on]
			emit(c.edge, 1, cl.Name, on)
			emit(c.seen, boolean(seen), cl.Name, on)
			if seen {
				emit(c.ok, boolean(ordered), cl.Name, on)
			}
		}
		emit(c.depth, float64(g.depth(cl.Name)), cl.Name)
		if ordered, seen := g.ordered[cl.Name]; seen {
			emit(c.inOrder, boolean(ordered), cl.Name)
			emit(c.explained, boolean(!ordered && g.troubled(cl.Name)), cl.Name)
		}
	}
	return err
}

// involved are the clusters that depend on one, or that one depends on, in order.
func (c *dependencyCollector) involved() []cluster.Cluster {
	below := map[string]bool{}
	for _, cl := range c.clusters {
		for _, on := range cl.DependsOn {
			below[on] = true
		}
	}
	var all []cluster.Cluster
	for _, cl := range c.clusters {
		if len(cl.DependsOn) > 0 || below[cl.Name] {
			all = append(all, cl)
		}
	}
	return all
}

// graph is what depends on what, and which of the clusters that are looked at are in order.
type graph struct {
	on      map[string][]string
	ordered map[string]bool
}

// depth is the longest way down. The inventory's check allows no circle.
func (g graph) depth(name string) int {
	known := map[string]int{}
	var deep func(string) int
	deep = func(name string) int {
		if d, done := known[name]; done {
			return d
		}
		d := 0
		for _, on := range g.on[name] {
			d = max(d, 1+deep(on))
		}
		known[name] = d
		return d
	}
	return deep(name)
}

// troubled tells that something below a cluster is seen not to be in order.
func (g graph) troubled(name string) bool {
	done := map[string]bool{}
	var look func(string) bool
	look = func(name string) bool {
		for _, on := range g.on[name] {
			if ordered, seen := g.ordered[on]; seen && !ordered {
				return true
			}
			if !done[on] {
				done[on] = true
				if look(on) {
					return true
				}
			}
		}
		return false
	}
	return look(name)
}

// inOrder tells that a cluster takes requests, as far as its View can tell.
func inOrder(v cluster.View) bool {
	led, answers := false, false
	for _, m := range v.Members {
		answers = answers || m.Reachable
		led = led || m.Sync != nil && m.Sync.Up && m.Sync.Running && m.Sync.Role == cluster.Primary
	}
	return led || answers && !hasPrimary(v.Kind)
}

// hasPrimary tells whether a cluster of the kind works only with a leader or primary.
func hasPrimary(k cluster.Kind) bool {
	switch k {
	case cluster.KindEtcd, cluster.KindConsul, cluster.KindMySQL, cluster.KindPostgres, cluster.KindRedis,
		cluster.KindMongoDB, cluster.KindZooKeeper:
		return true
	default:
		return false
	}
}
