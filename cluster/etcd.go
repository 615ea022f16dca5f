package cluster

import "time"

// Etcd is what a cluster of kind etcd declares beside its members.
type Etcd struct {
	// NoMetrics leaves the members' own metrics pages alone: what only they tell is
	// absent then.
	NoMetrics bool `json:"no_metrics,omitempty"`
	// Canary lets the exporter write through each voter. It is off without a prefix.
	Canary EtcdCanary `json:"canary,omitzero"`
}

// EtcdCanary is the write canary of an etcd cluster: who may do it, where and for
// how long. Only the exporter does it.
type EtcdCanary struct {
	// Prefix is what its keys begin with: no others are named.
	Prefix string `json:"prefix,omitempty"`
	// Timeout is when a write that was not answered counts as failed; 0 is one second.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Login is who writes, where that is not who reads.
	Login Login `json:"login,omitzero"`
}

// On tells that it is declared.
func (c EtcdCanary) On() bool { return c.Prefix != "" }
