package config

import (
	"slices"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// approvers warns where two people have to approve and one of them cannot be known.
func (f *finder) approvers() {
	two := func(o Override) bool { return o.Approvers != nil && *o.Approvers > 1 }
	asked := two(f.c.Overrides.All)
	for _, all := range []map[string]Override{f.c.Overrides.Clusters, f.c.Overrides.Playbooks} {
		for _, o := range all {
			asked = asked || two(o)
		}
	}
	for _, o := range f.c.Tiers {
		asked = asked || two(o)
	}
	operators := 0
	for i, r := range f.c.Web.Roles {
		same := func(o Role) bool { return o.Role == r.Role && o.Name == r.Name && r.Name != "" } // one person with two credentials
		if r.Role == "operator" && !slices.ContainsFunc(f.c.Web.Roles[:i], same) {
			operators++
		}
	}
	if asked && operators < 2 {
		f.add(true, strictyaml.Path{"web", "roles"}, "approvers is 2, and web.roles knows fewer than two operators by name: the other approval can only come over the unix socket; give each person a role of their own")
	}
}
