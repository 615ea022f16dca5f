package exporter

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/consul"
	"github.com/fettle-io/fettle/cluster/nats"
)

// seen is a Viewer that saw this.
type seen cluster.View

func (v seen) View(context.Context) cluster.View { return cluster.View(v) }

// emitted is what a collector tells of a View, sorted: "name{values} value".
func emitted(t *testing.T, c Collector, v cluster.View) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := scrapeOf(ctx, []*watched{{Source: Source{Cluster: cluster.Cluster{Name: v.Cluster, Kind: v.Kind}, Viewer: seen(v)}}}, slog.New(slog.DiscardHandler))
	var lines []string
	emit := func(m *Metric, value float64, labels ...string) {
		lines = append(lines, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(m.Name, "fettle_"), strings.Join(labels, ","), value))
	}
	if err := c.Collect(ctx, s, emit); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Of servers that cannot be asked the state is told, and nothing else.
func TestSystemsThatCannotBeAsked(t *testing.T) {
	gone := func(kind cluster.Kind) cluster.View {
		return cluster.View{Cluster: "c", Kind: kind, Members: []cluster.MemberView{{Name: "m", Error: cluster.Refused, Sync: &cluster.Sync{}}}}
	}
	for _, tt := range []struct {
		collector Collector
		kind      cluster.Kind
		want      string
	}{
		{newConsul(Host{}), cluster.KindConsul, ""},
		{newNATS(Host{}), cluster.KindNATS, "nats_jetstream_enabled{c,m} 0\nnats_meta_has_leader{c} 0\nnats_meta_leader{c,m} 0\nnats_meta_margin{c} -1\nnats_meta_quorum{c} 1\nnats_meta_servers_reachable{c} 0\nnats_meta_servers{c} 1"},
		{newSync(Host{}), cluster.KindNATS, "sync_primary{c,m} 0\nsync_running{c,m} 0\nsync_up{c,m} 0"},
	} {
		if got := emitted(t, tt.collector, gone(tt.kind)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.kind, got, tt.want)
		}
	}
}

func TestConsulCollector(t *testing.T) {
	n, wait := uint64(7), 5*time.Second
	v := cluster.View{Cluster: "c", Kind: cluster.KindConsul, Members: []cluster.MemberView{
		{Name: "s1", Reachable: true, Detail: &consul.Member{LastLog: &n, ElectionTimeout: &wait, Serf: map[string]int{"alive": 2}, Autopilot: &consul.Autopilot{FailureTolerance: 1, Servers: []consul.Server{{Name: "s2", Healthy: true}}}}},
		{Name: "s2", Error: cluster.Timeout},
	}}
	const want = `consul_autopilot_failure_tolerance{c} 1
consul_autopilot_healthy{c} 0
consul_election_timeout_seconds{c,s1} 5
consul_last_log_index{c,s1} 7
consul_serf_members{c,s1,alive} 2
consul_serf_members{c,s1,failed} 0
consul_serf_members{c,s1,leaving} 0
consul_serf_members{c,s1,left} 0
consul_serf_members{c,s1,none} 0
consul_server_healthy{c,s2} 1`
	if got := emitted(t, newConsul(Host{}), v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNATSCollector(t *testing.T) {
	behind := uint64(3)
	orders := nats.Stream{Account: "$G", Name: "orders"}
	v := cluster.View{Cluster: "c", Kind: cluster.KindNATS, Members: []cluster.MemberView{
		{Name: "n1", ID: "n1", Leader: "n1", Reachable: true, Detail: &nats.Member{JetStream: true, MaxMemory: -1, MaxStorage: 9, Streams: []nats.Replica{{Stream: orders, Replicas: 2, Messages: 5, Last: 9, Leads: true}}}},
		{Name: "n2", ID: "n2", Leader: "n1", Reachable: true, Detail: &nats.Member{JetStream: true, LeftOut: 1, Streams: []nats.Replica{{Stream: orders, Replicas: 2, Messages: 2, Last: 6, Behind: &behind}}}},
	}}
	got := emitted(t, newNATS(Host{}), v)
	for _, want := range []string{
		"nats_meta_has_leader{c} 1", "nats_meta_leader{c,n1} 1", "nats_meta_leader{c,n2} 0", "nats_meta_margin{c} 0",
		"nats_jetstream_storage_limit_bytes{c,n1} 9", "nats_streams_left_out{c,n2} 1",
		"nats_stream_has_leader{c,$G,orders} 1", "nats_stream_messages{c,$G,orders} 5", "nats_stream_replicas{c,$G,orders} 2",
		"nats_stream_last_sequence{c,n2,$G,orders} 6", "nats_stream_replica_lag_messages{c,n2,$G,orders} 3",
	} {
		if !slices.Contains(strings.Split(got, "\n"), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	for _, unwanted := range []string{"memory_limit", "replica_lag_messages{c,n1"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("%s in\n%s", unwanted, got)
		}
	}
}
