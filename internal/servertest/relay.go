package servertest

import (
	"net"
	"sync"
	"time"
)

// Relay passes connections on to a server, until it is told to hold them, to cut them,
// or to let little through. Its methods may be called at the same time.
type Relay struct {
	Port int // where it listens, on 127.0.0.1

	to       string
	listener net.Listener
	all      sync.WaitGroup

	mu      sync.Mutex
	cut     bool
	trickle time.Duration // for each byte; 0: no bound
	gate    chan struct{} // closed: bytes pass
	conns   map[net.Conn]bool
}

// NewRelay starts a relay to an address. Close ends it.
func NewRelay(to string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{Port: l.Addr().(*net.TCPAddr).Port, to: to, listener: l, gate: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(r.gate)
	r.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.all.Go(func() { r.join(in) })
		}
	})
	return r, nil
}

// Cut ends all connections, and new ones at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.conns {
		_ = c.Close() // ends its copying
	}
}

// Hold lets no more bytes through; who is connected stays so and hears nothing, as when
// packets are lost.
func (r *Relay) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.passing() {
		r.gate = make(chan struct{})
	}
}

// Trickle lets a byte through at a time, each after a while.
func (r *Relay) Trickle(each time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trickle = each
}

// Pass lets everything through again.
func (r *Relay) Pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut, r.trickle = false, 0
	if !r.passing() {
		close(r.gate)
	}
}

// Close ends it, and all connections.
func (r *Relay) Close() {
	_ = r.listener.Close()
	r.Pass() // whoever waits at the gate
	r.Cut()
	r.all.Wait()
}

func (r *Relay) passing() bool {
	select {
	case <-r.gate:
		return true
	default:
		return false
	}
}

func (r *Relay) join(in net.Conn) {
	defer r.forget(in)
	if !r.keep(in) {
		return
	}
	out, err := net.DialTimeout("tcp", r.to, time.Second)
	if err != nil {
		return
	}
	defer r.forget(out)
	if !r.keep(out) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pass(in, out) })
	both.Go(func() { r.pass(out, in) })
	both.Wait()
}

// keep keeps a connection for Cut to close; false: that it is cut already.
func (r *Relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = true
	return !r.cut
}

func (r *Relay) forget(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = c.Close() // whatever it was, it is over
	delete(r.conns, c)
}

// pass copies until one side ends, and ends both.
func (r *Relay) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			k := r.wait(len(rest))
			if _, err := to.Write(rest[:k]); err != nil {
				return
			}
			rest = rest[k:]
		}
		if err != nil {
			return
		}
	}
}

// wait waits until something may pass, and says how much of n bytes.
func (r *Relay) wait(n int) int {
	r.mu.Lock()
	gate, trickle := r.gate, r.trickle
	r.mu.Unlock()
	<-gate
	if trickle == 0 {
		return n
	}
	time.Sleep(trickle) // it is what a trickle is
	return 1
}
