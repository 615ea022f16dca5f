package exporter

import (
	"errors"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/kafka"
)

func TestKafka(t *testing.T) {
	v := cluster.View{
		Cluster: "c", Kind: cluster.KindKafka,
		Detail: &kafka.Summary{
			Brokers: new(3.0), Controller: true, Differ: true, Topics: new(2.0), Partitions: new(8.0), UnderReplicated: new(2.0), Offline: new(1.0), BelowMin: new(1.0),
			Groups: []kafka.Group{{Name: "a", Up: true, Partitions: 4, Lag: new(12.0), MostLag: new(7.0)}, {Name: "b", Up: true, Partitions: 2, Unread: 1}, {Name: "gone"}},
		},
		Members: []cluster.MemberView{
			{Name: "k0", Reachable: true, Detail: &kafka.Member{ID: new(int32(0)), Controller: true, Leads: new(4.0), Replicas: new(8.0), OutOfSync: new(2.0)}},
			{Name: "k1", Reachable: true, Detail: &kafka.Member{}},
			{Name: "k2", Error: cluster.Timeout},
		},
	}
	c := newKafka(Host{})
	registryOf(t, c, readOnce(t, c, v)) // lints
	sameLines(t, emitted(t, c, v), `
kafka_has_controller{c} 1
kafka_views_differ{c} 1
kafka_brokers{c} 3
kafka_topics{c} 2
kafka_partitions{c} 8
kafka_partitions_under_replicated{c} 2
kafka_partitions_offline{c} 1
kafka_partitions_below_min_in_sync{c} 1
kafka_controller{c,k0} 1
kafka_controller{c,k1} 0
kafka_broker_registered{c,k0} 1
kafka_broker_registered{c,k1} 0
kafka_broker_leads{c,k0} 4
kafka_broker_replicas{c,k0} 8
kafka_broker_replicas_out_of_sync{c,k0} 2
kafka_group_up{c,a} 1
kafka_group_up{c,b} 1
kafka_group_up{c,gone} 0
kafka_group_partitions{c,a} 4
kafka_group_partitions{c,b} 2
kafka_group_partitions_unread{c,a} 0
kafka_group_partitions_unread{c,b} 1
kafka_group_lag_entries{c,a} 12
kafka_group_lag_max_entries{c,a} 7
`)
	v.Detail = &kafka.Summary{Err: errors.New("too large")}
	if r := readOnce(t, c, v); r.err == nil || !strings.Contains(r.err.Error(), `cluster "c": too large`) {
		t.Errorf("what is missing is not told: %v", r.err)
	}
}

// The look did not come back: the states are there, the declared groups' too.
func TestKafkaBlind(t *testing.T) {
	declared := cluster.Cluster{Name: "c", Kind: cluster.KindKafka, Members: []cluster.Member{{Name: "k0"}}, Kafka: cluster.Kafka{Groups: []string{"a"}}}
	s := &Scrape{clusters: []*watched{{Source: Source{Cluster: declared}}}, looks: []*glance{newGlance(func() (cluster.View, error) { return blind(declared), nil })}}
	got := map[string]float64{}
	err := newKafka(Host{}).Collect(t.Context(), s, func(m *Metric, value float64, labels ...string) { got[m.Name+" "+strings.Join(labels, ",")] = value })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fettle_kafka_has_controller c", "fettle_kafka_views_differ c", "fettle_kafka_group_up c,a"} {
		if value, ok := got[name]; !ok || value != 0 {
			t.Errorf("%s: %v, %v", name, value, ok)
		}
	}
	if len(got) != 3 {
		t.Errorf("got %v", got)
	}
}
