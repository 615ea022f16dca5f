// Package zookeeper looks at the servers of a ZooKeeper ensemble by the four-letter
// words srvr, which every server answers, and mntr, where it is allowed.
//
// ask.go has the questions and reads the answers, view.go says what they mean. A server
// does not say whom it follows; one that calls itself a follower or an observer serves
// clients only while it follows the one leader there is, so that one is taken for it.
package zookeeper

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: mntr has some 10 kB.
const maxAnswer = 256 << 10

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the servers of one ensemble. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	lines   []*line.Line[*line.Once] // one for each member

	mu        sync.Mutex
	observers map[string]bool // by name, what a server was that answered last
}

// New makes a Driver for c, which must be of kind zookeeper. It connects to nothing
// yet. A CA or certificate file that cannot be read is an error.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindZooKeeper {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindZooKeeper)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, observers: map[string]bool{}}
	for _, m := range c.Members {
		asked, err := once(m, c.TLS)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.lines = append(d.lines, line.New(line.Options[*line.Once]{
			Dial:  func(context.Context) (*line.Once, error) { return asked, nil },
			Close: (*line.Once).Close,
			Now:   o.Now,
		}))
	}
	return d, nil
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
	v := assemble(d.cluster, looks, d.observers)
	for i, l := range looks {
		if l.mode != "" {
			d.observers[d.cluster.Members[i].Name] = l.mode == "observer"
		}
	}
	return v
}
