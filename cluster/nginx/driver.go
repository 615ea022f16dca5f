// Package nginx looks at nginx processes by their stub_status page: whether each
// answers, and what its connections do. Nothing else is to be had of nginx itself; what
// its configuration is worth (`nginx -t`) is for who may run a command.
package nginx

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: the page has some 100 bytes.
const maxAnswer = 64 << 10

// Options say how a Driver asks.
type Options struct {
	Timeout time.Duration    // for a whole look; 0: 1 s
	Now     func() time.Time // nil: time.Now
}

// Driver asks the nginx processes of one cluster. Its methods may be called at the same
// time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	asked   []asked // one for each member
}

type asked struct {
	line *line.Line[*line.HTTP]
	path string
}

// New makes a Driver for c, which must be of kind nginx. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindNginx {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindNginx)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout}
	for _, m := range c.Members {
		u, err := url.Parse(m.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		h, err := line.NewHTTP(u.Scheme+"://"+u.Host, c.TLS, maxAnswer, nil)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		l := line.New(line.Options[*line.HTTP]{
			Dial:  func(context.Context) (*line.HTTP, error) { return h, nil },
			Close: (*line.HTTP).Close,
			Now:   o.Now,
		})
		d.asked = append(d.asked, asked{l, u.EscapedPath()})
	}
	return d, nil
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, a := range d.asked {
		a.line.Close()
	}
	return nil
}

// Status is what the page says. Accepted, Handled and Requests count since the process
// started; handled less than accepted is connections that a limit turned away.
type Status struct {
	Active, Reading, Writing, Waiting int64
	Accepted, Handled, Requests       int64
}

// View asks all processes at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. The Detail of a member is
// a *Status. It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	v := cluster.View{Cluster: d.cluster.Name, Kind: d.cluster.Kind, Members: make([]cluster.MemberView, len(d.asked))}
	var all sync.WaitGroup
	for i, a := range d.asked {
		all.Go(func() { v.Members[i] = look(ctx, d.cluster.Members[i].Name, a) })
	}
	all.Wait()
	return v
}

func look(ctx context.Context, name string, a asked) cluster.MemberView {
	mv := cluster.MemberView{Name: name}
	err := a.line.Do(ctx, func(ctx context.Context, h *line.HTTP) error {
		page, err := h.Get(ctx, a.path)
		if err != nil {
			return err
		}
		s, err := read(page)
		if err != nil {
			return line.Because(cluster.BadProtocol, err)
		}
		mv.Reachable, mv.Detail = true, s
		return nil
	})
	if err != nil {
		line.Blame(&mv, err)
	}
	return mv
}

// read reads the page (ngx_http_stub_status_module).
func read(page []byte) (*Status, error) {
	form := regexp.MustCompile(`^Active connections: (\d+) *\nserver accepts handled requests\n (\d+) (\d+) (\d+) *\nReading: (\d+) Writing: (\d+) Waiting: (\d+) *\n*$`)
	found := form.FindSubmatch(page)
	if found == nil {
		return nil, errors.New("the answer is not a stub_status page: name its path in the endpoint")
	}
	var s Status
	for i, into := range []*int64{&s.Active, &s.Accepted, &s.Handled, &s.Requests, &s.Reading, &s.Writing, &s.Waiting} {
		n, err := strconv.ParseInt(string(found[i+1]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the stub_status page: %w", err)
		}
		*into = n
	}
	return &s, nil
}
