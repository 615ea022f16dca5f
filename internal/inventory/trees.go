package inventory

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Tree is a file tree of which every member of a cluster of kind service has a copy, in
// its data_dir.
type Tree struct {
	// Cluster is the cluster whose members have the copies.
	Cluster string `yaml:"cluster"`
	// Source is the member whose copy the others follow.
	Source string `yaml:"source"`
	// Every is how often the copies are walked, by the clock; by default 10m.
	Every time.Duration `yaml:"every"`
	// Settle is how long a file must not have changed to be compared; by default 1h. Longer
	// than a copy takes to follow.
	Settle time.Duration `yaml:"settle"`
}

// trees checks `trees`, and fills in what is not said.
func (e *Exporter) trees(doc *strictyaml.Document) {
	number(doc, "trees", len(e.Trees), maxTrees)
	var names []string
	for i := range e.Trees {
		t := &e.Trees[i]
		s := section{doc, strictyaml.Path{"trees", i}, e.Clusters}
		if c, known := s.cluster(t.Cluster); known {
			s.tree(*t, c)
		}
		if t.Cluster != "" && slices.Contains(names, t.Cluster) {
			s.errorf("cluster", "cluster %s has two trees: its members have one data_dir each", strictyaml.Clip(t.Cluster))
		}
		names = append(names, t.Cluster)
		if !doc.Has(s.at.Join("every")) {
			t.Every = 10 * time.Minute
		}
		if !doc.Has(s.at.Join("settle")) {
			t.Settle = time.Hour
		}
		if t.Every < time.Minute {
			s.errorf("every", "every is below a minute, and a walk reads every directory: write 1m or more")
		}
	}
}

func (s section) tree(t Tree, c cluster.Cluster) {
	if c.Kind != cluster.KindService {
		s.errorf("cluster", "cluster %s is of kind %s: a tree's copies are a cluster of kind service of their own", strictyaml.Clip(c.Name), c.Kind)
	}
	var names []string
	for _, m := range c.Members {
		names = append(names, m.Name)
		if m.DataDir == "" {
			s.errorf("cluster", "member %s of cluster %s has no data_dir: write where its copy is", strictyaml.Clip(m.Name), strictyaml.Clip(c.Name))
		}
	}
	switch {
	case t.Source == "":
		s.errorf("source", "the tree has no source: name the member whose copy the others follow")
	case !slices.Contains(names, t.Source):
		s.errorf("source", "cluster %s has no member %s; %s", strictyaml.Clip(c.Name), strictyaml.Clip(t.Source), strictyaml.DidYouMean(t.Source, names))
	}
}
