package exporter

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Heartbeat says which members are watched from here, and for how long each layer of
// them may be silent. Durations that are 0 are the defaults: 5 s, 10 s, 30 s.
type Heartbeat struct {
	// Here are the members on this machine; watched are the others of their clusters.
	Here []cluster.Target
	// Network, Application and Data are how long each layer may be silent.
	Network, Application, Data time.Duration
}

// layers are the values of the label `layer`.
const (
	layerNetwork     = "network"
	layerApplication = "application"
	layerData        = "data"
)

type heartbeatCollector struct {
	Heartbeat
	reach func(ctx context.Context, m cluster.Member) bool // whether the member's machine is there
	now   func() time.Time
	ok    *Metric // state
	age   *Metric // measured

	mu     sync.Mutex
	pulses map[string]*pulse // by cluster/member
}

func newHeartbeat(h Host) Collector {
	l := []string{"cluster", "from", "member", "layer"}
	c := &heartbeatCollector{
		Heartbeat: h.Heartbeat, reach: reach, now: time.Now, pulses: map[string]*pulse{},
		ok:  gauge("fettle_heartbeat_ok", "1 if the member's layer was seen alive from this machine within its limit.", l...),
		age: gauge("fettle_heartbeat_age_seconds", "How long ago the member's layer was seen alive last. Absent if it never was since the exporter's start or its last reload.", l...),
	}
	for limit, or := range map[*time.Duration]time.Duration{&c.Network: 5 * time.Second, &c.Application: 10 * time.Second, &c.Data: 30 * time.Second} {
		if *limit <= 0 {
			*limit = or
		}
	}
	return c
}

func (c *heartbeatCollector) Metrics() []*Metric { return []*Metric{c.ok, c.age} }

// Collect tells of each pair of a member here and another one of its cluster. What the
// driver saw of a member says most; only the machine of one that said nothing is asked.
func (c *heartbeatCollector) Collect(ctx context.Context, s *Scrape, emit Emit) error {
	var kinds []cluster.Kind
	from := map[string][]string{} // members here, by cluster
	members := map[string][]cluster.Member{}
	for _, t := range c.Here {
		kinds = append(kinds, t.Cluster.Kind)
		from[t.Cluster.Name] = append(from[t.Cluster.Name], t.Member.Name)
		members[t.Cluster.Name] = t.Cluster.Members
	}
	if len(kinds) == 0 {
		return nil
	}
	views, err := s.Views(kinds...)
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(ctx, leave(until))
	defer cancel()
	for _, v := range views {
		c.feel(ctx, v, members[v.Cluster], from[v.Cluster])
		for _, here := range from[v.Cluster] {
			for _, m := range v.Members {
				if m.Name != here {
					c.tell(v, here, m, emit)
				}
			}
		}
	}
	return err
}

// feel takes the pulse of each member of v that is watched from one of these.
func (c *heartbeatCollector) feel(ctx context.Context, v cluster.View, members []cluster.Member, from []string) {
	var asked sync.WaitGroup
	for _, m := range v.Members {
		if len(from) == 0 || len(from) == 1 && from[0] == m.Name {
			continue
		}
		asked.Go(func() {
			there := spoke(m)
			i := slices.IndexFunc(members, func(d cluster.Member) bool { return d.Name == m.Name })
			if !there && i >= 0 {
				there = c.reach(ctx, members[i])
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pulse(v.Cluster, m.Name).feel(m, there, c.now())
		})
	}
	asked.Wait()
}

// pulse is a member's; the caller holds c.mu.
func (c *heartbeatCollector) pulse(cluster, member string) *pulse {
	p := c.pulses[cluster+"/"+member]
	if p == nil {
		p = &pulse{}
		c.pulses[cluster+"/"+member] = p
	}
	return p
}

func (c *heartbeatCollector) tell(v cluster.View, from string, m cluster.MemberView, emit Emit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, now := c.pulse(v.Cluster, m.Name), c.now()
	beats := []struct {
		layer string
		last  time.Time
		limit time.Duration
	}{
		{layerNetwork, p.network, c.Network},
		{layerApplication, p.application, c.Application},
		{layerData, p.data, c.Data},
	}
	for _, b := range beats {
		if b.layer == layerData && !slices.Contains(replicated(), v.Kind) {
			continue // its members follow nobody
		}
		age := now.Sub(b.last)
		emit(c.ok, boolean(!b.last.IsZero() && age <= b.limit), v.Cluster, from, m.Name, b.layer)
		if !b.last.IsZero() {
			emit(c.age, age.Seconds(), v.Cluster, from, m.Name, b.layer)
		}
	}
}
