package mysqltest

import (
	"net"
	"sync"
)

// Relay passes connections on to a server, until it is told to hold or to cut them.
type Relay struct {
	// Port on 127.0.0.1 is where it listens.
	Port int

	to       string
	listener net.Listener

	mu    sync.Mutex
	cut   bool
	gate  chan struct{} // closed: bytes pass
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// NewRelay passes on to an address.
func NewRelay(to string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, err
	}
	r := &Relay{Port: l.Addr().(*net.TCPAddr).Port, to: to, listener: l, gate: make(chan struct{}), conns: map[net.Conn]bool{}} //nolint:forcetypeassert // of a TCP listener
	close(r.gate)
	r.all.Go(r.accept)
	return r, nil
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

// Cut ends all connections, and new ones at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.conns {
		_ = c.Close()
	}
	clear(r.conns)
}

// Pass ends a Hold and a Cut.
func (r *Relay) Pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = false
	if !r.passing() {
		close(r.gate)
	}
}

// Close ends it.
func (r *Relay) Close() {
	_ = r.listener.Close()
	r.Pass()
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

func (r *Relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.all.Go(func() { r.join(in) })
	}
}

func (r *Relay) join(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", r.to) //nolint:noctx // on this machine
	if err != nil {
		return
	}
	defer out.Close()
	if !r.keep(in, out) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pass(in, out) })
	both.Go(func() { r.pass(out, in) })
	both.Wait()
}

func (r *Relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.conns[c] = true
	}
	return !r.cut
}

func (r *Relay) pass(from, to net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		gate := r.gate
		r.mu.Unlock()
		<-gate
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil { // its end, or the relay's
			return
		}
	}
}
