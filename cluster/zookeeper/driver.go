// Package zookeeper looks at the servers of a ZooKeeper ensemble by the four-letter
// words srvr, which every server answers, and mntr, where it is allowed.
//
// ask.go has the questions and reads the answers, view.go says what they mean. A server
// does not say whom it follows; one that calls itself a follower or an observer serves
// clients only while it follows the one leader there is, so that one is taken for it.
package zookeeper

import (
	"context"
	"sync"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: mntr has some 10 kB.
const maxAnswer = 256 << 10

// Options say how a Driver asks.
type Options = line.Timing

// Driver asks the servers of one ensemble. Its methods may be called at the same time.
type Driver struct {
	lines *line.Lines[*line.Once]

	mu        sync.Mutex
	observers map[string]bool // by name, what a server was that answered last
}

// New makes a Driver for c, which must be of kind zookeeper. It connects to nothing
// yet. A CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	lines, err := line.ToMembers(c, cluster.KindZooKeeper, o, func(m cluster.Member) (line.Options[*line.Once], error) {
		asked, err := once(m, c.TLS)
		return line.Client(asked, nil), err
	})
	if err != nil {
		return nil, err
	}
	return &Driver{lines: lines, observers: map[string]bool{}}, nil
}

func once(m cluster.Member, t cluster.TLS) (*line.Once, error) {
	_, _, host, err := line.Place(m.Endpoint)
	if err != nil {
		return nil, err
	}
	conf, err := line.TLS(t, host)
	if err != nil {
		return nil, err
	}
	return line.NewOnce(m.Endpoint, conf, maxAnswer)
}

// Close closes every line.
func (d *Driver) Close() error { return d.lines.Close() }

// View asks all servers at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. It takes
// Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	looks := line.Ask(ctx, d.lines, ask)
	d.mu.Lock()
	defer d.mu.Unlock()
	v := assemble(d.lines.Cluster, looks, d.observers)
	for i, l := range looks {
		if l.mode != "" {
			d.observers[d.lines.Cluster.Members[i].Name] = l.mode == "observer"
		}
	}
	return v
}
