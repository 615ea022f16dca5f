//go:build servers

package amtest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/servertest"
)

// relay passes an Alertmanager's gossip on, TCP and UDP, until it is cut: then
// nothing comes through, as in a partition.
type relay struct {
	address string // what the Alertmanager advertises
	to      string // where it listens

	mu    sync.Mutex
	off   bool
	conns map[net.Conn]bool
	flows map[string]net.Conn // UDP, by who sends
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	r := &relay{address: servertest.FreeAddress(t), to: to, conns: map[net.Conn]bool{}, flows: map[string]net.Conn{}}
	l, err := net.Listen("tcp", r.address)
	must(t, err)
	u, err := net.ListenPacket("udp", r.address)
	must(t, err)
	t.Cleanup(func() {
		_, _ = l.Close(), u.Close()
		r.cut(true)
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.stream(conn)
		}
	}()
	go r.packets(u)
	return r
}

// cut cuts it, or joins it again.
func (r *relay) cut(off bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = off
	if !off {
		return
	}
	for c := range r.conns {
		_ = c.Close()
	}
	for _, c := range r.flows {
		_ = c.Close()
	}
	clear(r.conns)
	clear(r.flows)
}

func (r *relay) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.off
}

// hold keeps conns to be closed by a cut; false: it is cut.
func (r *relay) hold(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return false
	}
	for _, c := range conns {
		r.conns[c] = true
	}
	return true
}

func (r *relay) stream(in net.Conn) {
	defer in.Close()
	if r.isCut() {
		return
	}
	out, err := net.DialTimeout("tcp", r.to, time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	if !r.hold(in, out) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if half, ok := way[0].(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}

// packets passes datagrams on, with an own socket for each who sends: answers find back.
func (r *relay) packets(u net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := u.ReadFrom(buf)
		if err != nil {
			return
		}
		if c := r.flow(u, from); c != nil {
			_, _ = c.Write(buf[:n])
		}
	}
}

func (r *relay) flow(u net.PacketConn, from net.Addr) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return nil
	}
	if c := r.flows[from.String()]; c != nil {
		return c
	}
	c, err := net.Dial("udp", r.to)
	if err != nil {
		return nil
	}
	r.flows[from.String()] = c
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if _, err := u.WriteTo(buf[:n], from); err != nil {
				return
			}
		}
	}()
	return c
}
