// Package postgres asks the members of a PostgreSQL cluster how they follow one
// another. A Driver keeps one connection to each member, puts one question in one round
// trip to all of them at once, bounds every answer in bytes and in time, and changes
// nothing. PostgreSQL 13 and later.
//
// Start with Driver.View. question.go is what is asked, member.go what was answered,
// view.go what the answers mean together: how far a standby is behind is told only of
// two servers that both answered, and that have the same history.
package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Options tune a Driver. The zero value is ready for use.
type Options struct {
	// Timeout bounds each look at each member; 0 is one second.
	Timeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Driver asks one PostgreSQL cluster. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	now     func() time.Time
	members []*member

	mu     sync.Mutex
	memory memory
}

// member is one member of the inventory with its one connection.
type member struct {
	cluster.Member
	line *line.Line[*conn]
	now  func() time.Time
}

// look is what one member answered.
type look struct {
	seen  *Member // nil: not reachable
	err   error
	asked time.Time // when the question was put
}

// New makes a Driver for c, which must be of kind postgres. It connects to nothing
// yet: a cluster that is down is no error. A CA or certificate file that cannot be read
// is one.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindPostgres {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindPostgres)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, now: o.Now}
	for _, m := range c.Members {
		dial, err := newDialer(c, m, o.Timeout)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.members = append(d.members, &member{Member: m, now: o.Now, line: line.New(line.Options[*conn]{Dial: dial.dial, Close: (*conn).close, Now: o.Now})})
	}
	return d, nil
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, m := range d.members {
		m.line.Close()
	}
	return nil
}

// View asks all members at once and returns what they say. It never fails: a member
// that could not be asked has Reachable false and a bounded Error. It takes
// Options.Timeout at most. Detail of a member is a *Member.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	looks := make([]look, len(d.members))
	var all sync.WaitGroup
	for i, m := range d.members {
		all.Go(func() { looks[i] = m.look(ctx) })
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return assemble(d.cluster, looks, &d.memory, d.now())
}

// look asks once, and once more if the connection that was kept had been ended in the
// meantime: a server that was restarted between two looks is there.
func (m *member) look(ctx context.Context) look {
	seen := look{asked: m.now()}
	ended := false
	question := func(ctx context.Context, c *conn) (err error) {
		kept := c.used
		seen.seen, err = c.ask(ctx)
		ended = kept && c.ended
		return err
	}
	if seen.err = m.line.Do(ctx, question); ended {
		seen.asked = m.now()
		seen.err = m.line.Do(ctx, question)
	}
	return seen
}
