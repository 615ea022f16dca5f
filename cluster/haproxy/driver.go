// Package haproxy looks at HAProxy processes through their stats socket: which servers
// of which backend take traffic, which are down, and which somebody took out.
//
// read.go reads what HAProxy says, driver.go asks. A socket of `level user` is enough:
// it can change nothing.
package haproxy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: a server has some 600 bytes in it.
const maxAnswer = 8 << 20

// questions are put at once: HAProxy answers one after the other, a blank line between.
const questions = "show info;show stat -1 6 -1;show servers state\n"

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the HAProxy processes of one cluster. Its methods may be called at the
// same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	lines   []*line.Line[*line.Once] // one for each member
}

// New makes a Driver for c, which must be of kind haproxy. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindHAProxy {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindHAProxy)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		asked, err := line.NewOnce(m.Endpoint, nil, maxAnswer)
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

// Close closes every line.
func (d *Driver) Close() error {
	for _, l := range d.lines {
		l.Close()
	}
	return nil
}

// View asks all processes at once and returns what they say. It never fails: one that
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

func look(ctx context.Context, name string, l *line.Line[*line.Once]) cluster.MemberView {
	mv := cluster.MemberView{Name: name}
	err := l.Do(ctx, func(ctx context.Context, o *line.Once) error {
		answer, err := o.Ask(ctx, questions)
		if err != nil {
			return err
		}
		m, err := read(answer)
		if err != nil {
			return line.Because(cluster.BadProtocol, err)
		}
		mv.Reachable, mv.Version, mv.Detail = true, m.Version, m
		return nil
	})
	if err != nil {
		line.Blame(&mv, err)
	}
	return mv
}
