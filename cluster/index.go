package cluster

import "slices"

// Index answers for an inventory without going through all of it.
type Index struct {
	units map[unit][]string   // resources of the members in a unit
	hosts map[string][]string // and on a host

	inUnit map[unit][]string // the members themselves, as "cluster/member"
	onHost map[string][]string
}

type unit struct{ host, name string }

// Index goes through the inventory once.
func (inv Inventory) Index() Index {
	x := Index{units: map[unit][]string{}, hosts: map[string][]string{}, inUnit: map[unit][]string{}, onHost: map[string][]string{}}
	for _, c := range inv.Clusters {
		for _, m := range c.Members {
			res, name := resource(c, m), Target{c, m}.String()
			x.hosts[m.Host], x.onHost[m.Host] = append(x.hosts[m.Host], res), append(x.onHost[m.Host], name)
			if m.Unit != "" {
				at := unit{m.Host, m.Unit}
				x.units[at], x.inUnit[at] = append(x.units[at], res), append(x.inUnit[at], name)
			}
		}
	}
	return x
}

// Resources is Inventory.Resources.
func (x Index) Resources(t Target, d Disturbs) []string {
	var names []string
	switch d {
	case DisturbsHost:
		names = append(names, "host/"+t.Member.Host)
		names = append(names, x.hosts[t.Member.Host]...)
	case DisturbsCluster:
		names = append(names, "cluster/"+t.Cluster.Name)
	default:
		names = append(names, resource(t.Cluster, t.Member))
		names = append(names, x.units[unit{t.Member.Host, t.Member.Unit}]...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Targets are the members, as "cluster/member", that a mutation of t makes unavailable
// where it takes t's service away, sorted: t itself and what runs in its unit; with a
// host all members there; with a cluster that has no quorum all of its members. In a
// quorum [DisturbsCluster] says who else must hold still, not who goes down.
func (x Index) Targets(t Target, d Disturbs) []string {
	names := []string{t.String()}
	switch {
	case d == DisturbsHost:
		names = append(names, x.onHost[t.Member.Host]...)
	case d == DisturbsCluster && t.Cluster.Kind == KindService:
		for _, m := range t.Cluster.Members {
			names = append(names, Target{t.Cluster, m}.String())
		}
	case t.Member.Unit != "":
		names = append(names, x.inUnit[unit{t.Member.Host, t.Member.Unit}]...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
