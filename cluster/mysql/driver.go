// Package mysql is the one place that asks MariaDB and MySQL. A Driver keeps one
// connection to each member of one cluster, puts one question at a time to it, changes
// nothing, and says of what it could not ask that it could not.
//
// A server's own word on its replication is true only while its link is: a replica whose
// primary hangs says Yes, Yes and 0 seconds. So a View is made of more: of both ends, of
// the heartbeats of the link, and of what earlier looks saw. Start with Driver.View;
// ask.go has the questions, assemble.go what the answers mean, role.go who is what,
// history.go what is remembered. docs/collectors/mysql.md says which rights the user needs.
package mysql

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
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

// Driver asks one cluster of MariaDB or MySQL servers. Its methods may be called at the
// same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	now     func() time.Time
	members []*member

	mu      sync.Mutex
	history *history
}

// member is one server and the line to it.
type member struct {
	dialer *dialer
	line   *line.Line[*session]
}

// New makes a Driver for c, which must be of kind mysql. It connects to nothing yet: a
// cluster that is down is no error. A CA or certificate file that cannot be read is one.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindMySQL {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindMySQL)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, timeout: o.Timeout, now: o.Now, history: newHistory()}
	for _, m := range c.Members {
		at, err := addressOf(m)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		var conf *tls.Config
		if at.network == "tcp" { // a socket is this machine's own
			if conf, err = line.TLS(c.TLS, at.host); err != nil {
				return nil, fmt.Errorf("cluster %q: %w", c.Name, err)
			}
		}
		asked := &member{dialer: &dialer{address: at, login: c.Read, tls: conf}}
		asked.line = line.New(line.Options[*session]{Dial: asked.dialer.dial, Close: (*session).close, Usable: usable, Now: o.Now})
		d.members = append(d.members, asked)
	}
	return d, nil
}

// View asks all members at once and returns what they say. It never fails, and takes
// Options.Timeout at most. The Detail of a member that answered is a *Member.
func (d *Driver) View(ctx context.Context) cluster.View {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	looks := make([]look, len(d.members))
	d.mu.Lock()
	asked := d.history.wants(d.cluster)
	d.mu.Unlock()
	var all sync.WaitGroup
	for i, m := range d.members {
		if i > 0 {
			all.Go(func() { looks[i] = m.look(ctx, asked[i]) })
		}
	}
	if len(d.members) > 0 { // the first one here: a new goroutine costs a growing stack each time
		looks[0] = d.members[0].look(ctx, asked[0])
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	v := assemble(d.cluster, looks, d.history, d.now())
	for i, m := range d.members {
		if looks[i].err != nil {
			line.Blame(&v.Members[i], looks[i].err, m.dialer.secrets())
		}
	}
	return v
}

func (m *member) look(ctx context.Context, w wants) (seen look) {
	seen.err = m.line.Do(ctx, func(ctx context.Context, s *session) error {
		var err error
		if seen.member, err = s.ask(ctx, w); err != nil && !usable(err) {
			m.dialer.giveUp(s.id)
		}
		seen.text = s.text
		return err
	})
	return seen
}

// Close closes every connection.
func (d *Driver) Close() error {
	for _, m := range d.members {
		m.line.Close()
	}
	return nil
}

// wants are what a look asks of each member beyond what is always asked.
func (h *history) wants(c cluster.Cluster) []wants {
	all := make([]wants, len(c.Members))
	for i, m := range c.Members {
		all[i] = wants{heartbeat: quoted(c.MySQL.HeartbeatTable), utc: c.MySQL.HeartbeatUTC, logs: h.logs[m.Name]}
	}
	return all
}

// quoted writes "database.table" as a statement does. The inventory allows no other form.
func quoted(table string) string {
	database, name, ok := strings.Cut(table, ".")
	if !ok || strings.Contains(table, "`") {
		return ""
	}
	return "`" + database + "`.`" + name + "`"
}
