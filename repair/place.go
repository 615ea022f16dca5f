package repair

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// UnnamedError says that an alert names a cluster and no member: which one is meant,
// only a look at the cluster can tell.
type UnnamedError struct{ Cluster cluster.Cluster }

// Error implements error.
func (e *UnnamedError) Error() string {
	return fmt.Sprintf("the alert names no member of cluster %s: which one is down has not been seen", e.Cluster.Name)
}

// names tells that the labels themselves have to name cluster and member: they do, or
// nothing else is asked. A label that is empty is none, as everywhere in Prometheus.
func (p *Playbook) names(labels map[string]string) bool {
	r := p.Target
	return r.Member.Label == "" || labels[r.Member.Label] != "" || r.Instance.Label == "" && r.Unnamed == ""
}

// place finds the target: by the labels of cluster and member, else by the instance, else
// it is the member that a look has found. Where an alert also has the cluster's label, it
// has to agree.
func (p *Playbook) place(inv cluster.Inventory, labels map[string]string, found string) (cluster.Target, error) {
	r := p.Target
	of := func(v Value) (string, error) {
		if v.Label == "" {
			return v.Literal, nil
		}
		return p.read(labels, v.Label)
	}
	if p.names(labels) {
		name, err := of(r.Cluster)
		if err != nil {
			return cluster.Target{}, err
		}
		member, err := of(r.Member)
		if err != nil {
			return cluster.Target{}, err
		}
		return inv.Resolve(r.Kind, name, member)
	}
	within := r.Cluster.Literal // the cluster that the alert names; empty: none
	if labels[r.Cluster.Label] != "" {
		var err error
		if within, err = p.read(labels, r.Cluster.Label); err != nil {
			return cluster.Target{}, err
		}
	}
	switch {
	case labels[r.Instance.Label] != "":
		return p.at(inv, labels, within)
	case r.Unnamed == "":
		return cluster.Target{}, fmt.Errorf("the alert has neither label %q nor %q, of which playbook %s reads one: let the rule keep it", r.Member.Label, r.Instance.Label, p.Name)
	}
	c, err := p.only(inv, within)
	if err != nil {
		return cluster.Target{}, err
	}
	if found == "" {
		return cluster.Target{}, &UnnamedError{Cluster: c}
	}
	return inv.Resolve(r.Kind, c.Name, found)
}

// at is the member that the label of the instance points at.
func (p *Playbook) at(inv cluster.Inventory, labels map[string]string, within string) (cluster.Target, error) {
	instance, err := p.read(labels, p.Target.Instance.Label)
	if err != nil {
		return cluster.Target{}, err
	}
	unit := ""
	if labels[p.Target.Unit.Label] != "" {
		if unit, err = p.read(labels, p.Target.Unit.Label); err != nil {
			return cluster.Target{}, err
		}
	}
	t, err := inv.At(p.Target.Kind, instance, unit)
	if err != nil {
		return cluster.Target{}, err
	}
	if within != "" && within != t.Cluster.Name {
		return cluster.Target{}, fmt.Errorf("the alert is about cluster %s, and its instance is member %s: one of the two labels is wrong", strictyaml.Clip(within), t)
	}
	return t, nil
}

// only is the cluster that is named, or the only one of the playbook's kind.
func (p *Playbook) only(inv cluster.Inventory, name string) (cluster.Cluster, error) {
	var found []cluster.Cluster
	for _, c := range inv.Clusters {
		if c.Kind == p.Target.Kind && (name == "" || c.Name == name) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case name != "":
		return cluster.Cluster{}, fmt.Errorf("no cluster %s of kind %s in the inventory: declare it under `clusters` in fettle.yml", strictyaml.Clip(name), p.Target.Kind)
	}
	return cluster.Cluster{}, fmt.Errorf("the alert names neither a cluster nor a member, and the inventory has %d clusters of kind %s: let the rule keep one of the labels", len(found), p.Target.Kind)
}

// meantBy is the one member of c that a look shows not to answer; an error says why none
// is meant.
func meantBy(c cluster.Cluster, seen Sighting) (string, error) {
	if seen.Facts.View == nil {
		return "", fmt.Errorf("the alert names no member of cluster %s, and the look did not show the cluster", c.Name)
	}
	member, err := meantIn(seen.Facts.View)
	if err != nil {
		return "", fmt.Errorf("the alert names no member of cluster %s, %w", c.Name, err)
	}
	return member, nil
}

var (
	errDisagree  = errors.New("whose members do not agree on who they are")
	errAllAnswer = errors.New("and all of them answer")
)

// meantIn is the one member that does not answer. A cluster that does not agree on who
// its members are shows nothing.
func meantIn(v *cluster.View) (string, error) {
	var down []string
	for _, m := range v.Members {
		if !m.Reachable {
			down = append(down, m.Name)
		}
	}
	switch {
	case v.Mismatch:
		return "", errDisagree
	case len(down) == 0:
		return "", errAllAnswer
	case len(down) > 1 && !mutant("one of several is meant"):
		return "", severalDown(down)
	}
	return down[0], nil
}

// severalDown are members of which any may be meant.
type severalDown []string

func (d severalDown) Error() string {
	return fmt.Sprintf("and %d do not answer (%s): which one is meant cannot be told", len(d), strictyaml.Clip(strings.Join(d, ", ")))
}
