// Package gluster looks at a pool of GlusterFS servers: whether each management daemon
// answers, whether each brick's process does, and how much of a brick waits to be healed.
//
// driver.go asks all at once, rpc.go speaks Sun RPC as GlusterFS' own clients do, without
// a login; heals.go counts what waits, on the brick's own machine; report.go reads what a
// timer wrote down of split brains. Nothing that changes anything, and nothing that is
// for root, is asked.
package gluster

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the servers of one pool. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	now     func() time.Time
	servers []*server // one for each member
}

type server struct {
	name, host string
	line       *line.Line[*conn]
	bricks     []*watched
}

// watched is a brick that is looked at, one look at a time.
type watched struct {
	cluster.GlusterBrick

	turn  sync.Mutex
	port  int // that it had when its server last told it; 0: not known
	heals heals
}

// New makes a Driver for c, which must be of kind gluster. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindGluster {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindGluster)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, now: o.Now}
	for _, m := range c.Members {
		_, address, host, err := line.Place(m.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		s := &server{name: m.Name, host: host, line: line.New(line.Options[*conn]{
			Dial:  func(ctx context.Context) (*conn, error) { return dial(ctx, address) },
			Close: (*conn).close,
			Now:   o.Now,
		})}
		for _, b := range c.Gluster.Bricks {
			if b.Member == m.Name {
				s.bricks = append(s.bricks, &watched{GlusterBrick: b})
			}
		}
		d.servers = append(d.servers, s)
	}
	return d, nil
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, s := range d.servers {
		s.line.Close()
	}
	return nil
}

// Member is what is seen of a server's bricks, whether its management daemon answers or
// not.
type Member struct{ Bricks []Brick } // as they are declared

// Brick is a brick as it is seen from here.
type Brick struct {
	cluster.GlusterBrick

	// Up tells that the brick's process answers.
	Up bool
	// Registered tells that the management daemon has a port of it; nil: it does not answer.
	Registered *bool
	// Pending counts what waits to be healed from this brick to others, maxPending at
	// most; nil where the brick is on another machine, or may not be read.
	Pending *int
}

// View asks all servers at once and returns what they say. It never fails: one whose
// management daemon could not be asked has Reachable false and a bounded Error. The
// Detail of a member is a *Member, that of the View a *Summary. It takes Options.Timeout
// at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	v := cluster.View{Cluster: d.cluster.Name, Kind: d.cluster.Kind, Members: make([]cluster.MemberView, len(d.servers))}
	var all sync.WaitGroup
	for i, s := range d.servers {
		all.Go(func() { v.Members[i] = s.look(ctx) })
	}
	v.Detail = d.summary()
	all.Wait()
	return v
}

// told is what a management daemon says.
type told struct {
	here  bool  // it is on this machine
	ports []int // of each brick; 0: none
}

func (s *server) look(ctx context.Context) cluster.MemberView {
	mv := cluster.MemberView{Name: s.name}
	// The bricks have the rest of the time, also when the daemon takes all of its.
	until, _ := ctx.Deadline() // View gave it one
	asking, cancel := context.WithTimeout(ctx, time.Until(until)/2)
	defer cancel()
	var said *told
	err := s.line.Do(asking, func(ctx context.Context, c *conn) error {
		programs, err := c.programs(ctx)
		if err != nil {
			return err
		}
		if !slices.Contains(programs, portmap) {
			return line.Because(cluster.BadProtocol, fmt.Errorf("it speaks Sun RPC, and is no glusterd"))
		}
		t := &told{here: c.here()}
		for _, b := range s.bricks {
			port, err := c.port(ctx, b.Path)
			if err != nil {
				return err
			}
			t.ports = append(t.ports, port)
		}
		mv.Reachable, said = true, t
		return nil
	})
	if err != nil {
		line.Blame(&mv, err)
	}
	m := &Member{Bricks: make([]Brick, len(s.bricks))}
	var all sync.WaitGroup
	for i, b := range s.bricks {
		all.Go(func() { m.Bricks[i] = b.look(ctx, s.host, said, i) })
	}
	all.Wait()
	mv.Detail = m
	return mv
}

// look asks the brick's process itself. It serves also while its management daemon does
// not: then at the port that it had.
func (w *watched) look(ctx context.Context, host string, said *told, i int) Brick {
	w.turn.Lock()
	defer w.turn.Unlock()
	b := Brick{GlusterBrick: w.GlusterBrick}
	if said != nil {
		w.port = said.ports[i]
		registered := w.port != 0
		b.Registered = &registered
	}
	if w.port != 0 {
		b.Up = serves(ctx, net.JoinHostPort(host, strconv.Itoa(w.port)))
	}
	if said != nil && said.here {
		b.Pending = w.heals.count(ctx, w.Path)
	}
	return b
}

// serves tells that the process of a brick answers there.
func serves(ctx context.Context, address string) bool {
	c, err := dial(ctx, address)
	if err != nil {
		return false
	}
	defer c.close()
	programs, err := c.programs(ctx)
	return err == nil && slices.Contains(programs, fileServer)
}
