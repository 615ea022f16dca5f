package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/gluster"
)

type glusterCollector struct {
	servers, reachable, quorum, margin, up *Metric // state
	registered, pending                    *Metric // measured
}

func newGluster(Host) Collector {
	c, b := []string{"cluster"}, []string{"cluster", "member", "volume", "brick"}
	return &glusterCollector{
		servers:    gauge("fettle_gluster_servers", "Servers of the inventory.", c...),
		reachable:  gauge("fettle_gluster_servers_reachable", "Servers whose management daemon answers this exporter.", c...),
		quorum:     gauge("fettle_gluster_quorum", "Servers that the server quorum wants, where it is on: half of them, rounded down, plus one.", c...),
		margin:     gauge("fettle_gluster_margin", "Servers that may still fail: those reachable less the quorum. Negative: the quorum is lost.", c...),
		up:         gauge("fettle_gluster_brick_up", "1 if the brick's process answers this exporter.", b...),
		registered: gauge("fettle_gluster_brick_registered", "1 if the server's management daemon has a port of the brick. Absent while it does not answer.", b...),
		pending:    gauge("fettle_gluster_brick_pending_heals", "Files and directories of which this brick knows that another brick has an older copy; 100000 is that many or more. Absent on other machines than the brick's, while its management daemon does not answer, and without the right to read it.", b...),
	}
}

func (c *glusterCollector) Metrics() []*Metric {
	return []*Metric{c.servers, c.reachable, c.quorum, c.margin, c.up, c.registered, c.pending}
}

func (c *glusterCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindGluster)
	for _, v := range views {
		emit(c.servers, float64(v.Voters()), v.Cluster)
		emit(c.reachable, float64(v.VotersReachable()), v.Cluster)
		emit(c.quorum, float64(v.Quorum()), v.Cluster)
		emit(c.margin, float64(v.Margin()), v.Cluster)
		seen := map[cluster.GlusterBrick]gluster.Brick{}
		for _, m := range v.Members {
			if d, ok := m.Detail.(*gluster.Member); ok {
				for _, b := range d.Bricks {
					seen[b.GlusterBrick] = b
				}
			}
		}
		for _, declared := range s.cluster(v.Cluster).Gluster.Bricks {
			b := seen[declared]
			labels := []string{v.Cluster, declared.Member, declared.Volume, declared.Path}
			emit(c.up, boolean(b.Up), labels...)
			if b.Registered != nil {
				emit(c.registered, boolean(*b.Registered), labels...)
			}
			if b.Pending != nil {
				emit(c.pending, float64(*b.Pending), labels...)
			}
		}
	}
	return err
}
