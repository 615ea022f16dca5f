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

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: the page has some 100 bytes.
const maxAnswer = 64 << 10

// Options say how a Driver asks.
type Options = line.Timing

// Driver asks the nginx processes of one cluster. Its methods may be called at the same
// time.
type Driver struct{ lines *line.Lines[statusPage] }

// statusPage is the one page that is asked for.
type statusPage struct {
	*line.HTTP
	path string
}

// New makes a Driver for c, which must be of kind nginx. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	lines, err := line.ToMembers(c, cluster.KindNginx, o, func(m cluster.Member) (o line.Options[statusPage], err error) {
		u, err := url.Parse(m.Endpoint)
		if err != nil {
			return o, err
		}
		h, err := line.NewHTTP(u.Scheme+"://"+u.Host, c.TLS, maxAnswer, nil)
		return line.Client(statusPage{h, u.EscapedPath()}, nil), err
	})
	if err != nil {
		return nil, err
	}
	return &Driver{lines}, nil
}

// Close closes every connection.
func (d *Driver) Close() error { return d.lines.Close() }

// Status is what the page says. Accepted, Handled and Requests count since the process
// started; handled less than accepted is connections that a limit turned away.
type Status struct {
	Active, Reading, Writing, Waiting int64
	Accepted, Handled, Requests       int64
}

// View asks all processes at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. The Detail of a member is
// a *Status. It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View { return d.lines.View(ctx, ask) }

func ask(ctx context.Context, p statusPage, row *cluster.MemberView) error {
	text, err := p.Get(ctx, p.path)
	if err != nil {
		return err
	}
	s, err := read(text)
	if err != nil {
		return line.Because(cluster.BadProtocol, err)
	}
	row.Reachable, row.Detail = true, s
	return nil
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
