package cluster

import "time"

// Redis is what only clusters of kind redis declare.
type Redis struct {
	// Sentinels are the addresses, host:port, of the Sentinels that watch the cluster.
	Sentinels []string `json:"sentinels,omitempty"`
	// Master is the name under which they watch it: of `sentinel monitor NAME …`.
	Master string `json:"master,omitempty"`
	// Read is the login at the Sentinels, which have users of their own. Without it none is sent.
	Read Login `json:"read,omitzero"`
	// MaxSilence is how long a link may be silent and still count as running, by default
	// 25s: two and a half of Redis' own repl-ping-replica-period, which is 10s.
	MaxSilence time.Duration `json:"max_silence,omitempty"`
	// Config allows to ask CONFIG GET for what INFO does not tell: whether snapshots are taken,
	// and when writes are refused. It needs +config|get, a right that shows passwords too.
	Config bool `json:"config,omitempty"`
}

// Declared tells whether anything of it is.
func (r Redis) Declared() bool {
	return len(r.Sentinels) > 0 || r.Master != "" || r.Read != Login{} || r.MaxSilence != 0 || r.Config
}
