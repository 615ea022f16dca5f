package exporter

import (
	"context"
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

type memberCollector struct {
	clusters []cluster.Cluster // the whole inventory
	units    []cluster.Target  // whose units are told of here
	bound    []Bound

	asked, here, reachable, failure, pause, info *Metric
}

func newMember(h Host) Collector {
	m := []string{"cluster", "member"}
	return &memberCollector{
		clusters:  h.Declared.Clusters,
		units:     h.Units.Members,
		bound:     h.Declared.Bound,
		asked:     gauge("fettle_member_asked", "1 if this exporter looks at the member, 0 if it leaves that to the exporter on the member's own machine. Where no exporter says 1, nobody looks.", m...),
		here:      gauge("fettle_member_here", "1 if the member's host is this machine, so that this exporter reads its values and file trees; 0 if it leaves that to another. Where no exporter says 1, nobody reads them. Absent where none are declared.", m...),
		reachable: gauge("fettle_member_reachable", "1 if the member answers this exporter.", m...),
		failure:   gauge("fettle_member_failure", "1 for the reason why the member could not be asked, 0 for the others.", "cluster", "member", "reason"),
		pause:     gauge("fettle_member_pause_seconds", "How long the member is still left alone because it failed again and again. 0 if it was asked.", m...),
		info:      gauge("fettle_member_info", "Always 1: the member's kind, and its version. Absent while it is not reachable.", "cluster", "member", "kind", "version"),
	}
}

func (c *memberCollector) Metrics() []*Metric {
	return []*Metric{c.asked, c.here, c.reachable, c.failure, c.pause, c.info}
}

func (c *memberCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	for _, of := range c.clusters {
		for _, m := range of.Members {
			if asked, looked := c.looks(s, cluster.Target{Cluster: of, Member: m}); looked {
				emit(c.asked, boolean(asked), of.Name, m.Name)
			}
		}
	}
	for _, b := range c.bound {
		emit(c.here, boolean(b.Here), b.Cluster.Name, b.Member.Name)
	}
	views, err := s.Views()
	reasons := cluster.Reasons()
	for _, v := range views {
		for _, m := range v.Members {
			labels := []string{v.Cluster, m.Name}
			emit(c.reachable, boolean(m.Reachable), labels...)
			for _, reason := range reasons {
				emit(c.failure, boolean(m.Error == reason), v.Cluster, m.Name, reason)
			}
			emit(c.pause, m.Pause.Seconds(), labels...)
			if m.Reachable {
				emit(c.info, 1, v.Cluster, m.Name, string(v.Kind), m.Version)
			}
		}
	}
	return err
}

// looks tells whether this exporter asks a member, or systemd about its unit; looked is
// false where no exporter ever does.
func (c *memberCollector) looks(s *Scrape, t cluster.Target) (asked, looked bool) {
	if t.Cluster.Kind == cluster.KindService {
		named := func(u cluster.Target) bool { return u.String() == t.String() }
		return slices.ContainsFunc(c.units, named), t.Member.Unit != "" && !t.Member.Commands.Declared()
	}
	named := func(m cluster.Member) bool { return m.Name == t.Member.Name }
	return slices.ContainsFunc(s.cluster(t.Cluster.Name).Members, named), true
}
