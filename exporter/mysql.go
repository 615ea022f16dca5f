package exporter

import (
	"context"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
)

// mostChannels of a server have metrics of their own: all are judged.
const mostChannels = 16

// mysqlMetric is a metric of one server, and how it is told; nil: it is not.
type mysqlMetric struct {
	*Metric
	of func(m *mysql.Member) *float64
}

// mysqlChannelMetric is the same of one channel of a server.
type mysqlChannelMetric struct {
	*Metric
	of func(c mysql.Channel) *float64
}

type mysqlCollector struct {
	primaries          *Metric // a cluster's state
	denied, groupState *Metric
	members            []mysqlMetric
	channels           []mysqlChannelMetric
}

func newMySQL(Host) Collector {
	c := &mysqlCollector{
		primaries:  gauge("fettle_mysql_primaries", "Reachable members that lead: that follow nobody and ought not to, or that a group or a Galera cluster says lead. 0: nobody can be said to; more than 1 is right only where several take writes on purpose.", "cluster"),
		denied:     gauge("fettle_mysql_question_denied", "1 if the user may not ask the question, whose values are absent then. Absent while the member is not reachable.", "cluster", "member", "question"),
		groupState: gauge("fettle_mysql_group_state", "1 for the state that the member says it has in its replication group, 0 for the others. Absent without one.", "cluster", "member", "state"),
		channels:   mysqlChannelMetrics(),
	}
	c.members = slices.Concat(mysqlServerMetrics(), mysqlSemiSyncMetrics(), mysqlGroupMetrics(), mysqlGaleraMetrics())
	return c
}

func (c *mysqlCollector) Metrics() []*Metric {
	all := []*Metric{c.primaries, c.denied, c.groupState}
	for _, m := range c.members {
		all = append(all, m.Metric)
	}
	for _, m := range c.channels {
		all = append(all, m.Metric)
	}
	return all
}

func (c *mysqlCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindMySQL)
	for _, v := range views {
		primaries := 0
		for _, m := range v.Members {
			if m.Sync != nil && m.Sync.Role == cluster.Primary {
				primaries++
			}
			if told, ok := m.Detail.(*mysql.Member); ok && m.Reachable {
				c.member(told, emit, v.Cluster, m.Name)
			}
		}
		emit(c.primaries, float64(primaries), v.Cluster)
	}
	return err
}

func (c *mysqlCollector) member(m *mysql.Member, emit Emit, labels ...string) {
	with := func(more string) []string { return append(labels[:2:2], more) }
	for _, q := range mysql.Questions() {
		emit(c.denied, boolean(slices.Contains(m.Denied, q)), with(q)...)
	}
	if m.Group != nil && m.Group.State != "" {
		for _, state := range []string{"ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE"} {
			emit(c.groupState, boolean(m.Group.State == state), with(state)...)
		}
	}
	for _, metric := range c.members {
		if value := metric.of(m); value != nil {
			emit(metric.Metric, *value, labels...)
		}
	}
	for _, ch := range m.Channels[:min(len(m.Channels), mostChannels)] {
		of := with(ch.Name)
		for _, metric := range c.channels {
			if value := metric.of(ch); value != nil {
				emit(metric.Metric, *value, of...)
			}
		}
	}
}

// whether is a switch as a value.
func whether(b bool) *float64 {
	n := boolean(b)
	return &n
}

// whetherTold is a switch that may not be told.
func whetherTold(b *bool) *float64 {
	if b == nil {
		return nil
	}
	return whether(*b)
}

func counted(n int) *float64 {
	f := float64(n)
	return &f
}
