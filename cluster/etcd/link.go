package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// link is one gRPC connection to one address: no balancer, no name service and no
// proxy could make another member answer on it. Users are counted by its member.
type link struct {
	cc      *grpc.ClientConn
	why     atomic.Value // string: why the last attempt to connect failed, "" when it did not
	tls     bool
	spoke   atomic.Bool // answered since the last handshake
	users   int
	retired bool
}

func newLink(u *url.URL, conf *tls.Config, timeout time.Duration) (*link, error) {
	l := &link{}
	creds := insecure.NewCredentials()
	if u.Scheme == "https" {
		l.tls = true
		creds = handshake{credentials.NewTLS(conf), l}
	}
	cc, err := grpc.NewClient("passthrough:///"+u.Host,
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(l.dial),
		grpc.WithDisableServiceConfig(),
		// The answers are small: to find out how much may be on the way at once, gRPC would
		// send a ping after each of them.
		grpc.WithStaticStreamWindowSize(64<<10),
		grpc.WithDisableRetry(), // member.ask tries again where that tells more
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1, MaxDelay: 100 * time.Millisecond},
			MinConnectTimeout: timeout,
		}),
		// On Linux this is TCP_USER_TIMEOUT too: a host that is gone without a
		// word ends the connection after timeout, not after the kernel's minutes.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: timeout}),
	)
	if err != nil {
		return nil, err
	}
	l.cc = cc
	return l, nil
}

func (l *link) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	switch {
	case err == nil:
		l.why.Store("")
	case errors.Is(err, syscall.ECONNREFUSED):
		l.why.Store(refused)
	case isTimeout(err):
		l.why.Store(timedOut)
	default:
		l.why.Store(other)
	}
	return conn, err
}

// failure is why the connection could not be made; "" when it could.
func (l *link) failure() string {
	why, _ := l.why.Load().(string)
	return why
}

// failed tells that the connection could not be made and waits to try again.
func (l *link) failed() bool {
	s := l.cc.GetState()
	return s == connectivity.TransientFailure || s == connectivity.Shutdown
}

// closeUnused closes a retired link once its last call has ended: to close it
// under a call would hide the call's own answer.
func (l *link) closeUnused() {
	if l.retired && l.users == 0 {
		_ = l.cc.Close() // fails only when closed already
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

// handshake notes why TLS failed, which gRPC tells only in words.
type handshake struct {
	credentials.TransportCredentials
	link *link
}

func (h handshake) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	h.link.spoke.Store(false)
	conn, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, raw)
	switch {
	case err == nil:
	case isTimeout(err):
		h.link.why.Store(timedOut)
	default:
		h.link.why.Store(badTLS)
	}
	return conn, info, err
}

func (h handshake) Clone() credentials.TransportCredentials {
	return handshake{h.TransportCredentials.Clone(), h.link}
}
