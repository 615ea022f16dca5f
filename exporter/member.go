package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
)

type memberCollector struct{ reachable, failure, pause, info *Metric }

func newMember(Host) Collector {
	m := []string{"cluster", "member"}
	return &memberCollector{
		reachable: gauge("fettle_member_reachable", "1 if the member answers this exporter.", m...),
		failure:   gauge("fettle_member_failure", "1 for the reason why the member could not be asked, 0 for the others.", "cluster", "member", "reason"),
		pause:     gauge("fettle_member_pause_seconds", "How long the member is still left alone because it failed again and again. 0 if it was asked.", m...),
		info:      gauge("fettle_member_info", "Always 1: the member's kind, and its version. Absent while it is not reachable.", "cluster", "member", "kind", "version"),
	}
}

func (c *memberCollector) Metrics() []*Metric {
	return []*Metric{c.reachable, c.failure, c.pause, c.info}
}

func (c *memberCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views()
	for _, v := range views {
		for _, m := range v.Members {
			emit(c.reachable, boolean(m.Reachable), v.Cluster, m.Name)
			for _, reason := range cluster.Reasons() {
				emit(c.failure, boolean(m.Error == reason), v.Cluster, m.Name, reason)
			}
			emit(c.pause, m.Pause.Seconds(), v.Cluster, m.Name)
			if m.Reachable {
				emit(c.info, 1, v.Cluster, m.Name, string(v.Kind), m.Version)
			}
		}
	}
	return err
}
