package inventory

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// pacemaker checks what only clusters of kind pacemaker declare.
func (c check) pacemaker(cl cluster.Cluster) {
	age := cl.Pacemaker.MaxAge
	switch {
	case cl.Kind != cluster.KindPacemaker && age != 0:
		c.errorf("pacemaker", "pacemaker is for clusters of kind pacemaker: leave it out")
	case age != 0 && (age < 5*time.Second || age > time.Hour):
		c.doc.Errorf(c.at.Join("pacemaker", "max_age"), "max_age: want 5s to 1h, not %s", age)
	}
}
