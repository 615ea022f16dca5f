package cluster

import "slices"

// Index answers for an inventory without going through all of it.
type Index struct {
	units map[unit][]string   // resources of the members in a unit
	hosts map[string][]string // and on a host
}

type unit struct{ host, name string }

// Index goes through the inventory once.
func (inv Inventory) Index() Index {
	x := Index{units: map[unit][]string{}, hosts: map[string][]string{}}
	for _, c := range inv.Clusters {
		for _, m := range c.Members {
			res := resource(c, m)
			x.hosts[m.Host] = append(x.hosts[m.Host], res)
			if m.Unit != "" {
				at := unit{m.Host, m.Unit}
				x.units[at] = append(x.units[at], res)
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
