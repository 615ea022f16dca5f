package config

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// CheckVoters warns of voters on this host that their service manager would kill
// while they wait for a quorum (ENGINE.md rule 13). limit says how long it waits for
// a unit; 0: for ever, or it cannot be asked here.
func CheckVoters(c Config, limit func(cluster.Target) time.Duration) []Problem {
	f := finder{c: c}
	for i, cl := range c.Clusters {
		for j, m := range cl.Members {
			if cl.Kind != cluster.KindEtcd || m.Unit == "" || m.Commands.Declared() || !c.Local(m.Host) {
				continue
			}
			if d := limit(cluster.Target{Cluster: cl, Member: m}); d > 0 {
				f.add(true, strictyaml.Path{"clusters", i, "members", j, "unit"},
					"systemd kills %s when it is not ready after %s, and without a quorum etcd never is: set TimeoutStartSec=infinity for it (systemctl edit %s)", m.Unit, d, m.Unit)
			}
		}
	}
	return f.sorted()
}
