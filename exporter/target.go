package exporter

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/fettle-io/fettle/cluster"
)

// ServeTarget answers one scrape of one cluster, or of one member, of the inventory:
// the parameter target is CLUSTER, CLUSTER/MEMBER, or the HOST:PORT at which a member
// answers. What is not in the inventory is refused, and never asked.
//
// The look is at the whole cluster, over the connections that other scrapes use too,
// and one at a time: how far a member is behind takes both ends. Of a member only what
// is said of that member is told.
func (e *Exporter) ServeTarget(w http.ResponseWriter, r *http.Request) {
	done, ok := e.admit(w)
	if !ok {
		return
	}
	defer done()
	targets := r.URL.Query()["target"]
	if len(targets) != 1 {
		http.Error(w, "want one parameter target: CLUSTER, CLUSTER/MEMBER or the HOST:PORT of a member of the inventory", http.StatusBadRequest)
		return
	}
	of, member, err := e.resolve(targets[0])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	of.answer(w, r, member)
}

// targeted are the exporters of single clusters, by name.
func targeted(o Options, table []Entry, all []*watched, enabled []string) (map[string]*Exporter, error) {
	targets := map[string]*Exporter{}
	for _, c := range all {
		own := o
		own.Sources, own.Self, own.MaxRequests = nil, nil, 0
		own.Host.Probes, own.Host.Heartbeat = nil, Heartbeat{}
		own.Host.Declared.Clusters = slices.DeleteFunc(slices.Clone(o.Host.Declared.Clusters), func(d cluster.Cluster) bool { return d.Name != c.Cluster.Name })
		own.Host.Declared.Bound = nil
		own.Collectors = map[string]bool{}
		for _, entry := range table {
			tells := slices.Contains([]string{"member", "sync", "raft", string(c.Cluster.Kind)}, entry.Name)
			own.Collectors[entry.Name] = tells && slices.Contains(enabled, entry.Name)
		}
		if o.Log != nil {
			own.Log = o.Log.With("target", c.Cluster.Name)
		}
		t, err := assembled(own, table)
		if err != nil {
			return nil, err
		}
		t.clusters = []*watched{c} // one look at a time, whoever asks
		targets[c.Cluster.Name] = t
	}
	return targets, nil
}

// resolve finds what a target names. The error never repeats more of it than 64 bytes.
func (e *Exporter) resolve(target string) (of *Exporter, member string, err error) {
	shown := target
	if len(shown) > 64 {
		shown = shown[:64] + "…"
	}
	name, member, named := strings.Cut(target, "/")
	var found []cluster.Target
	for _, c := range e.clusters {
		for _, m := range c.Cluster.Members {
			switch {
			case c.Cluster.Name == name && (!named || m.Name == member):
				return e.targets[name], member, nil
			case isAt(m, target):
				found = append(found, cluster.Target{Cluster: c.Cluster, Member: m})
			}
		}
	}
	switch len(found) {
	case 1:
		return e.targets[found[0].Cluster.Name], found[0].Member.Name, nil
	case 0:
		return nil, "", fmt.Errorf("target %q is neither a cluster, nor a member, nor the address of a member of the inventory that can be looked at: declare it under `clusters` in exporter.yml", shown)
	}
	return nil, "", fmt.Errorf("target %q is the address of several members, %s and %s: name the one that is meant", shown, found[0], found[1])
}

// isAt tells that a member answers at an address, HOST:PORT.
func isAt(m cluster.Member, address string) bool {
	u, err := url.Parse(m.Endpoint)
	return err == nil && u.Port() != "" && strings.EqualFold(u.Host, address)
}

// only leaves on the page what is said of a member, and of the collectors.
func (p *page) only(member string) {
	kept := p.families[:0]
	for _, f := range p.families {
		if f, some := f.only(member); some {
			kept = append(kept, f)
		}
	}
	p.families = kept
}

// only is f with the series of a member alone; false: there is none.
func (f family) only(member string) (family, bool) {
	if len(f.rows) == 0 {
		return f, false
	}
	at := slices.Index(f.rows[0].metric.Labels, "member")
	if at < 0 {
		return f, strings.HasPrefix(f.message.GetName(), "fettle_collector_")
	}
	one := family{headings: f.headings, message: &dto.MetricFamily{Name: f.message.Name, Help: f.message.Help, Type: f.message.Type, Unit: f.message.Unit}}
	for _, r := range f.rows {
		if r.labels[at] == member {
			one.rows = append(one.rows, r)
			one.message.Metric = append(one.message.Metric, r.told)
		}
	}
	return one, len(one.rows) > 0
}

// closeTargets closes what the exporters of single clusters keep open.
func (e *Exporter) closeTargets() error {
	var errs []error
	for _, t := range e.targets {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}
