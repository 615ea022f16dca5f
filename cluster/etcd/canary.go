package etcd

import (
	"context"
	"errors"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Canary is how a write through one member went.
type Canary struct {
	Success bool
	// Reason is why it failed, one of CanaryReasons; Why the same for people.
	Reason, Why string
	// Took is how long the answer took; 0 without success.
	Took time.Duration
}

// Why a write failed, beside the reasons for which a member is not reachable.
const (
	noSpace  = "no_space"
	corrupt  = "corrupt"
	noLeader = "no_leader"
)

// CanaryReasons are the bounded words of Canary.Reason.
func CanaryReasons() []string {
	return append(slices.Clone(cluster.Reasons()), noLeader, noSpace, corrupt)
}

// canary writes through a voter: a transaction that goes through Raft's log, a
// quorum's disks and this member's own copy as any write does, is refused where a
// write is, and whose put stands where it is never done. So no key is made, no
// revision is counted, and nothing is left to be compacted.
func (d *Driver) canary(ctx context.Context, m *member) *Canary {
	timeout := d.cluster.Etcd.Canary.Timeout
	if timeout <= 0 {
		timeout = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	who := m.writer
	if who == nil {
		who = m.login
	}
	put := &pb.PutRequest{Key: []byte(d.cluster.Etcd.Canary.Prefix + m.Name), Value: []byte("fettle")}
	begin := time.Now()
	err := m.askAs(ctx, who, func(ctx context.Context, cc *grpc.ClientConn) error {
		// Without a condition it is met: the put is for when it is not.
		_, err := pb.NewKVClient(cc).Txn(ctx, &pb.TxnRequest{
			Failure: []*pb.RequestOp{{Request: &pb.RequestOp_RequestPut{RequestPut: put}}},
		})
		return err
	})
	if err != nil {
		return &Canary{Reason: canaryReason(err), Why: line.Why(err)}
	}
	return &Canary{Success: true, Took: time.Since(begin)}
}

// canaryReason is the bounded reason of an error from member.ask.
func canaryReason(err error) string {
	if asked, ok := errors.AsType[*askError](err); ok {
		switch {
		case isOne(asked.err, rpctypes.ErrNoSpace):
			return noSpace
		case isOne(asked.err, rpctypes.ErrCorrupt):
			return corrupt
		case isOne(asked.err, rpctypes.ErrNoLeader, rpctypes.ErrLeaderChanged, rpctypes.ErrNotLeader):
			return noLeader
		}
	}
	return reasonOf(err)
}
