package exporter

import "github.com/fettle-io/fettle/cluster"

// Declared is what exporter.yml says of this machine and its clusters, beside the
// clusters' own endpoints. The collectors config, tree, backup and dependency tell of it.
type Declared struct {
	// Clusters is the whole inventory.
	Clusters []cluster.Cluster
	// Values are those that this exporter reads.
	Values []Value
	// DigestKey keys the digests that members are compared by; none: the plain SHA-256.
	DigestKey []byte
	// Backups are those that lie on this machine.
	Backups []Backup
	// Trees are the file trees on this machine; nil: there are none.
	Trees *Trees
	// Bound are the members of which values or file trees are read, on their own machines.
	Bound []Bound
}

// Bound is a member of which something is read on its own machine alone.
type Bound struct {
	cluster.Target

	Here bool // that is this one
}
