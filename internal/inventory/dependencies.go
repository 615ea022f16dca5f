package inventory

import (
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// dependencies checks what clusters say they depend on: clusters that are there, and
// no circle, in which none could ever be the cause.
func dependencies(doc *strictyaml.Document, at strictyaml.Path, clusters []cluster.Cluster) {
	names := make([]string, len(clusters))
	on := map[string][]string{}
	for i, c := range clusters {
		names[i] = c.Name
		on[c.Name] = c.DependsOn
	}
	for i, c := range clusters {
		for j, name := range c.DependsOn {
			at := at.Join(i, "depends_on", j)
			switch {
			case !slices.Contains(names, name):
				doc.Errorf(at, "cluster %s depends on %s, which is not in the inventory; %s", strictyaml.Clip(c.Name), strictyaml.Clip(name), strictyaml.DidYouMean(name, names))
			case slices.Contains(c.DependsOn[:j], name):
				doc.Errorf(at, "cluster %s depends on %s twice: keep one", strictyaml.Clip(c.Name), strictyaml.Clip(name))
			}
		}
	}
	done := map[string]bool{}
	for _, c := range clusters {
		if circle := circle(c.Name, on, nil, done); circle != nil {
			doc.Errorf(at.Join(slices.Index(names, circle[0]), "depends_on"), "the dependencies go in a circle: %s. Take out the one that the cluster can do without", strings.Join(circle, " → "))
			return
		}
	}
}

// circle finds a way from name back to itself; done are those from which there is none.
func circle(name string, on map[string][]string, path []string, done map[string]bool) []string {
	if i := slices.Index(path, name); i >= 0 {
		return append(slices.Clone(path[i:]), name)
	}
	if done[name] {
		return nil
	}
	path = append(path, name)
	for _, next := range on[name] {
		if found := circle(next, on, path, done); found != nil {
			return found
		}
	}
	done[name] = true
	return nil
}
