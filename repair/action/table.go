// Package action has the actions that playbooks can name, one file each, and the
// look that those on a cluster member share.
//
// Start with Table. What every action keeps to is in repair.Action: Observe only
// reads, Done is pure, Apply mutates once.
package action

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Deps is what the actions work with.
type Deps struct {
	// Services reaches the targets' service managers.
	Services service.Manager
	// Etcd is the driver of a cluster of kind etcd, by the cluster's name.
	Etcd func(cluster string) (*etcd.Driver, bool)
	// Scrapes is Prometheus' view; nil: none is configured.
	Scrapes Scrapes
	// Local tells whether a member's host is this machine: its data directory and
	// its ports can then be looked at from where it runs.
	Local func(host string) bool
	// Exec runs the commands that playbooks declare; nil: none are run.
	Exec service.Executor
	// Resolver finds the hosts that playbooks' requests go to; nil: the machine's own.
	Resolver *net.Resolver
	// Redact takes secrets out of what commands say; nil: nothing is.
	Redact func(string) string
	// Clock reads the clocks.
	Clock func() journal.Reading
	// Served remembers which processes have been seen serving, across tables; nil: a
	// new one. See Watch.
	Served *Served
	// Hang says when silence is a hang; the zero value is ENGINE.md's rule 14.
	Hang Hang
	// CommitLag is by how many entries a member may lag and still be caught up; 0 is 1000.
	CommitLag uint64
}

// Scrapes is Prometheus' last scrape as a vantage point.
type Scrapes interface {
	// MemberReachable is whether an exporter reached the member; known is false
	// where no scrape is young enough to tell.
	MemberReachable(ctx context.Context, cluster, member string) (reachable, known bool)
}

// Table is every action by the name that playbooks use.
func Table(d Deps) map[string]repair.ActionSpec {
	if d.CommitLag == 0 {
		d.CommitLag = 1000
	}
	if d.Served == nil {
		d.Served = &Served{}
	}
	d.Hang = d.Hang.orDefault()
	member := &memberLook{Deps: d, silences: map[string]silence{}}
	specs := []repair.ActionSpec{
		{Name: "member-start", Sees: memberSchema, Kind: cluster.KindEtcd, Does: repair.Starts, Disturbs: cluster.DisturbsCluster, Action: memberStart{member}},
		{Name: "member-end-hung", Sees: memberSchema, Kind: cluster.KindEtcd, Does: repair.Takes, Disturbs: cluster.DisturbsCluster, Action: memberEndHung{member}},
		{Name: "service-restart", Sees: serviceSchema, Kind: cluster.KindService, Does: repair.Takes, Disturbs: cluster.DisturbsUnit, Action: serviceRestart{d}},
		d.declared(repair.ActionExec, member, d.openExec),
		d.declared(repair.ActionHTTP, member, d.openHTTP(&requests{})),
	}
	table := make(map[string]repair.ActionSpec, len(specs))
	for _, s := range specs {
		table[s.Name] = s
	}
	return table
}

// mayBegin is rule 8: an executor does not begin after an intent's notAfter, nor in
// another boot.
func (d Deps) mayBegin(in repair.Intent) error {
	now := d.Clock()
	if in.MayBegin(now) {
		return nil
	}
	return fmt.Errorf("intent %s (%s on %s) is %s too late to begin", in.ID, in.Action, in.Target, (now.Since - in.NotAfterSince).Round(time.Millisecond))
}
