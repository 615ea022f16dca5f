//go:build servers

package redis

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// benched is a driver of a primary, two replicas and three Sentinels, with connections.
func benched(b *testing.B) *Driver {
	b.Helper()
	_, _, c := watched(b)
	d := driver(b, c)
	await(b, d, "everybody answers", func(v cluster.View) bool {
		yes, _ := votes(v, func(s *Sentinel) bool { return s.Others == 2 })
		return yes == 3 && running(v) == 3
	})
	return d
}

// BenchmarkView is one look, over connections that are kept.
func BenchmarkView(b *testing.B) {
	d := benched(b)
	spent(b, func() {
		if v := d.View(b.Context()); running(v) != 3 || !strings.HasPrefix(v.Members[0].Version, "7.") {
			b.Fatalf("%s", shown(v))
		}
	})
}

// BenchmarkRaw puts the same questions over the same connections and does nothing with
// the answers: what a look costs beside it is the driver's.
func BenchmarkRaw(b *testing.B) {
	d := benched(b)
	put := func(a *asked, rounds ...[][]string) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		err := a.line.Do(ctx, func(ctx context.Context, c *conn) error {
			for _, commands := range rounds {
				if _, err := c.do(ctx, commands...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Error(err)
		}
	}
	spent(b, func() {
		var all sync.WaitGroup
		for _, a := range d.members {
			all.Go(func() {
				put(a, [][]string{{"INFO", "server"}, {"INFO", "replication"}, {"INFO", "persistence"}, {"INFO", "clients"}, {"INFO", "memory"}})
			})
		}
		for _, a := range d.sentinels {
			all.Go(func() {
				put(a, [][]string{{"SENTINEL", "MASTER", "main"}, {"SENTINEL", "REPLICAS", "main"}}, [][]string{{"SENTINEL", "CKQUORUM", "main"}})
			})
		}
		all.Wait()
	})
}

// spent reports the CPU time of this process beside the time.
func spent(b *testing.B, fn func()) {
	b.Helper()
	cpu := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := cpu()
	for b.Loop() {
		fn()
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}
