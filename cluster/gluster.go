package cluster

// Gluster is what is declared of a cluster of kind gluster beside its members.
type Gluster struct {
	// Bricks are the bricks of its volumes that are watched.
	Bricks []GlusterBrick `json:"bricks,omitempty"`
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
