package rafttest

import (
	"slices"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// BenchmarkScrape is a whole scrape of five members: with their status and membership
// alone, with their metrics pages too, and with a write through each.
func BenchmarkScrape(b *testing.B) {
	names := []string{"m1", "m2", "m3", "m4", "m5"}
	c := etcds(b, etcdproc.Options{}, names...)
	all, _ := watch(b, withCanary(c))
	inOrder(b, all, names...)
	for _, of := range []struct {
		name   string
		change func(*cluster.Cluster)
	}{
		{"status", func(c *cluster.Cluster) { c.Etcd = cluster.Etcd{NoMetrics: true} }},
		{"pages", func(c *cluster.Cluster) { c.Etcd = cluster.Etcd{} }},
		{"canary", func(*cluster.Cluster) {}},
	} {
		b.Run(of.name, func(b *testing.B) {
			inventory := withCanary(c)
			of.change(&inventory)
			e, _ := watch(b, inventory)
			scrape(b, e) // connects
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				answer(b, e)
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			p99 := took[len(took)*99/100]
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
			if p99 > 100*time.Millisecond {
				b.Errorf("p99 %s: the limit is 100 ms", p99)
			}
		})
	}
}
