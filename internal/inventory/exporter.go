package inventory

import (
	"regexp"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Exporter is exporter.yml.
type Exporter struct {
	Clusters []cluster.Cluster `yaml:"clusters"`
	// Collectors turns collectors on and off by name; one that is not named keeps
	// what the flags say. The exporter knows which names there are.
	Collectors map[string]bool `yaml:"collectors"`
}

var collectorName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// LoadExporter reads exporter.yml. A file that is not there is fs.ErrNotExist;
// what is wrong in it is a strictyaml.Errors, all of it with its place.
func LoadExporter(path string) (Exporter, error) {
	doc, err := strictyaml.ReadFile(path)
	if err != nil {
		return Exporter{}, err
	}
	var e Exporter
	doc.Decode(&e)
	Check(doc, strictyaml.Path{"clusters"}, e.Clusters, Options{})
	for name := range e.Collectors {
		if !collectorName.MatchString(name) {
			doc.KeyErrorf(strictyaml.Path{"collectors", name}, "%s is no collector's name", strictyaml.Clip(name))
		}
	}
	if err := doc.Err(); err != nil {
		return Exporter{}, err
	}
	return e, nil
}
