package inventory

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

var setName = lazily(`^[^\x00-\x1f/]{1,127}$`)

// mongodb checks what only clusters of kind mongodb declare.
func (c check) mongodb(cl cluster.Cluster) {
	m := cl.MongoDB
	if !m.Declared() {
		return
	}
	if cl.Kind != cluster.KindMongoDB {
		c.errorf("mongodb", "mongodb is declared, but the cluster is of kind %s: leave it out", strictyaml.Clip(string(cl.Kind)))
		return
	}
	c.at = c.at.Join("mongodb")
	if m.Set != "" && !setName.MatchString(m.Set) {
		c.errorf("set", "set %s is no replica set's name: write what rs.conf() has as _id", strictyaml.Clip(m.Set))
	}
	if m.MaxSilence != 0 && m.MaxSilence < time.Second {
		c.errorf("max_silence", "max_silence %s is less than a second: heartbeats come every 2s", m.MaxSilence)
	}
}
