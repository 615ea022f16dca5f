package inventory

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/probe"
)

// Exporter is exporter.yml.
type Exporter struct {
	Clusters []cluster.Cluster `yaml:"clusters"`
	// Collectors turns collectors on and off by name; one that is not named keeps
	// what the flags say. The exporter knows which names there are.
	Collectors map[string]bool `yaml:"collectors"`
	// Values are values of the configuration that members of clusters have to have.
	Values []Value `yaml:"values"`
	// DigestKeyFile is a file with a secret of 16 bytes or more, the same on all machines:
	// it keys the digests by which values are compared.
	DigestKeyFile string `yaml:"digest_key_file"`
	// Backups are the backups that lie on this machine.
	Backups []Backup `yaml:"backups"`
	// Trees are the file trees of which members of clusters have copies.
	Trees []Tree `yaml:"trees"`
	// Probes are what is asked from outside in each scrape.
	Probes []probe.Probe `yaml:"probes"`
	// Heartbeat is for how long members may be silent.
	Heartbeat Heartbeat `yaml:"heartbeat"`
	// Clocks compares the clocks of the members' machines with this one's.
	Clocks Clocks `yaml:"clocks"`

	doc *strictyaml.Document // nil: it was not read from a file
}

var collectorName = lazily(`^[a-z0-9_]{1,63}$`)

// LoadExporter reads exporter.yml. A file that is not there is fs.ErrNotExist;
// what is wrong in it is a strictyaml.Errors, all of it with its place.
func LoadExporter(path string) (Exporter, error) {
	doc, err := strictyaml.ReadFile(path)
	if err != nil {
		return Exporter{}, err
	}
	e := Exporter{doc: doc}
	doc.Decode(&e)
	Check(doc, strictyaml.Path{"clusters"}, e.Clusters, Options{})
	probes(doc, e.Probes, e.Clusters)
	checkHeartbeat(doc, e.Heartbeat)
	e.Clocks.check(doc)
	for name := range e.Collectors {
		if !collectorName.MatchString(name) {
			doc.KeyErrorf(strictyaml.Path{"collectors", name}, "%s is no collector's name", strictyaml.Clip(name))
		}
	}
	e.values(doc)
	e.backups(doc)
	e.trees(doc)
	if err := doc.Err(); err != nil {
		return Exporter{}, err
	}
	return e, nil
}
