// Package redis is the one place that asks Redis and Valkey. A Driver keeps one
// connection to each member of one cluster and to each Sentinel that watches it, asks
// each itself, bounds every answer, changes nothing, and says of what it could not ask
// that it could not.
//
// Start with Driver.View. ask.go and sentinel.go put the questions, info.go and view.go
// decide what the answers mean. docs/collectors/redis.md says what is asked, with which
// rights, and what is expected of a cluster that is broken.
package redis

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

// Driver asks one Redis cluster. Its methods may be called at the same time.
type Driver struct {
	cluster   cluster.Cluster
	timeout   time.Duration
	members   []*asked
	sentinels []*asked
}

// New makes a Driver for c, which must be of kind redis. It connects to nothing yet: a
// cluster that is down is no error. A CA or certificate file that cannot be read is one.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindRedis {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindRedis)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		a, err := newAsked(m.Name, m.Endpoint, c.TLS, c.Read, o)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.members = append(d.members, a)
	}
	for _, address := range c.Redis.Sentinels {
		a, err := newAsked(address, "redis://"+address, c.TLS, c.Redis.Read, o)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, sentinel %q: %w", c.Name, address, err)
		}
		d.sentinels = append(d.sentinels, a)
	}
	return d, nil
}

// View asks all members and Sentinels at once and returns what they say. It never
// fails, and takes Options.Timeout at most. The Detail of a member is a *Member, that
// of a witness a *Sentinel.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	members, sentinels := make([]look[Member], len(d.members)), make([]look[Sentinel], len(d.sentinels))
	var all sync.WaitGroup
	for i, a := range d.members {
		all.Go(func() { members[i] = ask(ctx, a, d.memberOf) })
	}
	for i, a := range d.sentinels {
		all.Go(func() { sentinels[i] = ask(ctx, a, d.sentinelOf) })
	}
	all.Wait()
	return assemble(d.cluster, members, sentinels)
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, a := range append(d.members, d.sentinels...) {
		a.line.Close()
	}
	return nil
}
