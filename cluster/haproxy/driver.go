// Package haproxy looks at HAProxy processes through their stats socket: which servers
// of which backend take traffic, which are down, and which somebody took out.
//
// read.go reads what HAProxy says, driver.go asks. A socket of `level user` is enough:
// it can change nothing.
package haproxy

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer is how large an answer may be: a server has some 600 bytes in it.
const maxAnswer = 8 << 20

// questions are put at once: HAProxy answers one after the other, a blank line between.
const questions = "show info;show stat -1 6 -1;show servers state\n"

// Options say how a Driver asks.
type Options = line.Timing

// Driver asks the HAProxy processes of one cluster. Its methods may be called at the
// same time.
type Driver struct{ lines *line.Lines[*line.Once] }

// New makes a Driver for c, which must be of kind haproxy. It connects to nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	lines, err := line.ToMembers(c, cluster.KindHAProxy, o, func(m cluster.Member) (line.Options[*line.Once], error) {
		socket, err := line.NewOnce(m.Endpoint, nil, maxAnswer)
		return line.Client(socket, nil), err
	})
	if err != nil {
		return nil, err
	}
	return &Driver{lines}, nil
}

// Close closes every line.
func (d *Driver) Close() error { return d.lines.Close() }

// View asks all processes at once and returns what they say. It never fails: one that
// could not be asked has Reachable false and a bounded Error. The Detail of a member is
// a *Member. It takes Options.Timeout at most.
func (d *Driver) View(ctx context.Context) cluster.View { return d.lines.View(ctx, ask) }

func ask(ctx context.Context, socket *line.Once, row *cluster.MemberView) error {
	answer, err := socket.Ask(ctx, questions)
	if err != nil {
		return err
	}
	m, err := read(answer)
	if err != nil {
		return line.Because(cluster.BadProtocol, err)
	}
	row.Reachable, row.Version, row.Detail = true, m.Version, m
	return nil
}
