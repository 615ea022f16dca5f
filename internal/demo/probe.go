package demo

import (
	"context"
	"fmt"
	"net/url"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fettle-io/fettle/journal"
)

// probe reads through one member alone, over a connection that nobody else uses: an
// observer that knows nothing of fettle.
type probe struct {
	cc    *grpc.ClientConn
	clock func() journal.Reading
}

const (
	probeEvery = 10 * time.Millisecond
	probeReply = 250 * time.Millisecond
)

func newProbe(endpoint string, clock func() journal.Reading) (*probe, error) {
	cc, err := dial(endpoint)
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return &probe{cc: cc, clock: clock}, nil
}

// dial makes a connection to one member, which is tried again every 10 ms.
func dial(endpoint string) (*grpc.ClientConn, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient("passthrough:///"+u.Host,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: probeEvery, Multiplier: 1, MaxDelay: probeEvery},
			MinConnectTimeout: time.Second, // a port that accepts and says nothing is left soon
		}))
}

// firstRead returns when a linearizable read was first answered. It tries every
// 10 ms until ctx ends; ok is false if none was.
func (p *probe) firstRead(ctx context.Context) (at journal.Reading, ok bool) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if p.read(ctx) == nil {
			return p.clock(), true
		}
		select {
		case <-ctx.Done():
			return journal.Reading{}, false
		case <-tick.C:
		}
	}
}

func (p *probe) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeReply)
	defer cancel()
	_, err := pb.NewKVClient(p.cc).Range(ctx, &pb.RangeRequest{Key: []byte("fettle-demo"), Limit: 1})
	return err
}

func (p *probe) close() error { return p.cc.Close() }
