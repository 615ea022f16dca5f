package exporter

import (
	"context"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/consul"
)

type consulCollector struct {
	healthy, tolerance, serverHealthy, stableSince    *Metric // the leader's word
	lastContact, lastLog, snapshot, pending, gossiped *Metric // each server's own
	election, heartbeat                               *Metric // as configured
}

func newConsul(Host) Collector {
	c, m := []string{"cluster"}, []string{"cluster", "member"}
	return &consulCollector{
		healthy:       gauge("fettle_consul_autopilot_healthy", "1 if the leader's autopilot holds every server for healthy. Up to 10 s old; absent without a leader that tells.", c...),
		tolerance:     gauge("fettle_consul_autopilot_failure_tolerance", "How many servers may still fail, in the words of the leader's autopilot. Absent without a leader that tells.", c...),
		serverHealthy: gauge("fettle_consul_server_healthy", "1 if the leader's autopilot holds the server for healthy. Absent without a leader that tells.", m...),
		stableSince:   gauge("fettle_consul_server_stable_since_timestamp_seconds", "Since when its health has not changed, in the words of the leader's autopilot. Absent without a leader that tells.", m...),
		lastContact:   gauge("fettle_consul_last_contact_seconds", "How long ago the server heard from its leader, in its own words. Absent of a leader, of one that never did, and while it is not reachable.", m...),
		lastLog:       gauge("fettle_consul_last_log_index", "Index of the last entry in the server's log. Absent while it is not reachable.", m...),
		snapshot:      gauge("fettle_consul_last_snapshot_index", "Index of the server's last snapshot. Absent while it is not reachable.", m...),
		pending:       gauge("fettle_consul_fsm_pending", "Entries that wait to be applied to the server's state. Absent while it is not reachable.", m...),
		election:      gauge("fettle_consul_election_timeout_seconds", "After how long without a leader the server begins an election, at least, as it is configured. Absent while it is not told.", m...),
		heartbeat:     gauge("fettle_consul_heartbeat_timeout_seconds", "After how long without a word from its leader the server takes it for gone, at least, as it is configured. Absent while it is not told.", m...),
		gossiped:      gauge("fettle_consul_serf_members", "Agents that the server sees by gossip, by status. Absent while it cannot be asked.", "cluster", "member", "status"),
	}
}

func (c *consulCollector) Metrics() []*Metric {
	return []*Metric{c.healthy, c.tolerance, c.serverHealthy, c.stableSince, c.lastContact, c.lastLog, c.snapshot, c.pending, c.gossiped, c.election, c.heartbeat}
}

func (c *consulCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindConsul)
	for _, v := range views {
		for _, m := range v.Members {
			if d, ok := m.Detail.(*consul.Member); ok {
				c.server(v.Cluster, m.Name, d, emit)
			}
		}
	}
	return err
}

func (c *consulCollector) server(name, member string, d *consul.Member, emit Emit) {
	for _, told := range []struct {
		metric *Metric
		d      *time.Duration
	}{{c.lastContact, d.LastContact}, {c.election, d.ElectionTimeout}, {c.heartbeat, d.HeartbeatTimeout}} {
		if told.d != nil {
			emit(told.metric, told.d.Seconds(), name, member)
		}
	}
	for _, told := range []struct {
		metric *Metric
		n      *uint64
	}{{c.lastLog, d.LastLog}, {c.snapshot, d.Snapshot}, {c.pending, d.Pending}} {
		if told.n != nil {
			emit(told.metric, float64(*told.n), name, member)
		}
	}
	if d.Serf != nil {
		for _, status := range consul.Statuses() {
			emit(c.gossiped, float64(d.Serf[status]), name, member, status)
		}
	}
	if d.Autopilot == nil {
		return
	}
	emit(c.healthy, boolean(d.Autopilot.Healthy), name)
	emit(c.tolerance, float64(d.Autopilot.FailureTolerance), name)
	for _, server := range d.Autopilot.Servers {
		emit(c.serverHealthy, boolean(server.Healthy), name, server.Name)
		if !server.StableSince.IsZero() {
			emit(c.stableSince, float64(server.StableSince.UnixMilli())/1000, name, server.Name)
		}
	}
}
