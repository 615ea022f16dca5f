// Package mongodb is the one place that asks MongoDB. A Driver keeps one connection to
// each member of one replica set, asks each itself, bounds every answer, changes nothing,
// and says of what it could not ask that it could not.
//
// Start with Driver.View. ask.go puts the questions, member.go and view.go decide what
// the answers mean; bson.go, wire.go and scram.go are as much of the protocol as that
// needs. docs/collectors/mongodb.md says what is asked, with which rights, and what is
// expected of a set that is broken. No real MongoDB stands behind its tests, but a
// stand-in (internal/mongodbtest).
package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Options tune a Driver. The zero value is ready for use.
type Options struct {
	// Timeout bounds each View; 0 is one second.
	Timeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Driver asks one replica set. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	members []*asked
}

// New makes a Driver for c, which must be of kind mongodb. It connects to nothing yet: a
// set that is down is no error. A CA or certificate file that cannot be read is one.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindMongoDB {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindMongoDB)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		a, err := newAsked(m.Endpoint, c, o)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.members = append(d.members, a)
	}
	return d, nil
}

// View asks all members at once and returns what they say. It never fails, and takes
// Options.Timeout at most. The Detail of a member is a *Member, that of the View a
// *Summary.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	looks := make([]look, len(d.members))
	var all sync.WaitGroup
	for i, a := range d.members {
		all.Go(func() { looks[i] = a.look(ctx, d.cluster.MongoDB.Set) })
	}
	all.Wait()
	return assemble(d.cluster, looks)
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, a := range d.members {
		a.line.Close()
	}
	return nil
}
