package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// parts are the ways to the outside that a configuration names. A reload
// exchanges them under the actions, which keep asking parts.
type parts struct {
	deps    action.Deps
	systemd *service.Systemd

	mu            sync.RWMutex
	clusters      []cluster.Cluster
	counted       map[string]bool // targets that guards.blast_radius counts
	local         func(host string) bool
	drivers       map[string]*etcd.Driver
	prometheus    *promql.Client // nil: none
	alertmanagers []*alertmanager.Client
	changed       chan struct{} // closed when the clusters are others
}

// openParts makes the parts and the actions over them.
func (a *App) openParts() error {
	p := &parts{systemd: service.NewSystemd(service.SystemdOptions{}), changed: make(chan struct{})}
	a.parts = p
	a.onStop = append(a.onStop, p.close)
	if err := p.set(a.cfg); err != nil {
		return err
	}
	p.deps = action.Deps{
		Services: service.Route{Commands: service.NewCommands(service.CommandsOptions{Redact: a.redact}), Systemd: p.systemd, Local: p.isLocal},
		Exec:     a.executor(), Redact: a.redact,
		Etcd: p.etcd, Scrapes: p, Local: p.isLocal, Clock: a.clock, Served: &action.Served{},
	}
	a.table = action.Table(p.deps)
	if a.o.Actions != nil {
		a.table = a.o.Actions(a.table)
	}
	return nil
}

// set takes what a configuration names. Connections to clusters that did not
// change are kept.
func (p *parts) set(cfg loaded) error {
	var err error
	drivers := map[string]*etcd.Driver{}
	discard := func() {
		for name, d := range drivers {
			if p.drivers[name] != d {
				err = errors.Join(err, d.Close())
			}
		}
	}
	for _, c := range cfg.Clusters {
		if c.Kind != cluster.KindEtcd {
			continue
		}
		if old, ok := p.drivers[c.Name]; ok && digestOf(p.clusters, c.Name) == c.Digest() {
			drivers[c.Name] = old
			continue
		}
		d, derr := etcd.New(c, etcd.Options{})
		if derr != nil {
			err = fmt.Errorf("cluster %s: %w", c.Name, derr)
			discard()
			return err
		}
		drivers[c.Name] = d
	}
	prometheus, managers, rerr := remotes(cfg)
	if rerr != nil {
		err = rerr
		discard()
		return err
	}
	counted := map[string]bool{}
	for _, l := range cfg.Limits() {
		for _, m := range l.Members {
			counted[m] = true
		}
	}
	p.mu.Lock()
	old := p.drivers
	p.counted = counted
	p.clusters, p.local, p.drivers, p.prometheus, p.alertmanagers = cfg.Clusters, cfg.Local, drivers, prometheus, managers
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	for name, d := range old {
		if drivers[name] != d {
			err = errors.Join(err, d.Close()) // a look that is under way fails, and is asked again
		}
	}
	return err
}

// remotes makes the clients of what is asked over HTTP.
func remotes(cfg loaded) (prometheus *promql.Client, managers []*alertmanager.Client, err error) {
	if c := cfg.Prometheus; c.URL != "" {
		rt, err := remote("prometheus", c.BasicAuth, c.TokenFile, c.TLS)
		if err != nil {
			return nil, nil, err
		}
		if prometheus, err = promql.New(promql.Options{URL: c.URL, Transport: rt, ScrapeInterval: c.ScrapeInterval}); err != nil {
			return nil, nil, err
		}
	}
	c := cfg.Alertmanager
	rt, err := remote("alertmanager", c.BasicAuth, c.TokenFile, c.TLS)
	if err != nil {
		return nil, nil, err
	}
	for _, u := range c.URLs {
		m, err := alertmanager.New(u, rt)
		if err != nil {
			return nil, nil, err
		}
		managers = append(managers, m)
	}
	return prometheus, managers, nil
}

func digestOf(clusters []cluster.Cluster, name string) string {
	c, _ := cluster.Inventory{Clusters: clusters}.Cluster(name)
	return c.Digest()
}

func (p *parts) close() error {
	p.systemd.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for d := range maps.Values(p.drivers) {
		errs = append(errs, d.Close())
	}
	p.drivers = nil
	return errors.Join(errs...)
}

func (p *parts) etcd(name string) (*etcd.Driver, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	d, ok := p.drivers[name]
	return d, ok
}

func (p *parts) isLocal(host string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.local(host)
}

// MemberReachable implements action.Scrapes.
func (p *parts) MemberReachable(ctx context.Context, cluster, member string) (reachable, known bool) {
	p.mu.RLock()
	c := p.prometheus
	p.mu.RUnlock()
	if c == nil {
		return false, false
	}
	return c.MemberReachable(ctx, cluster, member)
}

// verify asks the Prometheus of the running configuration for a playbook's `verify`.
func (p *parts) verify(ctx context.Context, expr string, since time.Duration) repair.VerifyResult {
	p.mu.RLock()
	c := p.prometheus
	p.mu.RUnlock()
	if c == nil {
		return repair.VerifyResult{Says: "no Prometheus is configured (prometheus.url)"}
	}
	r := c.Verify(ctx, expr, since)
	return repair.VerifyResult{True: r.True, Believed: r.Believed, Says: r.Says}
}

// watch keeps an eye on the clusters, so that a process that serves is known
// before it hangs, and begins anew when a reload changes them.
func (p *parts) watch(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.RLock()
		clusters, changed := p.clusters, p.changed
		p.mu.RUnlock()
		round, stop := context.WithCancel(ctx)
		go func() {
			defer stop()
			select {
			case <-changed:
			case <-round.Done():
			}
		}()
		action.Watch(round, p.deps, clusters)
		stop()
	}
}
