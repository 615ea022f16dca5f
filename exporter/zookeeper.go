package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/zookeeper"
)

type zookeeperCollector struct {
	voters, reachable, quorum, margin, observers, hasLeader, serving, leader *Metric // state
	epoch, counter, outstanding, znodes, watches, connections, dataSize      *Metric // measured
	openFiles, maxFiles, synced                                              *Metric
}

func newZooKeeper(Host) Collector {
	c, m := []string{"cluster"}, []string{"cluster", "member"}
	const counts = " Absent while the server does not serve, and where the word mntr is not allowed."
	return &zookeeperCollector{
		voters:      gauge("fettle_zookeeper_voters", "Servers of the inventory that vote: all but those that said that they are observers.", c...),
		reachable:   gauge("fettle_zookeeper_voters_reachable", "Voters that answer this exporter, serving or not.", c...),
		quorum:      gauge("fettle_zookeeper_quorum", "Voters that must agree: half of them, rounded down, plus one.", c...),
		margin:      gauge("fettle_zookeeper_margin", "Voters that may still fail: those reachable less the quorum. Negative: the quorum is lost.", c...),
		observers:   gauge("fettle_zookeeper_observers", "Servers that do not vote.", c...),
		hasLeader:   gauge("fettle_zookeeper_has_leader", "1 if a server leads, and with it a quorum of reachable voters serves.", c...),
		serving:     gauge("fettle_zookeeper_serving", "1 if the server serves clients, so is in a quorum.", m...),
		leader:      gauge("fettle_zookeeper_leader", "1 if the server is the leader that a quorum follows.", m...),
		epoch:       gauge("fettle_zookeeper_epoch", "Epoch of the server's last transaction. It rises with the first transaction after an election. Absent while the server does not serve.", m...),
		counter:     gauge("fettle_zookeeper_zxid_counter", "Number of the server's last transaction within its epoch. Absent while the server does not serve.", m...),
		outstanding: gauge("fettle_zookeeper_outstanding_requests", "Requests that wait."+counts, m...),
		znodes:      gauge("fettle_zookeeper_znodes", "Nodes of the tree."+counts, m...),
		watches:     gauge("fettle_zookeeper_watches", "Watches that are set."+counts, m...),
		connections: gauge("fettle_zookeeper_connections", "Clients that are connected."+counts, m...),
		dataSize:    gauge("fettle_zookeeper_data_size_bytes", "Size of the tree, as the server estimates it."+counts, m...),
		openFiles:   gauge("fettle_zookeeper_open_files", "Files that the server has open."+counts, m...),
		maxFiles:    gauge("fettle_zookeeper_open_files_limit", "Files that the server may have open."+counts, m...),
		synced:      gauge("fettle_zookeeper_synced_followers", "Followers that keep up with this leader. Absent of the others, and where the word mntr is not allowed.", m...),
	}
}

func (c *zookeeperCollector) Metrics() []*Metric {
	return []*Metric{
		c.voters, c.reachable, c.quorum, c.margin, c.observers, c.hasLeader, c.serving, c.leader,
		c.epoch, c.counter, c.outstanding, c.znodes, c.watches, c.connections, c.dataSize, c.openFiles, c.maxFiles, c.synced,
	}
}

func (c *zookeeperCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindZooKeeper)
	for _, v := range views {
		leader, led := v.Leader()
		emit(c.voters, float64(v.Voters()), v.Cluster)
		emit(c.reachable, float64(v.VotersReachable()), v.Cluster)
		emit(c.quorum, float64(v.Quorum()), v.Cluster)
		emit(c.margin, float64(v.Margin()), v.Cluster)
		emit(c.observers, float64(len(v.Members)-v.Voters()), v.Cluster)
		emit(c.hasLeader, boolean(led), v.Cluster)
		for _, m := range v.Members {
			d, ok := m.Detail.(*zookeeper.Member)
			serves := ok && d.Serving()
			emit(c.serving, boolean(serves), v.Cluster, m.Name)
			emit(c.leader, boolean(led && m.Name == leader.Name), v.Cluster, m.Name)
			if serves {
				c.server(v.Cluster, m.Name, d, emit)
			}
		}
	}
	return err
}

func (c *zookeeperCollector) server(name, member string, d *zookeeper.Member, emit Emit) {
	emit(c.epoch, float64(d.Epoch), name, member)
	emit(c.counter, float64(d.Counter), name, member)
	for _, told := range []struct {
		metric *Metric
		n      *uint64
	}{
		{c.outstanding, d.Outstanding}, {c.znodes, d.Znodes}, {c.watches, d.Watches}, {c.connections, d.Connections},
		{c.dataSize, d.DataSize}, {c.openFiles, d.OpenFiles}, {c.maxFiles, d.MaxFiles}, {c.synced, d.Synced},
	} {
		if told.n != nil {
			emit(told.metric, float64(*told.n), name, member)
		}
	}
}
