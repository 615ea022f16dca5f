package config

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
)

func TestSupport(t *testing.T) {
	c, err := Parse("fettle.yml", []byte("{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		kind    cluster.Kind
		version string
		want    Support
	}{
		{cluster.KindEtcd, "3.4.23", Tested},
		{cluster.KindEtcd, "3.7.9", Tested},
		{cluster.KindEtcd, "3.8.0-alpha.0", Newer},
		{cluster.KindEtcd, "3.3.27", Older},
		{cluster.KindEtcd, "3.5.1", KnownBad},
		{cluster.KindEtcd, "", Unknown},
		{cluster.KindEtcd, "unknown", Unknown},
		{cluster.KindMySQL, "10.11.14-MariaDB-0+deb12u2", Tested},
		{cluster.KindMySQL, "11.4.2-MariaDB", Newer},
		{cluster.KindMySQL, "8.4.2", StandIn},
		{cluster.KindMySQL, "5.7.44", Older},
		{cluster.KindPostgres, "15.18 (Debian 15.18-1)", Tested},
		{cluster.KindPostgres, "16.0", Newer},
		{cluster.KindRedis, "7.0.15", Tested},
		{cluster.KindService, "1.0", Unknown},
	} {
		if got := c.Guards.Support(tc.kind, tc.version); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.kind, tc.version, got, tc.want)
		}
	}
	// Every kind but a plain service has a line.
	kinds := map[cluster.Kind]bool{cluster.KindService: true}
	for _, l := range matrix() {
		kinds[l.kind] = true
	}
	for _, k := range inventory.Kinds() {
		if !kinds[cluster.Kind(k)] {
			t.Errorf("no line of %s", k)
		}
	}
}
