package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/gluster"
)

type glusterCollector struct {
	servers, reachable, quorum, margin, up *Metric // state
	registered, pending                    *Metric // measured

	reported                  *Metric // a report's state
	written, unasked, entries *Metric // measured
}

func newGluster(Host) Collector {
	c, b, v := []string{"cluster"}, []string{"cluster", "member", "volume", "brick"}, []string{"cluster", "volume"}
	return &glusterCollector{
		servers:    gauge("fettle_gluster_servers", "Servers of the inventory.", c...),
		reachable:  gauge("fettle_gluster_servers_reachable", "Servers whose management daemon answers this exporter.", c...),
		quorum:     gauge("fettle_gluster_quorum", "Servers that the server quorum wants, where it is on: half of them, rounded down, plus one.", c...),
		margin:     gauge("fettle_gluster_margin", "Servers that may still fail: those reachable less the quorum. Negative: the quorum is lost.", c...),
		up:         gauge("fettle_gluster_brick_up", "1 if the brick's process answers this exporter.", b...),
		registered: gauge("fettle_gluster_brick_registered", "1 if the server's management daemon has a port of the brick. Absent while it does not answer.", b...),
		pending:    gauge("fettle_gluster_brick_pending_heals", "Files and directories of which this brick knows that another brick has an older copy; 100000 is that many or more. Absent on other machines than the brick's, while its management daemon does not answer, and without the right to read it.", b...),

		reported: gauge("fettle_gluster_heal_report_up", "1 if this machine has what gluster said of the volume's split brains, and it is of now. 0 also where nobody writes it. Absent unless gluster.heal_reports is declared.", v...),
		written:  gauge("fettle_gluster_heal_report_timestamp_seconds", "When that was written, in Unix time. Absent if there is none on this machine.", v...),
		unasked:  gauge("fettle_gluster_heal_report_bricks_unasked", "Bricks that could not be asked for it. Absent without a report that is of now.", v...),
		entries:  gauge("fettle_gluster_split_brain_entries", "Files and directories of the volume whose copies blame each other: they are not healed, and cannot be read. Absent without a report that is of now, and where it names none but could not ask all bricks.", v...),
	}
}

func (c *glusterCollector) Metrics() []*Metric {
	return []*Metric{c.servers, c.reachable, c.quorum, c.margin, c.up, c.registered, c.pending, c.reported, c.written, c.unasked, c.entries}
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
		err = errors.Join(err, c.reports(v, s.cluster(v.Cluster), emit))
	}
	return err
}

// reports tells of the reports on this machine. The error is why one cannot be read.
func (c *glusterCollector) reports(v cluster.View, declared cluster.Cluster, emit Emit) error {
	seen, ok := v.Detail.(*gluster.Summary)
	if !ok { // the look did not come back
		if seen = (&gluster.Summary{}); declared.Gluster.HealReports != "" {
			for _, b := range declared.Gluster.Bricks {
				if !slices.ContainsFunc(seen.Reports, func(r gluster.Report) bool { return r.Volume == b.Volume }) {
					seen.Reports = append(seen.Reports, gluster.Report{Volume: b.Volume})
				}
			}
		}
	}
	for _, r := range seen.Reports {
		labels := []string{v.Cluster, r.Volume}
		emit(c.reported, boolean(r.Up), labels...)
		if !r.Written.IsZero() {
			emit(c.written, float64(r.Written.UnixNano())/1e9, labels...)
		}
		if r.Up {
			emit(c.unasked, float64(r.Unasked), labels...)
			optional(emit, c.entries, r.Entries, labels)
		}
	}
	if seen.Err != nil {
		return fmt.Errorf("cluster %q: %w", v.Cluster, seen.Err)
	}
	return nil
}
