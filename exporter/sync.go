package exporter

import (
	"context"
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

type syncCollector struct {
	up, running *Metric // state
	lag         *Metric // measured
}

func newSync(Host) Collector {
	labels := []string{"cluster", "member"}
	return &syncCollector{
		up:      gauge("fettle_sync_up", "1 if the member can be asked how far it is.", labels...),
		running: gauge("fettle_sync_running", "1 if the member follows (or is) the cluster's leader and has no CORRUPT alarm, which stops it from applying.", labels...),
		lag:     gauge("fettle_sync_lag_entries", "Entries that the leader has committed and the member has not applied. Absent while either cannot be read.", labels...),
	}
}

func (c *syncCollector) Metrics() []*Metric { return []*Metric{c.up, c.running, c.lag} }

func (c *syncCollector) Collect(ctx context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(ctx)
	for _, v := range views {
		leader, led := v.Leader()
		for _, m := range v.Members {
			emit(c.up, boolean(m.Reachable), v.Cluster, m.Name)
			emit(c.running, boolean(led && follows(m, leader)), v.Cluster, m.Name)
			if led && leader.Reachable && m.Reachable {
				emit(c.lag, behind(m, leader), v.Cluster, m.Name)
			}
		}
	}
	return err
}

// follows tells that m is in the leader's term and names it: a cut-off member
// that still names an old leader, or itself, does not.
func follows(m, leader cluster.MemberView) bool {
	return m.Reachable && m.Leader == leader.ID && m.Term >= leader.Term && !slices.Contains(m.Alarms, "CORRUPT")
}

// behind is never negative: a member that was asked after its leader may have
// applied more than the leader had committed then.
func behind(m, leader cluster.MemberView) float64 {
	if m.Applied >= leader.Commit {
		return 0
	}
	return float64(leader.Commit - m.Applied)
}
