// Package pacemaker looks at a Corosync and Pacemaker cluster, as its node on this
// machine sees it: the partition's quorum, the nodes, the resources and where they run.
//
// Pacemaker tells that to root and hacluster alone, over a protocol that its own library
// has; so crm_mon asks, from a timer, and writes what it heard into a file. driver.go
// reads the file, which must not be old; read.go says what it means.
package pacemaker

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	// maxFile is how large the file may be: a resource has some 300 bytes in it.
	maxFile = 4 << 20
	// maxAge is how old it may be, where nothing else is declared.
	maxAge = time.Minute
)

// Options say how a Driver reads.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// Driver reads what the nodes of one cluster on this machine say. Its methods may be
// called at the same time.
type Driver struct {
	cluster cluster.Cluster
	oldest  time.Duration
	now     func() time.Time
	paths   []string // one for each member
	turn    sync.Mutex
}

// New makes a Driver for c, which must be of kind pacemaker. It reads nothing yet.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindPacemaker {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindPacemaker)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{cluster: c, oldest: c.Pacemaker.MaxAge, now: o.Now}
	if d.oldest <= 0 {
		d.oldest = maxAge
	}
	for _, m := range c.Members {
		u, err := url.Parse(m.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.paths = append(d.paths, u.Path)
	}
	return d, nil
}

// Close does nothing: no file is kept open.
func (d *Driver) Close() error { return nil }

// Member is what a node says, and when it was written down.
type Member struct {
	Written time.Time
	// Status is nil where the file is too old, or says that the node cannot be asked.
	Status *Status
}

// View reads all files and returns what they say. It never fails: one that could not be
// read, or is too old, has Reachable false and a bounded Error. The Detail of a member
// is a *Member, nil where there is no file.
func (d *Driver) View(context.Context) cluster.View {
	d.turn.Lock()
	defer d.turn.Unlock()
	v := cluster.View{Cluster: d.cluster.Name, Kind: d.cluster.Kind, Members: make([]cluster.MemberView, len(d.paths))}
	for i, path := range d.paths {
		v.Members[i] = d.look(d.cluster.Members[i].Name, path)
	}
	return v
}

func (d *Driver) look(name, path string) cluster.MemberView {
	mv := cluster.MemberView{Name: name}
	w, err := line.ReadFile(path, maxFile)
	var m *Member
	if !w.At.IsZero() {
		m = &Member{Written: w.At}
		mv.Detail = m
	}
	if err == nil {
		err = w.Fresh(d.now(), d.oldest)
	}
	if err == nil {
		m.Status, err = read(w.Text)
	}
	if err != nil {
		line.Blame(&mv, err)
		return mv
	}
	mv.Reachable, mv.Version = true, m.Status.Version
	return mv
}
