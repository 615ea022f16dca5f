package inventory

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

var heartbeatTable = lazily(`^[A-Za-z0-9_$-]{1,64}\.[A-Za-z0-9_$-]{1,64}$`)

// mysql checks what only clusters of kind mysql declare.
func (c check) mysql(cl *cluster.Cluster) {
	m := cl.MySQL
	switch {
	case m == cluster.MySQL{}:
	case cl.Kind != cluster.KindMySQL:
		c.errorf("mysql", "mysql is declared, but the cluster is of kind %s: leave it out", strictyaml.Clip(string(cl.Kind)))
	case m.HeartbeatTable == "":
		c.doc.Errorf(c.at.Join("mysql", "heartbeat_utc"), "heartbeat_utc is declared without heartbeat_table: name the table too, or leave it out")
	case !heartbeatTable.MatchString(m.HeartbeatTable):
		c.doc.Errorf(c.at.Join("mysql", "heartbeat_table"), "heartbeat_table %s is no table: write it like percona.heartbeat", strictyaml.Clip(m.HeartbeatTable))
	}
}
