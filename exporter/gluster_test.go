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
	"github.com/fettle-io/fettle/cluster/gluster"
)

// A brick that nobody could look at is told of as not up, and nothing else.
func TestGlusterCollector(t *testing.T) {
	b1, b2 := cluster.GlusterBrick{Volume: "v", Member: "s1", Path: "/b"}, cluster.GlusterBrick{Volume: "v", Member: "s2", Path: "/b"}
	c := cluster.Cluster{Name: "c", Kind: cluster.KindGluster, Gluster: cluster.Gluster{Bricks: []cluster.GlusterBrick{b1, b2}}}
	yes, pending := true, 3
	v := cluster.View{Cluster: "c", Kind: cluster.KindGluster, Members: []cluster.MemberView{
		{Name: "s1", Reachable: true, Detail: &gluster.Member{Bricks: []gluster.Brick{{GlusterBrick: b1, Up: true, Registered: &yes, Pending: &pending}}}},
		{Name: "s2", Error: cluster.Timeout},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := scrapeOf(ctx, []*watched{{Source: Source{Cluster: c, Viewer: seen(v)}}}, slog.New(slog.DiscardHandler))
	var lines []string
	if err := newGluster(Host{}).Collect(ctx, s, func(m *Metric, value float64, labels ...string) {
		lines = append(lines, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(m.Name, "fettle_gluster_"), strings.Join(labels, ","), value))
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	const want = `brick_pending_heals{c,s1,v,/b} 3
brick_registered{c,s1,v,/b} 1
brick_up{c,s1,v,/b} 1
brick_up{c,s2,v,/b} 0
margin{c} -1
quorum{c} 2
servers_reachable{c} 1
servers{c} 2`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
