package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/fettle-io/fettle/cluster"
)

// Reasons why a member was not reached: the bounded words of MemberView.Error.
const (
	refused     = cluster.Refused
	timedOut    = cluster.Timeout
	badTLS      = cluster.BadTLS
	badAuth     = cluster.BadAuth
	badProtocol = cluster.BadProtocol
	tooLarge    = cluster.TooLarge
	other       = cluster.Other
)

// askError is a failed question with its reason.
type askError struct {
	reason string
	err    error
}

func (e *askError) Error() string { return e.reason + ": " + status.Convert(e.err).Message() }
func (e *askError) Unwrap() error { return e.err }

// reasonOf is the bounded reason of an error from member.ask; "" is none.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	var asked *askError
	if errors.As(err, &asked) {
		return asked.reason
	}
	return other
}

// member is one member of the inventory with its kept connection.
type member struct {
	cluster.Member
	page   *http.Request // for its metrics page
	dial   func() (*link, error)
	login  *login // nil: none
	writer *login // of the canary; nil: login's

	mu   sync.Mutex
	link *link
}

func newMember(m cluster.Member, c cluster.Cluster, conf *tls.Config, o Options) (*member, error) {
	u, err := parseURL(m.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if m.Peer != "" {
		if _, err := parseURL(m.Peer); err != nil {
			return nil, fmt.Errorf("peer: %w", err)
		}
	}
	page := m.Metrics
	if page == "" {
		page = strings.TrimSuffix(m.Endpoint, "/") + "/metrics"
	}
	request, err := http.NewRequest(http.MethodGet, page, nil) //nolint:noctx // each look gives it its own
	if err != nil {
		return nil, errors.New("metrics: not a URL")
	}
	asked := &member{Member: m, page: request, dial: func() (*link, error) { return newLink(u, conf, o.Timeout) }}
	if c.Read.Username != "" {
		asked.login = &login{ref: c.Read, now: o.Now}
	}
	if l := c.Etcd.Canary.Login; o.Canary && l.Username != "" {
		asked.writer = &login{ref: l, now: o.Now}
	}
	return asked, nil
}

// parseURL refuses what a request could not be sent to. It does not repeat the
// URL, which might hold a password.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Port() == "", u.Hostname() == "":
		return nil, errors.New("want http(s)://host:port")
	case u.User != nil:
		return nil, errors.New("has a user in it: name it under `read`")
	}
	return u, nil
}

// ask runs one read-only RPC against this member alone. A kept connection that
// turns out to be dead is replaced once; the context bounds both tries.
func (m *member) ask(ctx context.Context, rpc func(context.Context, *grpc.ClientConn) error) error {
	return m.askAs(ctx, m.login, rpc)
}

// askAs is ask with another login.
func (m *member) askAs(ctx context.Context, who *login, rpc func(context.Context, *grpc.ClientConn) error) error {
	for again := true; ; again = false {
		l, err := m.take()
		if err != nil {
			return &askError{other, err}
		}
		err = who.run(ctx, l.cc, rpc)
		reason, stale := explain(ctx, err, l)
		m.put(l)
		if stale && again {
			continue
		}
		if err != nil {
			return &askError{reason, err}
		}
		return nil
	}
}

// take returns the kept connection. One that failed is replaced rather than
// waited for: gRPC would go on answering with the old failure until its back-off
// is over, and a member that came up would be seen too late.
func (m *member) take() (*link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != nil && m.link.failed() {
		m.link.retired = true
		m.link.closeUnused()
		m.link = nil
	}
	if m.link == nil {
		l, err := m.dial()
		if err != nil {
			return nil, err
		}
		m.link = l
	}
	m.link.users++
	return m.link, nil
}

func (m *member) put(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l.users--
	l.closeUnused()
}

func (m *member) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == nil || m.link.cc.GetState() == connectivity.Shutdown {
		return nil
	}
	return m.link.cc.Close()
}

// explain turns an RPC's error into a reason. stale says that the connection
// broke under the call, so that another try tells more.
func explain(ctx context.Context, err error, l *link) (reason string, stale bool) {
	if err == nil {
		l.spoke.Store(true)
		return "", false
	}
	if isAuth(err) {
		l.spoke.Store(true)
		return badAuth, false
	}
	if told := new(rpctypes.EtcdError); errors.As(rpctypes.Error(err), told) { // the member's own words
		l.spoke.Store(true)
		if isOne(err, rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToLeaderFail, rpctypes.ErrTimeoutDueToConnectionLost) {
			return timedOut, false
		}
		return other, false
	}
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return timedOut, false
	case codes.Unavailable:
		switch {
		case l.failure() != "":
			return l.failure(), false
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return timedOut, false
		case l.tls && !l.spoke.Load():
			// With TLS 1.3 a server refuses a client's certificate after the
			// client's side of the handshake, and the alert may be lost.
			return badTLS, true
		case !l.spoke.Load() && isPreface(err):
			return badProtocol, false
		}
		return other, true
	case codes.Unimplemented, codes.Internal: // gRPC, of another server
		return badProtocol, false
	case codes.ResourceExhausted:
		return tooLarge, false
	}
	return other, false
}

// isPreface tells that what was connected to does not begin as HTTP/2 does: gRPC has
// no code for it, only words.
func isPreface(err error) bool {
	text := status.Convert(err).Message()
	return strings.Contains(text, "server preface") && (strings.Contains(text, "http2:") || strings.Contains(text, "_ERROR"))
}

// isAuth tells that the member answered, and wants another login.
func isAuth(err error) bool {
	var login *loginError
	if errors.As(err, &login) {
		return true
	}
	return isDenied(err) || status.Code(err) == codes.Unauthenticated ||
		isOne(err, rpctypes.ErrUserEmpty, rpctypes.ErrInvalidAuthToken, rpctypes.ErrAuthOldRevision, rpctypes.ErrAuthFailed)
}

// isOne tells that the member answered with one of etcd's errors.
func isOne(err error, of ...error) bool {
	err = rpctypes.Error(err)
	return slices.ContainsFunc(of, func(o error) bool { return errors.Is(err, o) })
}

// isDenied tells that the login is known and may not do this.
func isDenied(err error) bool { return status.Code(err) == codes.PermissionDenied }
