// Package keepalived looks at the VRRP routers of this machine: the state of each
// instance, as keepalived tells it on the system bus, and, whatever keepalived says,
// which of the declared virtual addresses the machine really has.
//
// bus.go asks over D-Bus, read.go says what the answers mean, holds.go looks at the
// machine's own addresses. Everybody may ask: keepalived's bus policy lets all users
// read properties, and none of them change anything.
package keepalived

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the keepalived processes of one cluster that are on this machine. Its
// methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	lines   []*line.Line[*bus] // one for each member
}

// New makes a Driver for c, which must be of kind keepalived. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindKeepalived {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindKeepalived)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		network, address, _, err := line.Place(m.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.lines = append(d.lines, line.New(line.Options[*bus]{
			Dial:   func(ctx context.Context) (*bus, error) { return dial(ctx, network, address) },
			Close:  (*bus).close,
			Usable: answered,
			Now:    o.Now,
		}))
	}
	return d, nil
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, l := range d.lines {
		l.Close()
	}
	return nil
}

// View asks all members at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. The Detail of a member is
// a *Member. It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	v := cluster.View{Cluster: d.cluster.Name, Kind: d.cluster.Kind, Members: make([]cluster.MemberView, len(d.lines))}
	var all sync.WaitGroup
	for i, l := range d.lines {
		all.Go(func() { v.Members[i] = look(ctx, d.cluster.Members[i].Name, l) })
	}
	all.Wait()
	return v
}

func look(ctx context.Context, name string, l *line.Line[*bus]) cluster.MemberView {
	mv := cluster.MemberView{Name: name}
	err := l.Do(ctx, func(ctx context.Context, b *bus) error {
		m, err := b.instances(ctx)
		if err != nil {
			return err
		}
		mv.Reachable, mv.Detail = true, m
		return nil
	})
	if err != nil {
		line.Blame(&mv, err)
	}
	return mv
}
