package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostBytes come in over one connection of a probe.
const mostBytes = 2 << 20

// attempt is one probe under way. What libraries call from goroutines of their own is
// under its lock.
type attempt struct {
	secrets []string // that must not be told

	mu     sync.Mutex
	result Result
	broken error // why the connection failed, where a library would tell it in words only
}

// end is the result, with what went wrong.
func (a *attempt) end(err error, took time.Duration) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Took = took
	a.result.Reason, a.result.Why = reason(err), line.Why(err, a.secrets...)
	return a.result
}

// phase notes a part that came to its end. Of several (redirects) it is the sum.
func (a *attempt) phase(name string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.result.Phases {
		if a.result.Phases[i].Name == name {
			a.result.Phases[i].Took += took
			return
		}
	}
	a.result.Phases = append(a.result.Phases, Phase{name, took})
}

// fail notes why the connection failed, the first time.
func (a *attempt) fail(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken == nil {
		a.broken = err
	}
	return err
}

// cause is why the connection failed, else err.
func (a *attempt) cause(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	return err
}

// dial connects to address, and ends what is read and written over it with ctx.
func (a *attempt) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var resolving time.Duration
	var began time.Time
	trace := &httptrace.ClientTrace{ // the net package calls these for any connection
		DNSStart: func(httptrace.DNSStartInfo) { began = time.Now() },
		DNSDone: func(done httptrace.DNSDoneInfo) {
			if resolving = time.Since(began); done.Err == nil {
				a.phase("resolve", resolving)
			}
		},
	}
	begin := time.Now()
	conn, err := line.Dial(httptrace.WithClientTrace(ctx, trace), network, address, mostBytes)
	if err != nil {
		return nil, a.fail(err)
	}
	a.phase("connect", time.Since(begin)-resolving)
	until, _ := ctx.Deadline()
	if err := conn.SetDeadline(until); err != nil {
		_ = conn.Close()
		return nil, a.fail(err)
	}
	return conn, nil
}

// secure is the handshake over a connection, which it closes if that fails.
func (a *attempt) secure(ctx context.Context, conn net.Conn, conf *tls.Config) (net.Conn, error) {
	begin := time.Now()
	over := tls.Client(conn, a.watch(conf))
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, a.unsafe(err)
	}
	a.phase("tls", time.Since(begin))
	return over, nil
}

// watch is conf that tells of the certificates of a chain that is trusted.
func (a *attempt) watch(conf *tls.Config) *tls.Config {
	conf = conf.Clone()
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		a.expires(trusted(s.VerifiedChains))
		return nil
	}
	return conf
}

// unsafe notes a handshake that failed, and the certificates of a chain that is not
// trusted.
func (a *attempt) unsafe(err error) error {
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		a.expires(earliest(refused.UnverifiedCertificates))
	}
	if why := reason(err); why != cluster.Timeout && why != cluster.BadTLS {
		err = line.Because(cluster.BadTLS, err)
	}
	return a.fail(fmt.Errorf("TLS handshake: %w", err))
}

func (a *attempt) expires(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Expires = at
}

// trusted is when the last of the chains that are trusted is no longer: servers send
// old certificates along that nobody needs.
func trusted(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		if at := earliest(chain); at.After(last) {
			last = at
		}
	}
	return last
}

// earliest is when the first of the certificates expires.
func earliest(chain []*x509.Certificate) time.Time {
	var first time.Time
	for _, c := range chain {
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}
