package exporter

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/nats"
)

type natsCollector struct {
	servers, reachable, quorum, margin, hasLeader, jetstream, leader   *Metric // state
	memory, storage, maxMemory, maxStorage, connections, slow, leftOut *Metric // of a server
	replicas, expected, streamLeader, lastSequence, behind, messages   *Metric // of a stream
}

func newNATS(Host) Collector {
	c, m := []string{"cluster"}, []string{"cluster", "member"}
	stream, replica := []string{"cluster", "account", "stream"}, []string{"cluster", "member", "account", "stream"}
	return &natsCollector{
		servers:      gauge("fettle_nats_meta_servers", "Servers with a vote in the meta group: those of the inventory, and more if a server says so.", c...),
		reachable:    gauge("fettle_nats_meta_servers_reachable", "Servers of the inventory with a vote in the meta group that answer this exporter.", c...),
		quorum:       gauge("fettle_nats_meta_quorum", "Servers that must agree: half of them, rounded down, plus one.", c...),
		margin:       gauge("fettle_nats_meta_margin", "Servers that may still fail: those reachable less the quorum. Negative: the quorum is lost.", c...),
		hasLeader:    gauge("fettle_nats_meta_has_leader", "1 if a quorum of reachable servers names one meta leader.", c...),
		jetstream:    gauge("fettle_nats_jetstream_enabled", "1 if the server says that JetStream is on. 0 while it is not reachable.", m...),
		leader:       gauge("fettle_nats_meta_leader", "1 if the server is the meta leader that a quorum names.", m...),
		memory:       gauge("fettle_nats_jetstream_memory_bytes", "Memory that JetStream uses. Absent while the server is not reachable.", m...),
		storage:      gauge("fettle_nats_jetstream_storage_bytes", "Disk that JetStream uses. Absent while the server is not reachable.", m...),
		maxMemory:    gauge("fettle_nats_jetstream_memory_limit_bytes", "Memory that JetStream may use. Absent without a limit, and while the server is not reachable.", m...),
		maxStorage:   gauge("fettle_nats_jetstream_storage_limit_bytes", "Disk that JetStream may use. Absent without a limit, and while the server is not reachable.", m...),
		connections:  gauge("fettle_nats_connections", "Clients that are connected. Absent while the server is not reachable.", m...),
		slow:         counter("fettle_nats_slow_consumers_total", "Clients that were dropped because they read too slowly. Absent while the server is not reachable.", m...),
		leftOut:      gauge("fettle_nats_streams_left_out", "Streams of the server that are not told of because there are too many. Absent while it does not tell its streams.", m...),
		replicas:     gauge("fettle_nats_stream_replicas", "Replicas of the stream on servers that told of it.", stream...),
		expected:     gauge("fettle_nats_stream_replicas_configured", "Replicas that the stream should have. Absent while no server tells of it.", stream...),
		streamLeader: gauge("fettle_nats_stream_has_leader", "1 if a server that answers leads the stream. Absent while no server tells of it.", stream...),
		messages:     gauge("fettle_nats_stream_messages", "Messages that the stream's leader has. Absent without one that answers.", stream...),
		lastSequence: gauge("fettle_nats_stream_last_sequence", "Last sequence of the server's replica of the stream, in its own words. Absent while it does not tell.", replica...),
		behind:       gauge("fettle_nats_stream_replica_lag_messages", "Messages that the stream's leader has beyond the server's replica. Absent of the leader, and while either cannot be asked.", replica...),
	}
}

func (c *natsCollector) Metrics() []*Metric {
	return []*Metric{
		c.servers, c.reachable, c.quorum, c.margin, c.hasLeader, c.jetstream, c.leader,
		c.memory, c.storage, c.maxMemory, c.maxStorage, c.connections, c.slow, c.leftOut,
		c.replicas, c.expected, c.streamLeader, c.messages, c.lastSequence, c.behind,
	}
}

func (c *natsCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindNATS)
	for _, v := range views {
		leader, led := v.Leader()
		emit(c.servers, float64(v.Voters()), v.Cluster)
		emit(c.reachable, float64(v.VotersReachable()), v.Cluster)
		emit(c.quorum, float64(v.Quorum()), v.Cluster)
		emit(c.margin, float64(v.Margin()), v.Cluster)
		emit(c.hasLeader, boolean(led), v.Cluster)
		for _, m := range v.Members {
			d, told := m.Detail.(*nats.Member)
			emit(c.jetstream, boolean(told && d.JetStream), v.Cluster, m.Name)
			emit(c.leader, boolean(led && m.Name == leader.Name), v.Cluster, m.Name)
			if told {
				c.server(v.Cluster, m.Name, d, emit)
			}
		}
		c.streams(v, emit)
	}
	return err
}

func (c *natsCollector) server(name, member string, d *nats.Member, emit Emit) {
	emit(c.connections, float64(d.Connections), name, member)
	emit(c.slow, float64(d.SlowToRead), name, member)
	if d.Streams != nil {
		emit(c.leftOut, float64(d.LeftOut), name, member)
	}
	if !d.JetStream {
		return
	}
	emit(c.memory, float64(d.Memory), name, member)
	emit(c.storage, float64(d.Storage), name, member)
	if d.MaxMemory > 0 {
		emit(c.maxMemory, float64(d.MaxMemory), name, member)
	}
	if d.MaxStorage > 0 {
		emit(c.maxStorage, float64(d.MaxStorage), name, member)
	}
}

// streamTold is what all servers together say of one stream.
type streamTold struct {
	replicas, configured int
	led                  bool
	messages             uint64
}

func (c *natsCollector) streams(v cluster.View, emit Emit) {
	all := map[nats.Stream]*streamTold{}
	for _, m := range v.Members {
		d, ok := m.Detail.(*nats.Member)
		if !ok {
			continue
		}
		for _, r := range d.Streams {
			emit(c.lastSequence, float64(r.Last), v.Cluster, m.Name, r.Account, r.Name)
			if r.Behind != nil {
				emit(c.behind, float64(*r.Behind), v.Cluster, m.Name, r.Account, r.Name)
			}
			t := all[r.Stream]
			if t == nil {
				t = &streamTold{}
				all[r.Stream] = t
			}
			t.replicas++
			t.configured = max(t.configured, r.Replicas)
			if r.Leads {
				t.led, t.messages = true, max(t.messages, r.Messages)
			}
		}
	}
	byName := func(a, b nats.Stream) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	}
	for _, s := range slices.SortedFunc(maps.Keys(all), byName) {
		t := all[s]
		emit(c.replicas, float64(t.replicas), v.Cluster, s.Account, s.Name)
		emit(c.expected, float64(t.configured), v.Cluster, s.Account, s.Name)
		emit(c.streamLeader, boolean(t.led), v.Cluster, s.Account, s.Name)
		if t.led {
			emit(c.messages, float64(t.messages), v.Cluster, s.Account, s.Name)
		}
	}
}
