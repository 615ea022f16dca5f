package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Relay passes connections on to a server until it is told otherwise.
type Relay struct {
	Address string // where it listens

	to    string
	mu    sync.Mutex
	held  chan struct{} // closed: what comes in passes
	off   bool
	conns map[net.Conn]bool
}

// NewRelay starts a relay to a server. It ends with the test.
func NewRelay(t testing.TB, to string) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &Relay{Address: l.Addr().String(), to: to, held: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(r.held)
	t.Cleanup(func() {
		_ = l.Close()
		r.Pass()
		r.Cut()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.stream(c)
		}
	}()
	return r
}

// Cut closes every connection, and new ones at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = true
	for c := range r.conns {
		_ = c.Close()
	}
	clear(r.conns)
}

// Hold lets nothing pass and closes nothing: neither side is told.
func (r *Relay) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = make(chan struct{})
}

// Pass lets everything pass again.
func (r *Relay) Pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = false
	select {
	case <-r.held:
	default:
		close(r.held)
	}
}

func (r *Relay) stream(in net.Conn) {
	defer in.Close()
	out, err := net.DialTimeout("tcp", r.to, time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	if !r.keep(in, out) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.copy(out, in) })
	both.Go(func() { r.copy(in, out) })
	both.Wait()
}

func (r *Relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		if !r.off {
			r.conns[c] = true
		}
	}
	return !r.off
}

func (r *Relay) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		held := r.held
		r.mu.Unlock()
		<-held
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
}
