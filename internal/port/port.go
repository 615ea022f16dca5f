// Package port finds free ports of 127.0.0.1 for servers that are told their port before
// they start, as etcd, Prometheus and Alertmanager are. A port that is merely free now may
// be given to somebody else until its server listens; these are not, by any process that
// asks here.
package port

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Ports are chosen below those that Linux (from 32768), macOS and Windows (from 49152)
// hand to outgoing connections: a killed server finds its own port free again.
const (
	first  = 12000
	blocks = 200
	// block is how many ports a process claims at once. It listens on the first of them
	// as long as it lives, which is its claim, and hands out the others.
	block = 100
	end   = first + blocks*block
)

// ports is what this process has claimed.
type ports struct {
	mu     sync.Mutex
	claims []net.Listener // kept: one that is collected is closed
	next   int            // the port to look at next, if it is below behind
	behind int
}

var ours ports //nolint:gochecknoglobals // as the ports are: the machine's, and a process has one share

// Free are n ports of 127.0.0.1 on which nobody listens, neither by TCP nor by UDP. None is
// given out twice by a process, nor to two processes that live at the same time.
func Free(n int) ([]int, error) { return ours.take(n) }

// Addresses are Free as 127.0.0.1:PORT.
func Addresses(n int) ([]string, error) {
	list, err := Free(n)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range list {
		out = append(out, address(p))
	}
	return out, nil
}

func (p *ports) take(n int) ([]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []int
	for len(out) < n {
		if p.next >= p.behind {
			if err := p.claim(); err != nil {
				return nil, err
			}
		}
		if isFree(p.next) {
			out = append(out, p.next)
		}
		p.next++
	}
	return out, nil
}

// claim claims another block.
func (p *ports) claim() error {
	var why error
	for _, b := range rand.Perm(blocks) { //nolint:gosec // no secret
		start := first + b*block
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address(start))
		if err != nil {
			why = err
			continue
		}
		p.claims = append(p.claims, l)
		p.next, p.behind = start+1, start+block
		return nil
	}
	return fmt.Errorf("no free ports on 127.0.0.1 from %d to %d: %w", first, end, why)
}

// isFree is whether nobody listens on it. It asks as a client does: had it listened
// itself, a program started meanwhile would hold the port until its exec, and the server
// that is told the port would find it taken.
func isFree(port int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tcp, err := (&net.Dialer{}).DialContext(ctx, "tcp", address(port))
	if err == nil {
		_ = tcp.Close() // nothing was said
		return false
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	udp, err := (&net.Dialer{}).DialContext(ctx, "udp", address(port))
	if err != nil {
		return false
	}
	defer udp.Close()
	if err := udp.SetDeadline(time.Now().Add(patience)); err != nil { //nolint:forbidigo // a deadline
		return false
	}
	if _, err = udp.Write(nil); err == nil {
		_, err = udp.Read(make([]byte, 1))
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// patience is how long a port has for its answer, which the kernel gives at once.
const patience = 100 * time.Millisecond

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
