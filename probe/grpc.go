package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// askGRPC asks the standard health service, grpc.health.v1.Health, once.
func askGRPC(ctx context.Context, p *Prober, a *attempt) error {
	creds := insecure.NewCredentials()
	if p.tls != nil {
		creds = watched{credentials.NewTLS(a.watch(p.tls)), a}
	}
	conn, err := grpc.NewClient("passthrough:///"+p.Target, // no proxy, no balancer
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(_ context.Context, address string) (net.Conn, error) {
			conn, err := a.dial(ctx, p.network("tcp"), address)
			if err != nil {
				return nil, err
			}
			return noting{conn, a}, nil
		}),
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent("fettle_exporter"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostTold)),
		grpc.WithMaxHeaderListSize(mostTold),
	)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	begin := time.Now()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: p.Probe.GRPC.Service})
	if err != nil {
		return a.declined(err)
	}
	a.phase("wait", time.Since(begin)-a.sum())
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return line.Because(BadStatus, fmt.Errorf("the service says %s", answer.GetStatus()))
	}
	return nil
}

// declined gives an RPC's error its reason.
func (a *attempt) declined(err error) error {
	switch status.Code(err) {
	case codes.DeadlineExceeded, codes.Canceled:
		return line.Because(cluster.Timeout, err)
	case codes.NotFound:
		return line.Because(BadStatus, fmt.Errorf("the server knows no such service: %w", err))
	case codes.Unimplemented:
		return line.Because(cluster.BadProtocol, fmt.Errorf("the server has no health service: %w", err))
	case codes.Unavailable:
		if cause := a.cause(err); reason(cause) != cluster.Other {
			return cause
		}
		return line.Because(cluster.BadProtocol, err)
	case codes.Internal, codes.Unknown:
		return line.Because(cluster.BadProtocol, err)
	case codes.ResourceExhausted:
		return line.Because(cluster.TooLarge, err)
	}
	return line.Because(BadStatus, err)
}

// sum is how long the phases so far took together.
func (a *attempt) sum() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all time.Duration
	for _, p := range a.result.Phases {
		all += p.Took
	}
	return all
}

// noting notes why a connection broke, which gRPC tells only in words.
type noting struct {
	net.Conn
	attempt *attempt
}

// Read implements net.Conn.
func (n noting) Read(p []byte) (int, error) {
	k, err := n.Conn.Read(p)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		_ = n.attempt.fail(err)
	}
	return k, err
}

// Write implements net.Conn.
func (n noting) Write(p []byte) (int, error) {
	k, err := n.Conn.Write(p)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		_ = n.attempt.fail(err)
	}
	return k, err
}

// watched notes why TLS failed, which gRPC tells only in words.
type watched struct {
	credentials.TransportCredentials
	attempt *attempt
}

// ClientHandshake implements credentials.TransportCredentials.
func (w watched) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	begin := time.Now()
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, w.attempt.unsafe(err)
	}
	w.attempt.phase("tls", time.Since(begin))
	return noting{conn, w.attempt}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (w watched) Clone() credentials.TransportCredentials {
	return watched{w.TransportCredentials.Clone(), w.attempt}
}
