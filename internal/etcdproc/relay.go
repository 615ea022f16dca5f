package etcdproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster/etcd"
)

// network is what the members of a cluster with Options.Relays reach one another
// through: a relay before each peer port, which knows who sends by the header that
// etcd sends along, so that single members can be cut off.
type network struct {
	mu     sync.Mutex
	relays map[string]net.Listener // by member
	names  map[string]string       // members by ID
	cut    map[string]bool         // by name
	flows  map[*flow]bool
	wait   sync.WaitGroup
}

// flow is one connection through a relay.
type flow struct {
	in, out net.Conn
	to      string // the member it leads to
	from    string // the ID of who made it; "": not known yet
	lost    bool   // was cut: what comes is swallowed, until it is closed
}

var sender = []byte("X-Server-From: ") //nolint:gochecknoglobals // a constant

// relay begins to relay to a member, unless it has.
func (n *network) relay(s Spec) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.relays[s.Name] != nil {
		return nil
	}
	at, err := url.Parse(s.Peer)
	if err != nil {
		return err
	}
	behind, err := url.Parse(s.PeerListen)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", at.Host)
	if err != nil {
		return fmt.Errorf("relay for %s: %w", s.Name, err)
	}
	n.relays[s.Name] = l
	n.wait.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			n.wait.Go(func() { n.pass(in, s.Name, behind.Host) })
		}
	})
	return nil
}

func (n *network) pass(in net.Conn, to, address string) {
	defer in.Close()
	out, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	defer out.Close()
	f := &flow{in: in, out: out, to: to}
	n.mu.Lock()
	n.flows[f] = true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.flows, f)
		n.mu.Unlock()
	}()
	var both sync.WaitGroup
	both.Go(func() { n.pump(f, f.in, f.out, true) })
	both.Go(func() { n.pump(f, f.out, f.in, false) })
	both.Wait()
}

// pump copies until one side ends, and ends the other: which side it was does not matter
// to etcd, which connects anew.
func (n *network) pump(f *flow, from, to net.Conn, requests bool) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		k, err := from.Read(buf)
		if k > 0 && !n.swallows(f, buf[:k], requests) {
			if _, err := to.Write(buf[:k]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// swallows tells that a chunk of f does not get through.
func (n *network) swallows(f *flow, chunk []byte, request bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, rest, ok := bytes.Cut(chunk, sender); request && f.from == "" && ok {
		id, _, _ := bytes.Cut(rest, []byte("\r\n"))
		f.from = string(id)
	}
	f.lost = f.lost || n.cut[f.to] || n.cut[n.names[f.from]]
	return f.lost
}

// close ends all of it.
func (n *network) close() error {
	n.mu.Lock()
	var errs []error
	for _, l := range n.relays {
		errs = append(errs, l.Close())
	}
	clear(n.relays)
	n.drop(func(*flow) bool { return true })
	n.mu.Unlock()
	n.wait.Wait()
	return errors.Join(errs...)
}

// drop closes flows. n.mu is held.
func (n *network) drop(which func(*flow) bool) {
	for f := range n.flows {
		if which(f) {
			_ = f.in.Close() // ends its pumps, which close both again
			_ = f.out.Close()
		}
	}
}

// Cut cuts a member off from its peers: the connections that there are break, new ones
// are made and get nowhere, as behind a firewall. Its clients reach it as before. It
// needs Options.Relays, and the member up, to know it by its ID.
func (c *Cluster) Cut(ctx context.Context, name string) error {
	if c.network == nil {
		return errors.New("the cluster has no relays")
	}
	d, err := etcd.New(c.Inventory("etcdproc"), etcd.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	m, _ := d.View(ctx).Member(name)
	if !m.Reachable {
		return fmt.Errorf("etcd member %q does not tell its ID: %s", name, m.Error)
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.network.names[m.ID] = name
	c.network.cut[name] = true
	c.network.drop(func(f *flow) bool { return f.to == name || c.network.names[f.from] == name })
	return nil
}

// Heal takes Cut back.
func (c *Cluster) Heal(name string) {
	if c.network == nil {
		return
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	delete(c.network.cut, name)
	c.network.drop(func(f *flow) bool { return f.lost })
}
