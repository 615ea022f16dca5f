// Package nats looks at the servers of a NATS cluster with JetStream, over each
// server's monitoring port: who leads the meta group, which streams have a leader, and
// how far each replica is behind it.
//
// ask.go has the questions and what of the answers is read, view.go what they mean.
// How far a replica is, it says itself: the lag that a server tells of the others is
// right only where it leads the stream, and old where it was cut off.
package nats

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: a stream has some 1.5 kB.
const maxAnswer = 8 << 20

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the servers of one cluster. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	lines   []*line.Line[*line.HTTP] // one for each member

	mu    sync.Mutex
	names map[string]string // last seen server names, by inventory name
}

// New makes a Driver for c, which must be of kind nats. It connects to nothing yet. A
// CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindNATS {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindNATS)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, names: map[string]string{}}
	for _, m := range c.Members {
		asked, err := line.NewHTTP(m.Endpoint, c.TLS, maxAnswer, nil)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.lines = append(d.lines, line.New(line.Options[*line.HTTP]{
			Dial:   func(context.Context) (*line.HTTP, error) { return asked, nil },
			Close:  (*line.HTTP).Close,
			Usable: line.Answered,
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

// View asks all servers at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. It takes
// Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	looks := make([]look, len(d.lines))
	var all sync.WaitGroup
	for i, l := range d.lines {
		all.Go(func() { looks[i] = ask(ctx, l) })
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	v := assemble(d.cluster, looks, d.names)
	for _, m := range v.Members {
		if m.ID != "" {
			d.names[m.Name] = m.ID
		}
	}
	return v
}
