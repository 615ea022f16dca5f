//go:build servers

package mysql_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster/mysql"
)

// BenchmarkView is one look at a real pair, over connections that are kept.
func BenchmarkView(b *testing.B) {
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		b.Fatal(shared.err)
	}
	d, err := mysql.New(shared.inventory(), mysql.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	d.View(b.Context())
	for b.Loop() {
		for _, m := range d.View(b.Context()).Members {
			if !m.Reachable {
				b.Fatalf("%+v", m)
			}
		}
	}
}
