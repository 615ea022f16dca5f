// Package etcd is the one place that asks etcd. A Driver keeps one connection to
// each member of one cluster, asks each member itself and never one through
// another, bounds every call, changes nothing, and says of what it could not ask
// that it could not. Exporter, guards and actions all look through it.
//
// Start with Driver.View; docs/drivers/etcd.md says what is asked of which
// version, and with which permissions.
package etcd

import (
	"context"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Options tune a Driver. The zero value is ready for use.
type Options struct {
	// Timeout bounds each look at each member; 0 is one second.
	Timeout time.Duration
}

// Driver asks one etcd cluster. Its methods may be called at the same time.
type Driver struct{}

// New makes a Driver for c, which must be of kind etcd. It connects to nothing
// yet: a cluster that is down is no error. A CA or certificate file that cannot
// be read is one.
func New(c cluster.Cluster, o Options) (*Driver, error) { return &Driver{}, nil }

// Close closes every connection.
func (d *Driver) Close() error { return nil }

// View asks all members at once and returns what they say. It never fails: a
// member that could not be asked has Reachable false and a bounded Error
// (refused, timeout, tls, auth, other). It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View { return cluster.View{} }

// Health is what one member says of itself, and whether it serves reads.
type Health struct {
	ID        string `json:"id"`         // the member that answered, hex
	ClusterID string `json:"cluster_id"` // hex
	Leader    string `json:"leader,omitempty"`
	Term      uint64 `json:"term"`
	Commit    uint64 `json:"commit"`
	Applied   uint64 `json:"applied"`
	// Serializable and Linearizable tell that such a read through this member
	// was answered; permission denied is an answer.
	Serializable bool `json:"serializable"`
	Linearizable bool `json:"linearizable"`
	// Error is why a read was not answered, bounded as MemberView.Error is.
	Error string `json:"error,omitempty"`
}

// Health asks one member, through that member alone: Status, a serializable and a
// linearizable read. The error says that it did not answer Status.
func (d *Driver) Health(ctx context.Context, member string) (Health, error) { return Health{}, nil }

// GoneByPeers tells whether the other members that see a leader have lost their
// connections to the member: Yes at all of them, No when one still has it,
// Unknown when none can tell.
func (d *Driver) GoneByPeers(ctx context.Context, member string) cluster.Answer {
	return cluster.Unknown
}

// ReceivedFrom returns how many bytes each reachable peer, by name, has received
// from the member since the peer started. It fails when no peer answers, or the
// member's ID is not known.
func (d *Driver) ReceivedFrom(ctx context.Context, member string) (map[string]float64, error) {
	return nil, nil
}

// Answers tells whether anything answers HTTP on the member's client port and on
// its peer port: any status, or a finished TLS handshake. A port that accepts and
// then says nothing, as a stopped process's does, does not answer.
func (d *Driver) Answers(ctx context.Context, member string) (client, peer bool) {
	return false, false
}

// PeerView is the membership as a member's peer port tells it, quorum or not.
type PeerView struct {
	ClusterID string       `json:"cluster_id"` // hex
	Members   []PeerMember `json:"members"`
}

// PeerMember is one member in a PeerView.
type PeerMember struct {
	ID       string   `json:"id"` // hex
	Name     string   `json:"name"`
	PeerURLs []string `json:"peer_urls"`
	Learner  bool     `json:"learner,omitempty"`
}

// Expected tells, by a nil error, that the view is of the cluster c: it names
// every member of the inventory with its peer URL, and has the cluster ID that
// was seen before, if one was.
func (v PeerView) Expected(c cluster.Cluster, clusterID string) error { return nil }

// PeerMembers asks the member's peer port for its membership. It is answered
// without a quorum, where the client port is not.
func (d *Driver) PeerMembers(ctx context.Context, member string) (PeerView, error) {
	return PeerView{}, nil
}

// MemberID returns the ID last seen for a member of the inventory, hex, else the
// one pinned there.
func (d *Driver) MemberID(name string) (string, bool) { return "", false }

// ClusterID returns the cluster ID first seen by this Driver, hex.
func (d *Driver) ClusterID() (string, bool) { return "", false }
