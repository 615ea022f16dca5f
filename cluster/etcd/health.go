package etcd

import (
	"context"
	"fmt"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// healthKey is read to see whether reads are served; it need not be there.
// etcdctl's endpoint health reads the same one.
const healthKey = "health"

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

// Health asks one member, through that member alone: Status, then a serializable
// and a linearizable read at once. The error says that it did not answer Status.
// It takes twice Options.Timeout at most.
func (d *Driver) Health(ctx context.Context, member string) (Health, error) {
	m, ok := d.member(member)
	if !ok {
		return Health{}, d.unknown(member)
	}
	asking, cancel := context.WithTimeout(ctx, d.timeout)
	s, err := m.status(asking)
	cancel()
	if err != nil {
		return Health{}, fmt.Errorf("cluster %q, member %q: status from %s: %w", d.cluster.Name, m.Name, m.Endpoint, err)
	}
	h := Health{
		ID:        hexID(s.GetHeader().GetMemberId()),
		ClusterID: hexID(s.GetHeader().GetClusterId()),
		Term:      s.GetRaftTerm(), Commit: s.GetRaftIndex(), Applied: s.GetRaftAppliedIndex(),
	}
	if s.GetLeader() != 0 {
		h.Leader = hexID(s.GetLeader())
	}
	reading, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var local, agreed error
	var both sync.WaitGroup
	both.Go(func() { local = m.read(reading, true) })
	both.Go(func() { agreed = m.read(reading, false) })
	both.Wait()
	h.Serializable, h.Linearizable = local == nil, agreed == nil
	h.Error = reasonOf(local)
	if h.Error == "" {
		h.Error = reasonOf(agreed)
	}
	return h, nil
}

// read reads healthKey. Permission denied comes after the read was agreed upon,
// from the member's own data: it serves.
func (m *member) read(ctx context.Context, serializable bool) error {
	err := m.ask(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		_, err := pb.NewKVClient(cc).Range(ctx, &pb.RangeRequest{Key: []byte(healthKey), Limit: 1, Serializable: serializable})
		return err
	})
	if isDenied(err) {
		return nil
	}
	return err
}
