package line

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Stream is a connection to a member, over TLS where that is declared. What comes in is
// bounded in bytes and in time by Bound.
type Stream struct {
	net.Conn
	raw    *Conn
	secure bool
	spoke  bool // something came in after the handshake
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
	return &Stream{Conn: over, raw: raw, secure: true}, nil
}

// StreamOf is a stream over a connection that is there already.
func StreamOf(c net.Conn, most int64) *Stream {
	raw := &Conn{Conn: c, most: most}
	raw.Allow()
	return &Stream{Conn: raw, raw: raw}
}

// Read reads what is still allowed.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.spoke = s.spoke || n > 0
	return n, s.refused(err)
}

// Write writes.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	return n, s.refused(err)
}

// refused is err, which right after a handshake is the server's way to refuse the
// client's certificate: with TLS 1.3 the client's side is done by then.
func (s *Stream) refused(err error) error {
	if err == nil || !s.secure || s.spoke || Reason(err) != cluster.Other {
		return err
	}
	return Because(cluster.BadTLS, fmt.Errorf("the server hung up right after the handshake, as one does that takes another client certificate: %w", err))
}

// Bound allows one more answer, and ends reading and writing with ctx. The caller
// calls done afterwards.
func (s *Stream) Bound(ctx context.Context) (done func()) {
	s.raw.Allow()
	until, _ := ctx.Deadline() // none is no deadline
	_ = s.raw.SetDeadline(until)
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.raw.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	return func() {
		if !stop() {
			<-ended // not in the middle of the next question
		}
	}
}

// Close closes it at once: a TLS connection is not taken leave of, since that may wait
// for the other side.
func (s *Stream) Close() error { return s.raw.Close() }
