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
	"sync"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: a stream has some 1.5 kB.
const maxAnswer = 8 << 20

// Options say how a Driver asks.
type Options = line.Timing

// Driver asks the servers of one cluster. Its methods may be called at the same time.
type Driver struct {
	lines *line.Lines[*line.HTTP]

	mu    sync.Mutex
	names map[string]string // last seen server names, by inventory name
}

// New makes a Driver for c, which must be of kind nats. It connects to nothing yet. A
// CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	lines, err := line.ToMembers(c, cluster.KindNATS, o, func(m cluster.Member) (line.Options[*line.HTTP], error) {
		h, err := line.NewHTTP(m.Endpoint, c.TLS, maxAnswer, nil)
		return line.Client(h, line.Answered), err
	})
	if err != nil {
		return nil, err
	}
	return &Driver{lines: lines, names: map[string]string{}}, nil
}

// Close closes every connection.
func (d *Driver) Close() error { return d.lines.Close() }

// View asks all servers at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. It takes
// Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	looks := line.Ask(ctx, d.lines, ask)
	d.mu.Lock()
	defer d.mu.Unlock()
	v := assemble(d.lines.Cluster, looks, d.names)
	for _, m := range v.Members {
		if m.ID != "" {
			d.names[m.Name] = m.ID
		}
	}
	return v
}
