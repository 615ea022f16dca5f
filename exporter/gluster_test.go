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
	c := cluster.Cluster{Name: "c", Kind: cluster.KindGluster, Gluster: cluster.Gluster{Bricks: []cluster.GlusterBrick{b1, b2}, HealReports: "/run"}}
	yes, pending := true, 3
	v := cluster.View{Cluster: "c", Kind: cluster.KindGluster, Detail: &gluster.Summary{Reports: []gluster.Report{
		{Volume: "v", Up: true, Written: time.Unix(1000, 0), Unasked: 1, Entries: new(2.0)}, {Volume: "w", Written: time.Unix(900, 0)}, {Volume: "x"},
	}}, Members: []cluster.MemberView{
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
heal_report_bricks_unasked{c,v} 1
heal_report_timestamp_seconds{c,v} 1000
heal_report_timestamp_seconds{c,w} 900
heal_report_up{c,v} 1
heal_report_up{c,w} 0
heal_report_up{c,x} 0
margin{c} -1
quorum{c} 2
servers_reachable{c} 1
servers{c} 2
split_brain_entries{c,v} 2`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
