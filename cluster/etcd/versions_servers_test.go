//go:build servers

package etcd_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

// With the tag servers all tests of this package run once more, with the oldest version
// that is supported and with the newest. That it is that one is shown here, and that its
// page has every series that docs/collectors/raft.md says a page has from the start on.
func TestVersion(t *testing.T) {
	p, err := programs.Find(t.Context(), "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := single(t, etcdproc.Options{})
	d := watching(t, c.Inventory("c"))
	v := d.View(t.Context())
	if got := v.Members[0].Version; got != p.Version || got == "" {
		t.Errorf("it says %q, %s is %s", got, p.Path, p.Version)
	}
	page := detail(t, v, "m1").Page
	for _, name := range etcd.Plain() {
		if _, ok := page.Values[name]; !ok {
			t.Errorf("%s has no %s", p.Version, name)
		}
	}
}
