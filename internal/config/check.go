package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// Problem is something that shows only when configuration and playbooks are known.
type Problem struct {
	strictyaml.Error
	// Warning: fettle serves with it; without it, it refuses to.
	Warning bool
}

// String is the problem as `fettle check` prints it.
func (p Problem) String() string {
	if p.Warning {
		return p.Error.Error() + " (warning)"
	}
	return p.Error.Error()
}

// Check finds problems between a configuration and its playbooks, in the file's
// order.
func Check(c Config, playbooks []*repair.Playbook) []Problem {
	f := finder{c: c, playbooks: playbooks}
	f.plainUnits()
	f.ceilings()
	f.unreachable()
	f.unasked()
	f.swapped()
	f.uncounted()
	f.rootly()
	f.elsewhere()
	f.approvers()
	return f.sorted()
}

// CheckExporter compares the inventories of fettle.yml and exporter.yml: what is
// repaired is what is looked at.
func CheckExporter(c Config, e Exporter) []Problem {
	f := finder{c: c}
	theirs := cluster.Inventory{Clusters: e.Clusters}
	for i, mine := range c.Clusters {
		at := strictyaml.Path{"clusters", i}
		other, ok := theirs.Cluster(mine.Name)
		if !ok {
			// Services are looked at by the exporter of their own machine.
			if mine.Kind != cluster.KindService || slices.ContainsFunc(mine.Members, f.unitHere) {
				f.add(true, at, "cluster %s is not in the exporter's inventory: no alert will tell of it from there", mine.Name)
			}
			continue
		}
		if mine.Kind != other.Kind {
			f.add(false, at.Join("kind"), "cluster %s is of kind %s here and of kind %s in the exporter's inventory", mine.Name, mine.Kind, other.Kind)
			continue
		}
		for j, m := range mine.Members {
			there := slices.IndexFunc(other.Members, func(o cluster.Member) bool { return o.Name == m.Name })
			switch {
			case there < 0:
				f.add(true, at.Join("members", j), "member %s of cluster %s is not in the exporter's inventory: no alert will tell of it from there", m.Name, mine.Name)
			case other.Members[there].Endpoint != m.Endpoint:
				f.add(true, at.Join("members", j, "endpoint"), "member %s of cluster %s has the endpoint %s here and %s in the exporter's inventory", m.Name, mine.Name, m.Endpoint, other.Members[there].Endpoint)
			}
		}
		for _, o := range other.Members {
			if !slices.ContainsFunc(mine.Members, func(m cluster.Member) bool { return m.Name == o.Name }) {
				f.add(true, at.Join("members"), "the exporter's inventory has a member %s of cluster %s that is not here: its alerts end blocked(target)", o.Name, mine.Name)
			}
		}
	}
	return f.sorted()
}

// unitHere tells that a member runs in a unit of this machine.
func (f *finder) unitHere(m cluster.Member) bool {
	return m.Unit != "" && !m.Commands.Declared() && f.c.Local(m.Host)
}

type finder struct {
	c         Config
	playbooks []*repair.Playbook
	found     []Problem
}

func (f *finder) add(warning bool, at strictyaml.Path, format string, args ...any) {
	f.found = append(f.found, Problem{strictyaml.Error{Position: f.c.at(at), What: fmt.Sprintf(format, args...)}, warning})
}

func (f *finder) sorted() []Problem {
	slices.SortStableFunc(f.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return f.found
}

// plainUnits refuses a service entry for a unit that a member of a quorum runs in:
// a playbook for plain units would restart it and ask nobody for the quorum.
func (f *finder) plainUnits() {
	plain := slices.IndexFunc(f.playbooks, func(p *repair.Playbook) bool { return p.Target.Kind == cluster.KindService })
	if plain < 0 {
		return
	}
	for i, svc := range f.c.Clusters {
		if svc.Kind != cluster.KindService {
			continue
		}
		for j, m := range svc.Members {
			if of, ok := f.quorumMember(m); ok {
				f.add(false, strictyaml.Path{"clusters", i, "members", j, "unit"},
					"unit %s on host %s is that of %s: playbook %s would restart it without asking for the quorum, take it out of the service %s",
					m.Unit, m.Host, of, f.playbooks[plain].Name, svc.Name)
			}
		}
	}
}

// quorumMember finds the member of a quorum that runs in the same unit.
func (f *finder) quorumMember(m cluster.Member) (cluster.Target, bool) {
	for _, c := range f.c.Clusters {
		for _, o := range c.Members {
			sameHost := o.Host == m.Host || f.c.Local(o.Host) && f.c.Local(m.Host)
			if c.Kind != cluster.KindService && m.Unit != "" && o.Unit == m.Unit && sameHost {
				return cluster.Target{Cluster: c, Member: o}, true
			}
		}
	}
	return cluster.Target{}, false
}

// ceilings tells where more is allowed than a playbook does.
func (f *finder) ceilings() {
	for _, p := range f.playbooks {
		for name, set := range f.c.Autonomy.Playbooks {
			if v, ok := set[p.Name]; ok && v.AtMost(p.Ceiling) != v {
				f.add(true, strictyaml.Path{"autonomy", "playbooks", name, p.Name},
					"playbook %s has the ceiling %s: %s has no effect", p.Name, p.Ceiling, v)
			}
		}
	}
}

// unasked refuses a playbook that wants to know from Prometheus where none is
// named: its goal could never be shown.
func (f *finder) unasked() {
	for _, p := range f.playbooks {
		if p.Verify != nil && f.c.Prometheus.URL == "" {
			f.found = append(f.found, Problem{strictyaml.Error{
				Position: p.Verify.At,
				What:     fmt.Sprintf("playbook %s verifies with PromQL, and no Prometheus is named: set prometheus.url in fettle.yml", p.Name),
			}, false})
		}
	}
}

// unreachable tells which members fettle is allowed to repair and cannot.
func (f *finder) unreachable() {
	for i, c := range f.c.Clusters {
		acting := slices.IndexFunc(f.playbooks, func(p *repair.Playbook) bool {
			return p.Target.Kind == c.Kind && f.c.Autonomy.For(p.Name, c.Name, p.Tier).AtMost(p.Ceiling) != repair.Observe
		})
		if acting < 0 {
			continue
		}
		for j, m := range c.Members {
			at := strictyaml.Path{"clusters", i, "members", j}
			switch {
			case m.Commands.Declared():
			case !f.c.Local(m.Host):
				f.add(true, at, "member %s runs on host %s, which is not this machine, and has no commands: its repairs end blocked(agent)", m.Name, m.Host)
			case m.Unit == "":
				f.add(true, at, "member %s has neither a unit nor commands: its repairs end blocked(agent)", m.Name)
			}
		}
	}
}
