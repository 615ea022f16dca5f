// Package etcd is the one place that asks etcd. A Driver keeps one connection to
// each member of one cluster, asks each member itself and never one through
// another, bounds every call, changes nothing, and says of what it could not ask
// that it could not. Exporter, guards and actions all look through it.
//
// Start with Driver.View; docs/drivers/etcd.md says what is asked of which
// version, and with which permissions.
package etcd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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
	// Detail has View also read each member's own metrics page, unless the cluster
	// says no_metrics, and the snapshots in its data directory where that is here and
	// may be read: MemberView.Detail is then a *Member.
	Detail bool
	// Canary has View also write through each voter, where the cluster declares it:
	// the only thing in this package that goes through Raft's log.
	Canary bool
}

// Driver asks one etcd cluster. Its methods may be called at the same time.
type Driver struct {
	cluster cluster.Cluster
	timeout time.Duration
	options Options
	members []*member
	wanted  wants // of a metrics page
	tls     *tls.Config
	http    *http.Client
	readers sync.Pool // of *bufio.Reader, longestLine long

	mu        sync.Mutex
	ids       map[string]string // last seen member IDs, by inventory name
	clusterID string
}

// New makes a Driver for c, which must be of kind etcd. It connects to nothing
// yet: a cluster that is down is no error. A CA or certificate file that cannot
// be read is one.
func New(c cluster.Cluster, o Options) (*Driver, error) {
	if c.Kind != cluster.KindEtcd {
		return nil, fmt.Errorf("cluster %q is of kind %q, not %q", c.Name, c.Kind, cluster.KindEtcd)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	conf, err := line.TLS(c.TLS, "")
	if err != nil {
		return nil, fmt.Errorf("cluster %q: %w", c.Name, err)
	}
	if conf == nil { // an endpoint may be https:// all the same
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	d := &Driver{cluster: c, timeout: o.Timeout, options: o, wanted: wanted(), tls: conf, http: httpClient(conf), ids: map[string]string{}}
	for _, m := range c.Members {
		asked, err := newMember(m, c, conf, o)
		if err != nil {
			return nil, fmt.Errorf("cluster %q, member %q: %w", c.Name, m.Name, err)
		}
		d.members = append(d.members, asked)
	}
	return d, nil
}

// Close closes every connection.
func (d *Driver) Close() error {
	var errs []error
	for _, m := range d.members {
		errs = append(errs, m.close())
	}
	d.http.CloseIdleConnections()
	return errors.Join(errs...)
}

// MemberID returns the ID last seen for a member of the inventory, hex, else the
// one pinned there.
func (d *Driver) MemberID(name string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.ids[name]; ok {
		return id, true
	}
	m, ok := d.member(name)
	if !ok || m.MemberID == "" {
		return "", false
	}
	return m.MemberID, true
}

// ClusterID returns the cluster ID, hex, that the last View with a leader told.
func (d *Driver) ClusterID() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clusterID, d.clusterID != ""
}

func (d *Driver) remember(v cluster.View) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range v.Members {
		if m.ID != "" {
			d.ids[m.Name] = m.ID
		}
	}
	if _, ok := v.Leader(); ok && !v.Mismatch {
		d.clusterID = v.ID
	}
}

func (d *Driver) member(name string) (*member, bool) {
	for _, m := range d.members {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

func (d *Driver) unknown(name string) error {
	return fmt.Errorf("cluster %q has no member %q in the inventory", d.cluster.Name, name)
}

// hexID writes an ID as etcd's own labels and logs do.
func hexID(id uint64) string { return strconv.FormatUint(id, 16) }
