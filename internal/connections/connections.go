// Package connections bounds what whoever can connect may hold of fettle: how many
// connections there are at once, and how long one may take to say what it wants.
//
// A number alone would let a few hundred clients that send a byte now and then keep
// everybody else out. So a connection holds its place only while a request that has
// come whole is being answered. Every other one (nothing sent yet, headers or a body
// still coming, idle between requests) waits, and when all places are taken the one
// that has waited longest is closed for a new one. An honest request needs
// milliseconds from its first byte to its last, and is the last to be closed.
//
// Start at [Limit.Guard], which puts a Limit around a server and its listener.
package connections

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Limit is the connections of one server.
type Limit struct {
	most    int
	evicted prometheus.Counter

	mu      sync.Mutex
	open    int
	waiting *list.List    // of *conn, who has waited longest first
	changed chan struct{} // has one element when there may be a place again
}

// New makes a Limit of so many connections at once, at least one, and registers its
// metrics.
func New(most int, reg prometheus.Registerer) *Limit {
	l := &Limit{
		most: max(most, 1), waiting: list.New(), changed: make(chan struct{}, 1),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fettle_http_connections_evicted_total",
			Help: "Connections closed because all places were taken and they had waited longest: idle, or their request had not come whole.",
		}),
	}
	reg.MustRegister(l.evicted, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fettle_http_connections",
		Help: "Open connections over TCP.",
	}, func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.open)
	}))
	return l
}

// Guard has the limit hold for a server and returns the listener that it has to
// serve, with or without TLS over it. Connections from other listeners, such as a
// unix socket's, are not bounded.
func (l *Limit) Guard(srv *http.Server, in net.Listener) net.Listener {
	contextOf, stateOf := srv.ConnContext, srv.ConnState
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if contextOf != nil {
			ctx = contextOf(ctx, c)
		}
		if own := ours(c); own != nil {
			ctx = context.WithValue(ctx, connKey{}, own)
		}
		return ctx
	}
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if own := ours(c); own != nil && !overHTTP2(c) {
			switch s { //nolint:exhaustive // the others change nothing
			case http.StateActive:
				own.headersCame()
			case http.StateIdle: // the answer is on its way
				own.answered()
			}
		}
		if stateOf != nil {
			stateOf(c, s)
		}
	}
	srv.Handler = l.handler(srv.Handler)
	return &listener{Listener: in, limit: l, closed: make(chan struct{})}
}

// listener hands out connections that have a place.
type listener struct {
	net.Listener
	limit  *Limit
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a connection, and for a place for it.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	own := &conn{Conn: c, limit: l.limit}
	for !l.limit.admit(own) {
		select {
		case <-l.limit.changed:
		case <-l.closed:
			return nil, errors.Join(net.ErrClosed, c.Close())
		}
	}
	return own, nil
}

// Close stops listening, also where Accept waits for a place.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit gives c a place, if need be that of the connection that has waited longest.
// It is false while every connection is being answered.
func (l *Limit) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open >= l.most {
		longest := l.waiting.Front()
		if longest == nil {
			return false
		}
		victim := longest.Value.(*conn) //nolint:errcheck // the list holds nothing else
		victim.leave()
		l.evicted.Inc()
		victim.Conn.Close() //nolint:errcheck // nobody is left to be told
	}
	l.open++
	c.place = l.waiting.PushBack(c)
	return true
}

// notify says that there may be a place; l.mu is held or not.
func (l *Limit) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// conn is one connection. Its fields are guarded by limit.mu.
type conn struct {
	net.Conn
	limit *Limit

	gone    bool
	working int           // requests that have come whole and are being answered
	place   *list.Element // among those that wait; nil while working, or gone
	began   time.Time     // when the headers had come
}

type connKey struct{}

// ours finds the connection below what a server knows.
func ours(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

func overHTTP2(c net.Conn) bool {
	t, ok := c.(*tls.Conn)
	return ok && t.ConnectionState().NegotiatedProtocol == "h2"
}

// Close gives the place back.
func (c *conn) Close() error {
	c.limit.mu.Lock()
	c.leave()
	c.limit.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite is how a server lets a client read its last answer.
func (c *conn) CloseWrite() error {
	if t, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return t.CloseWrite()
	}
	return nil
}

// leave is called with limit.mu held, any number of times.
func (c *conn) leave() {
	if c.gone {
		return
	}
	c.gone = true
	c.limit.open--
	if c.place != nil {
		c.limit.waiting.Remove(c.place)
		c.place = nil
	}
	c.limit.notify()
}

// whole says that a request has come to its end, and is being answered.
func (c *conn) whole() {
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	c.working++
	if c.place != nil {
		c.limit.waiting.Remove(c.place)
		c.place = nil
	}
}

// answered ends what whole began, if it did.
func (c *conn) answered() {
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	if c.working == 0 {
		return
	}
	if c.working--; c.working == 0 && !c.gone {
		c.place = c.limit.waiting.PushBack(c)
		c.limit.notify()
	}
}
