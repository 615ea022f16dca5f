package config

import (
	"maps"
	"slices"

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// Autonomy says how much fettle may do by itself, and where.
type Autonomy struct {
	Default  repair.Autonomy                 `yaml:"default"`
	Tiers    map[repair.Tier]repair.Autonomy `yaml:"tiers"`
	Clusters map[string]repair.Autonomy      `yaml:"clusters"`
	// Playbooks is by cluster, then by playbook.
	Playbooks map[string]map[string]repair.Autonomy `yaml:"playbooks"`
}

// For is what holds for a playbook on a cluster: the most specific setting wins
// (playbook and cluster, then cluster, then tier, then the default), and observe
// where nothing is set. The playbook's own ceiling is not in it.
func (a Autonomy) For(playbook, cluster string, tier repair.Tier) repair.Autonomy {
	for _, set := range []repair.Autonomy{a.Playbooks[cluster][playbook], a.Clusters[cluster], a.Tiers[tier], a.Default} {
		if set != "" {
			return set
		}
	}
	return repair.Observe
}

// above is where the first setting above observe stands; nil: there is none.
func (a Autonomy) above() strictyaml.Path {
	for _, s := range a.settings() {
		if s.value == repair.Approve || s.value == repair.Auto {
			return s.path
		}
	}
	return nil
}

type setting struct {
	path  strictyaml.Path
	value repair.Autonomy
}

// settings are all that is set, in a fixed order.
func (a Autonomy) settings() []setting {
	at := strictyaml.Path{"autonomy"}
	all := []setting{{at.Join("default"), a.Default}}
	for _, t := range slices.Sorted(maps.Keys(a.Tiers)) {
		all = append(all, setting{at.Join("tiers", string(t)), a.Tiers[t]})
	}
	for _, c := range slices.Sorted(maps.Keys(a.Clusters)) {
		all = append(all, setting{at.Join("clusters", c), a.Clusters[c]})
	}
	for _, c := range slices.Sorted(maps.Keys(a.Playbooks)) {
		for _, p := range slices.Sorted(maps.Keys(a.Playbooks[c])) {
			all = append(all, setting{at.Join("playbooks", c, p), a.Playbooks[c][p]})
		}
	}
	return all
}

func (k check) autonomy() {
	known := []string{string(repair.Observe), string(repair.Approve), string(repair.Auto)}
	a, at := k.config.Autonomy, strictyaml.Path{"autonomy"}
	for _, s := range a.settings() {
		if !slices.Contains(known, string(s.value)) {
			k.doc.Errorf(s.path, "unknown autonomy %s; %s", strictyaml.Clip(string(s.value)), strictyaml.DidYouMean(string(s.value), known))
		}
	}
	k.tiers(at.Join("tiers"), maps.Keys(a.Tiers))
	k.clusters(at.Join("clusters"), maps.Keys(a.Clusters))
	k.clusters(at.Join("playbooks"), maps.Keys(a.Playbooks))
	if path := a.above(); path != nil && len(k.config.Web.Roles) == 0 && !k.doc.Bad(strictyaml.Path{"web", "roles"}) {
		k.doc.Errorf(path, "autonomy above observe needs web.roles: without them nobody who talks to fettle is known. Give Alertmanager and the operators a token each under web.roles, or write observe")
	}
}
