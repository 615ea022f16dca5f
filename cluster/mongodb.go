package cluster

import "time"

// MongoDB is what only clusters of kind mongodb declare.
type MongoDB struct {
	// Set is the replica set's name. A member of another set is not taken for one of this.
	Set string `json:"set,omitempty"`
	// MaxSilence is how long a member may not have heard of the one that it follows and still
	// count as running, by default 5s: two and a half of MongoDB's heartbeats, which come every 2s.
	MaxSilence time.Duration `json:"max_silence,omitempty"`
}

// Declared tells whether anything of it is.
func (m MongoDB) Declared() bool { return m != MongoDB{} }
