// Package consul looks at the servers of a Consul data centre, over each server's own
// HTTP API: which of them vote, who leads, and how far each has applied the Raft log.
//
// ask.go has the questions, answers.go what Consul says, view.go what it means. Every
// server is asked for its own word (?stale), so that a cut-off one cannot borrow the
// leader's; what only the leader knows (autopilot) stands in its Detail.
package consul

import (
	"context"
	"net/http"
	"sync"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: agent/self of a large data centre has
// some 20 kB, a list of members some 400 bytes for each.
const maxAnswer = 4 << 20

// Options say how a Driver asks.
type Options = line.Timing

// Driver asks the servers of one data centre. Its methods may be called at the same time.
type Driver struct {
	lines *line.Lines[*line.HTTP]

	mu  sync.Mutex
	ids map[string]string // last seen server IDs, by inventory name
}

// New makes a Driver for c, which must be of kind consul. It connects to nothing yet.
// A CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	lines, err := line.ToMembers(c, cluster.KindConsul, o, func(m cluster.Member) (line.Options[*line.HTTP], error) {
		h, err := line.NewHTTP(m.Endpoint, c.TLS, maxAnswer, token(c.Read.PasswordFile))
		return line.Client(h, line.Answered), err
	})
	if err != nil {
		return nil, err
	}
	return &Driver{lines: lines, ids: map[string]string{}}, nil
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
func (d *Driver) Close() error { return d.lines.Close() }

// View asks all servers at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. It takes
// Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	looks := line.Ask(ctx, d.lines, ask)
	d.mu.Lock()
	defer d.mu.Unlock()
	v := assemble(d.lines.Cluster, looks, d.ids, d.lines.Now())
	for _, m := range v.Members {
		if m.ID != "" {
			d.ids[m.Name] = m.ID
		}
	}
	return v
}
