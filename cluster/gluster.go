package cluster

import "time"

// Gluster is what is declared of a cluster of kind gluster beside its members.
type Gluster struct {
	// Bricks are the bricks of its volumes that are watched.
	Bricks []GlusterBrick `json:"bricks,omitempty"`
	// HealReports is the directory in which a timer writes, on one server or more, what
	// `gluster volume heal VOLUME info split-brain --xml` says, as VOLUME.xml.
	HealReports string `json:"heal_reports,omitempty"`
	// MaxAge is how old such a file may be; 0 is 5m.
	MaxAge time.Duration `json:"max_age,omitempty"`
}

// Declared tells whether anything of it is.
func (g Gluster) Declared() bool {
	return len(g.Bricks) > 0 || g.HealReports != "" || g.MaxAge != 0
}

// GlusterBrick is one brick of a volume.
type GlusterBrick struct {
	// Volume is the volume's name.
	Volume string `json:"volume"`
	// Member is the server that has the brick.
	Member string `json:"member"`
	// Path is the brick's directory on it, as the volume has it.
	Path string `json:"path"`
}
