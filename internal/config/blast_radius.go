package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// BlastRadius says how much may be unavailable at once for fettle to take more away.
// A share is a number of members or, with %, a part of them, rounded down.
type BlastRadius struct {
	Clusters map[string]string `yaml:"clusters"` // by cluster: the share
	Groups   []Group           `yaml:"groups"`
}

// Group is what shares something that no cluster says: a rack, a service's replicas.
type Group struct {
	Name string `yaml:"name"`
	// Members are CLUSTER/MEMBER, or CLUSTER/* for all of a cluster.
	Members []string `yaml:"members"`
	AtMost  string   `yaml:"at_most"` // the share
}

// Limits are guards.blast_radius as the guard asks it.
func (c Config) Limits() []repair.Limit { return c.limits }

var share = regexp.MustCompile(`^(\d{1,6})(%?)$`)

func (k check) blastRadius() {
	at := strictyaml.Path{"guards", "blast_radius"}
	said := k.config.Guards.BlastRadius
	k.config.limits = nil
	k.clusters(at.Join("clusters"), maps.Keys(said.Clusters))
	for _, name := range slices.Sorted(maps.Keys(said.Clusters)) {
		if c, ok := k.config.Inventory().Cluster(name); ok {
			l := repair.Limit{Name: name}
			for _, m := range c.Members {
				l.Members = append(l.Members, cluster.Target{Cluster: c, Member: m}.String())
			}
			k.limit(at.Join("clusters", name), said.Clusters[name], l)
		}
	}
	for i, g := range said.Groups {
		here := at.Join("groups", i)
		if g.Name == "" || strings.ContainsFunc(g.Name, func(r rune) bool { return !strconv.IsPrint(r) }) || len(g.Name) > 64 {
			k.doc.Errorf(here.Join("name"), "%s is no name for a group: give it one of at most 64 letters", strictyaml.Clip(g.Name))
		}
		if slices.ContainsFunc(said.Groups[:i], func(o Group) bool { return o.Name == g.Name }) {
			k.doc.Errorf(here.Join("name"), "there are two groups %s: give each a name of its own", strictyaml.Clip(g.Name))
		}
		l := repair.Limit{Name: g.Name, Group: true}
		ok := true
		for j, m := range g.Members {
			ok = k.members(here.Join("members", j), m, &l) && ok
		}
		switch {
		case k.doc.Bad(strictyaml.Path{"clusters"}) || !ok:
		case len(l.Members) == 0:
			k.doc.Errorf(here.Join("members"), "group %s has no members: write them as CLUSTER/MEMBER, or CLUSTER/* for all of a cluster", strictyaml.Clip(g.Name))
		default:
			k.limit(here.Join("at_most"), g.AtMost, l)
		}
	}
}

// members adds what one entry of a group names.
func (k check) members(at strictyaml.Path, entry string, l *repair.Limit) (ok bool) {
	if k.doc.Bad(strictyaml.Path{"clusters"}) {
		return false
	}
	name, member, cut := strings.Cut(entry, "/")
	c, known := k.config.Inventory().Cluster(name)
	if !cut || member == "" {
		k.doc.Errorf(at, "%s is no member: write it as CLUSTER/MEMBER, or CLUSTER/* for all of a cluster", strictyaml.Clip(entry))
		return false
	}
	if !known {
		k.doc.Errorf(at, "cluster %s is not in the inventory; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, k.clusterNames()))
		return false
	}
	var names []string
	for _, m := range c.Members {
		names = append(names, m.Name)
		if m.Name != member && member != "*" {
			continue
		}
		t := cluster.Target{Cluster: c, Member: m}.String()
		if slices.Contains(l.Members, t) {
			k.doc.Errorf(at, "%s is in the group already: keep one", t)
			return false
		}
		l.Members = append(l.Members, t)
	}
	if member != "*" && !slices.Contains(names, member) {
		k.doc.Errorf(at, "cluster %s has no member %s; %s", name, strictyaml.Clip(member), strictyaml.DidYouMean(member, names))
		return false
	}
	return true
}

// limit reads a share, and refuses one that allows nothing at all: nothing that takes a
// member away could ever be done.
func (k check) limit(at strictyaml.Path, text string, l repair.Limit) {
	m := share.FindStringSubmatch(text)
	if m == nil {
		k.doc.Errorf(at, "%s is no share: write a number of members, like 1, or a part of them, like 34%%", strictyaml.Clip(text))
		return
	}
	n, _ := strconv.Atoi(m[1])
	of := len(l.Members)
	if of == 0 { // which is told where they are declared
		return
	}
	least := (100 + of - 1) / of
	switch {
	case m[2] == "%" && n > 100:
		k.doc.Errorf(at, "%s is more than all: write at most 100%%", text)
		return
	case m[2] == "%":
		l.AtMost = of * n / 100
	default:
		l.AtMost = n
	}
	if l.AtMost == 0 {
		k.doc.Errorf(at, "%s of the %d members of %s is none, so no step that takes one away could ever be done: write 1 or %d%%, or set its autonomy to observe", text, of, l.Name, least)
		return
	}
	k.config.limits = append(k.config.limits, l)
}

// uncounted tells which members of a limit no look can reach: they count as unavailable.
func (f *finder) uncounted() {
	blind := map[string]bool{}
	for _, c := range f.c.Clusters {
		for _, m := range c.Members {
			if c.Kind == cluster.KindService && !m.Commands.Declared() && (!f.c.Local(m.Host) || m.Unit == "") {
				blind[cluster.Target{Cluster: c, Member: m}.String()] = true
			}
		}
	}
	at := strictyaml.Path{"guards", "blast_radius"}
	for _, l := range f.c.limits {
		path := at.Join("clusters", l.Name)
		if l.Group {
			path = at.Join("groups", slices.IndexFunc(f.c.Guards.BlastRadius.Groups, func(g Group) bool { return g.Name == l.Name }), "members")
		}
		for _, m := range l.Members {
			if blind[m] {
				f.add(true, path, "%s cannot be looked at from here, so in %s it counts as unavailable: give it commands, or take it out", m, l.Name)
			}
		}
	}
}
