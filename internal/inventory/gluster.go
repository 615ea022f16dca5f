package inventory

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

const mostBricks = 200

var volumeName = lazily(`^[A-Za-z0-9_-]{1,255}$`)

// gluster checks what only clusters of kind gluster declare.
func (c check) gluster(cl cluster.Cluster) {
	bricks, age := cl.Gluster.Bricks, cl.Gluster.MaxAge
	if cl.Kind != cluster.KindGluster {
		if cl.Gluster.Declared() {
			c.errorf("gluster", "gluster is for clusters of kind gluster: leave it out")
		}
		return
	}
	c.path(c.at.Join("gluster", "heal_reports"), "heal_reports", cl.Gluster.HealReports)
	switch {
	case age != 0 && cl.Gluster.HealReports == "":
		c.errorf("gluster", "max_age is how old a report may be: declare heal_reports as well, or leave it out")
	case age != 0 && (age < 5*time.Second || age > 24*time.Hour):
		c.doc.Errorf(c.at.Join("gluster", "max_age"), "max_age: want 5s to 24h, not %s", age)
	case cl.Gluster.HealReports != "" && len(bricks) == 0:
		c.errorf("gluster", "heal_reports are about the volumes of the bricks: declare these as well")
	}
	if len(bricks) > mostBricks {
		c.errorf("gluster", "%d bricks, %d is the most", len(bricks), mostBricks)
	}
	for i, b := range bricks {
		at := c.at.Join("gluster", "bricks", i)
		if !volumeName.MatchString(b.Volume) {
			c.doc.Errorf(at, "volume %s must be letters, digits, dashes and underscores, at most 255", strictyaml.Clip(b.Volume))
		}
		if !slices.ContainsFunc(cl.Members, func(m cluster.Member) bool { return m.Name == b.Member }) {
			c.doc.Errorf(at, "the cluster has no member %s: name the server that has the brick", strictyaml.Clip(b.Member))
		}
		if problem := PathProblem(b.Path); problem != "" {
			c.doc.Errorf(at, "path %s %s", strictyaml.Clip(b.Path), problem)
		} else if len(b.Path) > 1024 {
			c.doc.Errorf(at, "path %s is longer than 1024 bytes", strictyaml.Clip(b.Path))
		}
		if slices.ContainsFunc(bricks[:i], func(a cluster.GlusterBrick) bool { return a.Member == b.Member && a.Path == b.Path }) {
			c.doc.Errorf(at, "brick %s of member %s is listed twice: keep one", strictyaml.Clip(b.Path), strictyaml.Clip(b.Member))
		}
	}
}
