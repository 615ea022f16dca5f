// Package consul looks at the servers of a Consul data centre, over each server's own
// HTTP API: which of them vote, who leads, and how far each has applied the Raft log.
//
// ask.go has the questions, answers.go what Consul says, view.go what it means. Every
// server is asked for its own word (?stale), so that a cut-off one cannot borrow the
// leader's; what only the leader knows (autopilot) stands in its Detail.
package consul

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: agent/self of a large data centre has
// some 20 kB, a list of members some 400 bytes for each.
const maxAnswer = 4 << 20

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the servers of one data centre. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	now     func() time.Time
	lines   []*line.Line[*line.HTTP] // one for each member

	mu  sync.Mutex
	ids map[string]string // last seen server IDs, by inventory name
}

// New makes a Driver for c, which must be of kind consul. It connects to nothing yet.
// A CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindConsul {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindConsul)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, now: o.Now, ids: map[string]string{}}
	for _, m := range c.Members {
		asked, err := line.NewHTTP(m.Endpoint, c.TLS, maxAnswer, token(c.Read.PasswordFile))
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

// token adds the ACL token of the file to each request; without a file there is none.
func token(file string) func(http.Header) error {
	if file == "" {
		return nil
	}
	return func(h http.Header) error {
		secret, err := line.Secret(file)
		if err == nil {
			h.Set("X-Consul-Token", secret)
		}
		return err
	}
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
	v := assemble(d.cluster, looks, d.ids, d.now())
	for _, m := range v.Members {
		if m.ID != "" {
			d.ids[m.Name] = m.ID
		}
	}
	return v
}
