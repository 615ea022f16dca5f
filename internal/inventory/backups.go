package inventory

import (
	"path"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Backup is a backup: copies in a directory of the machine that reads exporter.yml, or the
// report that whoever makes it writes.
type Backup struct {
	// Name is the label `backup` of its metrics.
	Name string `yaml:"name"`
	// Cluster is what it is a backup of.
	Cluster string `yaml:"cluster"`
	// Host is the machine that looks at it, as a member's host; by default every machine
	// that has this file.
	Host string `yaml:"host"`
	// Dir is the directory that holds the copies: files, or directories.
	Dir string `yaml:"dir"`
	// Files is the pattern of the copies' names, such as db-*.sql.gz; by default all.
	Files string `yaml:"files"`
	// Report is a file with the lines `finished TIME`, `size_bytes N` and `verified TIME`,
	// instead of dir.
	Report string `yaml:"report"`
	// MinSize is the least that a copy has; below it is empty.
	MinSize strictyaml.Size `yaml:"min_size"`
	// Settle is how long a copy must not have changed to be one; by default a minute.
	Settle time.Duration `yaml:"settle"`
	// VerifiedFile is a file that is touched when a restore was shown to work.
	VerifiedFile string `yaml:"verified_file"`
	// Every is how often a backup is to be made.
	Every time.Duration `yaml:"every"`
	// Keep is how many copies there are at least.
	Keep int `yaml:"keep"`
	// Retain is how old the oldest copy is at least.
	Retain time.Duration `yaml:"retain"`
}

// backups checks `backups`, and fills in what is not said.
func (e *Exporter) backups(doc *strictyaml.Document) {
	number(doc, "backups", len(e.Backups), maxBackups)
	var names []string
	for i := range e.Backups {
		b := &e.Backups[i]
		s := section{doc, strictyaml.Path{"backups", i}, e.Clusters}
		s.name(b.Name, names)
		names = append(names, b.Name)
		if b.Cluster != "" {
			s.cluster(b.Cluster)
		}
		s.backup(*b)
		if b.Files == "" {
			b.Files = "*"
		}
		if !doc.Has(s.at.Join("settle")) {
			b.Settle = time.Minute
		}
	}
}

func (s section) backup(b Backup) {
	if b.Host != "" && !hostName.MatchString(b.Host) {
		s.errorf("host", "host %s is no host name and no address", strictyaml.Clip(b.Host))
	}
	s.path("dir", b.Dir)
	s.path("report", b.Report)
	s.path("verified_file", b.VerifiedFile)
	if (b.Dir == "") == (b.Report == "") {
		s.doc.Errorf(s.at, "a backup is seen in exactly one place: write dir, where its copies are, or report, the file that tells of it")
		return
	}
	if b.Report != "" {
		for _, key := range []string{"files", "min_size", "settle", "keep", "retain"} {
			if s.doc.Has(s.at.Join(key)) {
				s.errorf(key, "%s is about the copies in dir: a report tells of none", key)
			}
		}
	}
	if _, err := path.Match(b.Files, ""); err != nil || strings.Contains(b.Files, "/") {
		s.errorf("files", "files %s is no pattern of names in one directory: write it like db-*.sql.gz", strictyaml.Clip(b.Files))
	}
	if b.Keep < 0 {
		s.errorf("keep", "keep is below 0: write how many copies there have to be")
	}
}
