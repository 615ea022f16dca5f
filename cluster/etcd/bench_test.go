package etcd_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster/etcd"
)

// BenchmarkView is one look at three members on loopback, over kept connections.
func BenchmarkView(b *testing.B) {
	c := shared(b)
	d, err := etcd.New(c.Inventory("c"), etcd.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	look := func(b *testing.B, reachable int) {
		for b.Loop() {
			if v := d.View(b.Context()); v.VotersReachable() != reachable {
				b.Fatalf("%+v", v)
			}
		}
	}
	b.Run("healthy", func(b *testing.B) { look(b, 3) })
	if err := c.Kill("m3"); err != nil {
		b.Fatal(err)
	}
	b.Run("one dead", func(b *testing.B) { look(b, 2) })
}
