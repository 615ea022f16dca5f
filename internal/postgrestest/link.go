package postgrestest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Link is the way from a standby to its source: everything that comes to its port is
// passed on, until it is cut or held.
type Link struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	cut   bool
	held  chan struct{} // not nil: nothing goes through until it is closed
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func newLink(to string) (*Link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // until Close
	if err != nil {
		return nil, err
	}
	k := &Link{to: to, listener: l, conns: map[net.Conn]bool{}}
	k.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			k.all.Go(func() { k.pass(in) })
		}
	})
	return k, nil
}

// Port is where the standby connects to.
func (k *Link) Port() int { return k.listener.Addr().(*net.TCPAddr).Port }

// Cut ends all connections, and refuses new ones.
func (k *Link) Cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = true
	for c := range k.conns {
		_ = c.Close() // ends the copying
	}
}

// Hold lets nothing through, as a network that loses everything; connections stay.
func (k *Link) Hold() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = make(chan struct{})
	}
}

// Join undoes Cut and Hold.
func (k *Link) Join() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = false
	if k.held != nil {
		close(k.held)
		k.held = nil
	}
}

// Close ends it.
func (k *Link) Close() error {
	k.Join()
	k.Cut()
	err := k.listener.Close()
	k.all.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// keep keeps a connection to be closed by Cut; false: it is cut.
func (k *Link) keep(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns[c] = true
	return !k.cut
}

func (k *Link) pass(in net.Conn) {
	defer k.forget(in)
	if !k.keep(in) {
		return
	}
	out, err := net.DialTimeout("tcp", k.to, time.Second)
	if err != nil {
		return
	}
	defer k.forget(out)
	if !k.keep(out) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(gate{k, way[0]}, way[1]) // ends with either
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	both.Wait()
}

func (k *Link) forget(c net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = c.Close() // whatever it was, it is over
	delete(k.conns, c)
}

// gate writes when the link is not held.
type gate struct {
	link *Link
	to   net.Conn
}

func (g gate) Write(p []byte) (int, error) {
	g.link.mu.Lock()
	held := g.link.held
	g.link.mu.Unlock()
	if held != nil {
		<-held
	}
	return g.to.Write(p)
}
