package line

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"
)

// Stream is a connection to a member, over TLS where that is declared. What comes in is
// bounded in bytes and in time by Bound.
type Stream struct {
	net.Conn
	raw *Conn
}

// Place says where an endpoint of the inventory is: "tcp" and host:port, or "unix" and
// a path. host is what its certificate must name, "" of a socket.
func Place(endpoint string) (network, address, host string, err error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", "", "", err
	}
	if u.Scheme == "unix" {
		return "unix", u.Path, "", nil
	}
	if u.Hostname() == "" || u.Port() == "" {
		return "", "", "", fmt.Errorf("endpoint %q has no host or no port", endpoint)
	}
	return "tcp", u.Host, u.Hostname(), nil
}

// Open connects, with a TLS handshake where conf is not nil, and allows `most` bytes for
// each answer. It ends with ctx.
func Open(ctx context.Context, network, address string, conf *tls.Config, most int64) (*Stream, error) {
	raw, err := Dial(ctx, network, address, most)
	if err != nil {
		return nil, err
	}
	if conf == nil {
		return &Stream{Conn: raw, raw: raw}, nil
	}
	over := tls.Client(raw, conf)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &Stream{Conn: over, raw: raw}, nil
}

// Bound allows one more answer, and ends reading and writing with ctx. The caller
// calls done afterwards.
func (s *Stream) Bound(ctx context.Context) (done func()) {
	s.raw.Allow()
	until, _ := ctx.Deadline() // none is no deadline
	_ = s.raw.SetDeadline(until)
	stop := context.AfterFunc(ctx, func() { _ = s.raw.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

// Close closes it at once: a TLS connection is not taken leave of, since that may wait
// for the other side.
func (s *Stream) Close() error { return s.raw.Close() }
