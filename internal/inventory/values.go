package inventory

import (
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Value is a value of the configuration that members of a cluster have to have: one of
// file, sysctl, limit, port and version, and how it has to be.
type Value struct {
	// Name is the label `check` of its metrics.
	Name string `yaml:"name"`
	// Cluster is the cluster whose members it is about: those on the machine that reads it,
	// and with version all.
	Cluster string `yaml:"cluster"`

	// File is the whole path of a file; {member} in it stands for the member's name.
	File string `yaml:"file"`
	// Key is one setting in the file, as KEY or SECTION.KEY; without it the whole file is meant.
	Key string `yaml:"key"`
	// MaxAge is how old the file may be: of one that is written again and again.
	MaxAge time.Duration `yaml:"max_age"`
	// Sysctl is a setting of the kernel, such as vm.swappiness.
	Sysctl string `yaml:"sysctl"`
	// Limit is a file of a cgroup, such as memory.max.
	Limit string `yaml:"limit"`
	// Cgroup is the cgroup's path below /sys/fs/cgroup; by default that of the member's unit.
	Cgroup string `yaml:"cgroup"`
	// Port is a TCP port on which somebody has to listen.
	Port uint16 `yaml:"port"`
	// Version is what the member says of its version when its cluster is looked at.
	Version bool `yaml:"version"`

	// Equals is what it has to be.
	Equals string `yaml:"equals"`
	// OneOf are several, one of which it has to be.
	OneOf []string `yaml:"one_of"`
	// AtLeast is the least that it may be: a size such as 2G or max, or a version.
	AtLeast string `yaml:"at_least"`
	// AtMost is the most that it may be.
	AtMost string `yaml:"at_most"`
	// SHA256 is the digest that the whole file has to have, as sha256sum prints it.
	SHA256 string `yaml:"sha256"`
	// Same says that it is the same on all members of the cluster.
	Same bool `yaml:"same"`
}

const (
	// maxValues is how many values one file may declare, and maxTrees and maxBackups how
	// many of those: each is read at every scrape.
	maxValues  = 200
	maxTrees   = 20
	maxBackups = 100
	sizeForm   = `([0-9]{1,18}(\.[0-9]{1,9})? ?[KMGTPkmgtp]?(i?[Bb])?|max|infinity|unlimited)`
)

var (
	sectionName = lazily(`^[a-z0-9][a-z0-9-]{0,62}$`)
	keyName     = lazily(`^[^\x00-\x20=:#;"'\[\]]{1,255}$`)
	sysctlName  = lazily(`^[A-Za-z0-9_-]+([./][A-Za-z0-9_:-]+)+$|^[A-Za-z0-9_-]+(/[A-Za-z0-9_.:-]*[A-Za-z0-9_:-])+$`)
	limitName   = lazily(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)
	sha256Sum   = lazily(`^[0-9a-f]{64}$`)
	sizeText    = lazily(`^` + sizeForm + `$`)
	versionText = lazily(`^[0-9]{1,9}(\.[0-9]{1,9}){0,4}$`)
)

// section checks one entry of a list of exporter.yml that names a cluster.
type section struct {
	doc      *strictyaml.Document
	at       strictyaml.Path
	clusters []cluster.Cluster
}

func (s section) errorf(key, format string, args ...any) {
	s.doc.Errorf(s.at.Join(key), format, args...)
}

// number refuses more entries than are read at every scrape.
func number(doc *strictyaml.Document, key string, n, most int) {
	if n > most {
		doc.Errorf(strictyaml.Path{key}, "%s has %d entries, %d are the most: each is read at every scrape", key, n, most)
	}
}

// name checks an entry's name, which no other of its list has.
func (s section) name(name string, before []string) {
	switch {
	case name == "":
		s.errorf("name", "it has no name: give it one, it is a label of its metrics")
	case !sectionName.MatchString(name):
		s.errorf("name", "name %s must be lower-case letters, digits and dashes, at most 63, and not begin with a dash", strictyaml.Clip(name))
	case slices.Contains(before, name):
		s.errorf("name", "%s is there twice: names are unique", strictyaml.Clip(name))
	}
}

// cluster finds the cluster that an entry names.
func (s section) cluster(name string) (cluster.Cluster, bool) {
	var names []string
	for _, c := range s.clusters {
		if names = append(names, c.Name); c.Name == name && name != "" {
			return c, true
		}
	}
	switch {
	case name == "":
		s.errorf("cluster", "it names no cluster: say whose members it is about (one machine alone is a cluster of kind service with one member)")
	case !s.doc.Bad(strictyaml.Path{"clusters"}):
		s.errorf("cluster", "cluster %s is not in the inventory; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, names))
	}
	return cluster.Cluster{}, false
}

func (s section) path(key, path string) {
	if problem := PathProblem(path); path != "" && problem != "" {
		s.errorf(key, "%s %s %s", key, strictyaml.Clip(path), problem)
	}
}

// values checks `values` and `digest_key_file`.
func (e *Exporter) values(doc *strictyaml.Document) {
	number(doc, "values", len(e.Values), maxValues)
	var names []string
	for i, v := range e.Values {
		s := section{doc, strictyaml.Path{"values", i}, e.Clusters}
		s.name(v.Name, names)
		names = append(names, v.Name)
		c, known := s.cluster(v.Cluster)
		s.source(v)
		s.wanted(v)
		if known && v.Version && c.Kind == cluster.KindService {
			s.errorf("version", "a member of kind service is not asked for its version: name a key in a file that has it")
		}
		if known && v.Limit != "" && v.Cgroup == "" {
			for _, m := range c.Members {
				if m.Unit == "" {
					s.errorf("limit", "member %s has no unit, whose limit it could be: give it one, or write cgroup", strictyaml.Clip(m.Name))
					break
				}
			}
		}
	}
	section{doc: doc}.path("digest_key_file", e.DigestKeyFile)
}

// source checks where a value stands.
func (s section) source(v Value) {
	given := 0
	for _, key := range []string{"file", "sysctl", "limit", "port", "version"} {
		if s.doc.Has(s.at.Join(key)) {
			given++
		}
	}
	if given != 1 {
		s.doc.Errorf(s.at, "a value stands in exactly one place: write one of file, sysctl, limit, port and version")
		return
	}
	s.path("file", v.File)
	switch {
	case v.Key != "" && v.File == "":
		s.errorf("key", "key is a setting in a file: write file, too")
	case v.Key != "" && !keyName.MatchString(v.Key):
		s.errorf("key", "key %s has a blank, a quote or one of = : # ; [ ] in it: write SECTION.KEY for a key below a line [SECTION]", strictyaml.Clip(v.Key))
	}
	if v.MaxAge < 0 || v.MaxAge > 0 && v.File == "" {
		s.errorf("max_age", "max_age is the age of a file: write file, too")
	}
	if v.Sysctl != "" && !sysctlName.MatchString(v.Sysctl) {
		s.errorf("sysctl", "sysctl %s is no name of a kernel's setting: write it like vm.swappiness", strictyaml.Clip(v.Sysctl))
	}
	if v.Limit != "" && !limitName.MatchString(v.Limit) {
		s.errorf("limit", "limit %s is no file of a cgroup: write it like memory.max", strictyaml.Clip(v.Limit))
	}
	switch {
	case v.Cgroup != "" && v.Limit == "":
		s.errorf("cgroup", "cgroup says whose limit is meant: write limit, too")
	case v.Cgroup != "":
		s.path("cgroup", v.Cgroup)
	}
	if s.doc.Has(s.at.Join("port")) && v.Port == 0 {
		s.errorf("port", "port is not 1 to 65535")
	}
	if s.doc.Has(s.at.Join("version")) && !v.Version {
		s.errorf("version", "version is true, or not there at all")
	}
}

// wanted checks how a value has to be.
func (s section) wanted(v Value) {
	given := func(key string) bool { return s.doc.Has(s.at.Join(key)) }
	judged := given("equals") || given("one_of") || given("at_least") || given("at_most") || given("sha256")
	whole := v.File != "" && v.Key == ""
	switch {
	case v.Port > 0 && (judged || v.Same):
		s.errorf("port", "with port nothing else is asked for: somebody listens there, or nobody")
	case v.Port == 0 && !judged && !v.Same:
		s.doc.Errorf(s.at, "it does not say how the value has to be: write one of equals, one_of, at_least, at_most, sha256 and same")
	case whole && (given("equals") || given("one_of") || given("at_least") || given("at_most")):
		s.errorf("file", "a whole file is compared by sha256, or with that of the other members by same: name the key whose value is meant")
	case given("sha256") && !whole:
		s.errorf("sha256", "sha256 is that of a whole file: write equals")
	case given("sha256") && !sha256Sum.MatchString(v.SHA256):
		s.errorf("sha256", "it is no SHA-256: write the 64 lower-case hexadecimal digits that sha256sum prints")
	case given("equals") && given("one_of"):
		s.errorf("one_of", "both equals and one_of are given: keep one")
	case given("one_of") && len(v.OneOf) == 0:
		s.errorf("one_of", "one_of is empty: nothing could be so")
	}
	form, like := sizeText, "a size: write it like 10, 512M or max"
	if v.Version {
		form, like = versionText, "a version: write it like 3.6 or 3.6.1"
	}
	for key, text := range map[string]string{"at_least": v.AtLeast, "at_most": v.AtMost} {
		if given(key) && !form.MatchString(text) {
			s.errorf(key, "%s %s is not %s", key, strictyaml.Clip(strings.TrimSpace(text)), like)
		}
	}
}
