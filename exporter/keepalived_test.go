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
	"github.com/fettle-io/fettle/cluster/keepalived"
)

// Who holds an address is told of a keepalived that cannot be asked as well.
func TestKeepalivedCollector(t *testing.T) {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindKeepalived, Keepalived: cluster.Keepalived{Addresses: []string{"192.0.2.1"}}}
	v := cluster.View{Cluster: "c", Kind: cluster.KindKeepalived, Members: []cluster.MemberView{
		{Name: "a", Reachable: true, Detail: &keepalived.Member{Instances: []keepalived.Instance{{Name: "VI_1", State: keepalived.Master}}}},
		{Name: "b", Error: cluster.Timeout},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := scrapeOf(ctx, []*watched{{Source: Source{Cluster: c, Viewer: seen(v)}}}, slog.New(slog.DiscardHandler))
	var lines []string
	if err := newKeepalived(Host{}).Collect(ctx, s, func(m *Metric, value float64, labels ...string) {
		lines = append(lines, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(m.Name, "fettle_keepalived_"), strings.Join(labels, ","), value))
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	const want = `holds_address{c,a,192.0.2.1} 0
holds_address{c,b,192.0.2.1} 0
instance_state{c,a,VI_1,backup} 0
instance_state{c,a,VI_1,fault} 0
instance_state{c,a,VI_1,init} 0
instance_state{c,a,VI_1,master} 1
instance_state{c,a,VI_1,other} 0
instances_left_out{c,a} 0`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
