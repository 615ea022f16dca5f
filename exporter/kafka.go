package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/kafka"
)

type kafkaCollector struct {
	hasController, differ *Metric // a cluster's state
	groupUp               *Metric // a group's state

	brokers, topics, partitions, underReplicated, offline, belowMin *Metric // measured: the cluster
	controller, registered, leads, replicas, outOfSync              *Metric // the broker
	groupPartitions, groupUnread, groupLag, groupMostLag            *Metric // the group
}

func newKafka(Host) Collector {
	c, m, g := []string{"cluster"}, []string{"cluster", "member"}, []string{"cluster", "group"}
	return &kafkaCollector{
		hasController: gauge("fettle_kafka_has_controller", "1 if a reachable broker names a broker of the cluster as the controller.", c...),
		differ:        gauge("fettle_kafka_views_differ", "1 if brokers that answer name different brokers of the cluster: some have old metadata. The most of them are believed; where as many say one thing as another, nothing is told of topics and groups. 0 also while fewer than two answer.", c...),
		groupUp:       gauge("fettle_kafka_group_up", "1 if the group's coordinator told the group's offsets.", g...),

		brokers:         gauge("fettle_kafka_brokers", "Brokers that the one names which speaks for the cluster. Absent while none is reachable, and while no side has more of them.", c...),
		topics:          gauge("fettle_kafka_topics", "Topics that the user may see. Absent while no broker tells them.", c...),
		partitions:      gauge("fettle_kafka_partitions", "Partitions of these topics. Absent while no broker tells them.", c...),
		underReplicated: gauge("fettle_kafka_partitions_under_replicated", "Partitions with a replica that is behind or away. Absent while no broker tells them.", c...),
		offline:         gauge("fettle_kafka_partitions_offline", "Partitions without a leader: nobody reads or writes them. Absent while no broker tells them.", c...),
		belowMin:        gauge("fettle_kafka_partitions_below_min_in_sync", "Partitions with fewer replicas in sync than min.insync.replicas: writes with acks=all are refused. Absent while a topic's configuration is not told.", c...),

		controller: gauge("fettle_kafka_controller", "1 if the broker names itself as the controller. With KRaft that is some live broker. Absent while it is not reachable.", m...),
		registered: gauge("fettle_kafka_broker_registered", "1 if the cluster advertises a broker at the member's endpoint. Absent while the member is not reachable.", m...),
		leads:      gauge("fettle_kafka_broker_leads", "Partitions that the broker leads. Absent while no broker tells them.", m...),
		replicas:   gauge("fettle_kafka_broker_replicas", "Partitions of which the broker is to have a copy. Absent while no broker tells them.", m...),
		outOfSync:  gauge("fettle_kafka_broker_replicas_out_of_sync", "Those of them whose copy on the broker is behind. Absent while no broker tells them.", m...),

		groupPartitions: gauge("fettle_kafka_group_partitions", "Partitions in which the group has committed an offset. Absent while its coordinator does not tell.", g...),
		groupUnread:     gauge("fettle_kafka_group_partitions_unread", "Those of them whose end could not be read, or lies before the group's offset. Absent while the coordinator does not tell.", g...),
		groupLag:        gauge("fettle_kafka_group_lag_entries", "Records beyond the group's offsets, over all its partitions. Absent unless all of their ends could be read, and of a group without offsets.", g...),
		groupMostLag:    gauge("fettle_kafka_group_lag_max_entries", "Records beyond the group's offset in the partition with most. Absent as the sum is.", g...),
	}
}

func (c *kafkaCollector) Metrics() []*Metric {
	return []*Metric{
		c.hasController, c.differ, c.groupUp, c.brokers, c.topics, c.partitions, c.underReplicated, c.offline, c.belowMin,
		c.controller, c.registered, c.leads, c.replicas, c.outOfSync, c.groupPartitions, c.groupUnread, c.groupLag, c.groupMostLag,
	}
}

// Collect's error tells of what no broker could be asked for, such as a group's
// coordinator that does not answer.
func (c *kafkaCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindKafka)
	for _, v := range views {
		told, ok := v.Detail.(*kafka.Summary)
		if !ok { // the look did not come back
			told = &kafka.Summary{}
			for _, name := range s.cluster(v.Cluster).Kafka.Groups {
				told.Groups = append(told.Groups, kafka.Group{Name: name})
			}
		}
		if told.Err != nil {
			err = errors.Join(err, fmt.Errorf("cluster %q: %w", v.Cluster, told.Err))
		}
		c.cluster(told, emit, v.Cluster)
		for _, m := range v.Members {
			if d, ok := m.Detail.(*kafka.Member); ok {
				labels := []string{v.Cluster, m.Name}
				emit(c.controller, boolean(d.Controller), labels...)
				emit(c.registered, boolean(d.ID != nil), labels...)
				optional(emit, c.leads, d.Leads, labels)
				optional(emit, c.replicas, d.Replicas, labels)
				optional(emit, c.outOfSync, d.OutOfSync, labels)
			}
		}
		for _, g := range told.Groups {
			c.group(g, emit, v.Cluster)
		}
	}
	return err
}

func (c *kafkaCollector) cluster(told *kafka.Summary, emit Emit, name string) {
	labels := []string{name}
	emit(c.hasController, boolean(told.Controller), labels...)
	emit(c.differ, boolean(told.Differ), labels...)
	optional(emit, c.brokers, told.Brokers, labels)
	optional(emit, c.topics, told.Topics, labels)
	optional(emit, c.partitions, told.Partitions, labels)
	optional(emit, c.underReplicated, told.UnderReplicated, labels)
	optional(emit, c.offline, told.Offline, labels)
	optional(emit, c.belowMin, told.BelowMin, labels)
}

func (c *kafkaCollector) group(g kafka.Group, emit Emit, name string) {
	labels := []string{name, g.Name}
	emit(c.groupUp, boolean(g.Up), labels...)
	if !g.Up {
		return
	}
	emit(c.groupPartitions, float64(g.Partitions), labels...)
	emit(c.groupUnread, float64(g.Unread), labels...)
	optional(emit, c.groupLag, g.Lag, labels)
	optional(emit, c.groupMostLag, g.MostLag, labels)
}
