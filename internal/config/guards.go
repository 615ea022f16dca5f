package config

import (
	"maps"
	"regexp"
	"slices"

	"golang.org/x/mod/semver"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Guards has what the guards are told beside the numbers.
type Guards struct {
	Version     VersionGuard `yaml:"version"`
	Window      []Window     `yaml:"window"` // none: always open
	BlastRadius BlastRadius  `yaml:"blast_radius"`
}

// VersionGuard names versions that fettle does not mutate.
type VersionGuard struct {
	// KnownBad is, by kind, single versions (3.5.1) and ranges with both ends
	// (3.5.0-3.5.2). What a file says about a kind takes the place of the default.
	KnownBad map[cluster.Kind][]string `yaml:"known_bad"`
}

// knownBad is the default: what is known to lose data when it is ended or started.
func knownBad() map[cluster.Kind][]string {
	return map[cluster.Kind][]string{
		// A kill under load can leave the member inconsistent: etcd issue 13766.
		cluster.KindEtcd: {"3.5.0-3.5.2"},
	}
}

var versionRange = regexp.MustCompile(`^(\d{1,9}\.\d{1,9}\.\d{1,9})(?:-(\d{1,9}\.\d{1,9}\.\d{1,9}))?$`)

// KnownBadVersion finds the entry that a version falls under. A version is written
// as the server tells it, with or without a v.
func (g Guards) KnownBadVersion(kind cluster.Kind, version string) (entry string, bad bool) {
	if version == "" {
		return "", false
	}
	if version[0] != 'v' {
		version = "v" + version
	}
	for _, entry := range g.Version.KnownBad[kind] {
		m := versionRange.FindStringSubmatch(entry)
		if m == nil {
			continue // refused by the check
		}
		from, to := "v"+m[1], "v"+m[2]
		if m[2] == "" {
			to = from
		}
		if semver.IsValid(version) && semver.Compare(version, from) >= 0 && semver.Compare(version, to) <= 0 {
			return entry, true
		}
	}
	return "", false
}

func (k check) guards() {
	at := strictyaml.Path{"guards", "version", "known_bad"}
	said := k.config.Guards.Version.KnownBad
	kinds := []string{string(cluster.KindEtcd), string(cluster.KindService)}
	for kind, entries := range said {
		if !slices.Contains(kinds, string(kind)) {
			k.doc.KeyErrorf(at.Join(string(kind)), "unknown kind %s; %s", strictyaml.Clip(string(kind)), strictyaml.DidYouMean(string(kind), kinds))
		}
		for i, e := range entries {
			m := versionRange.FindStringSubmatch(e)
			switch {
			case m == nil:
				k.doc.Errorf(at.Join(string(kind), i), "%s is no version and no range: write it like 3.5.1 or 3.5.0-3.5.2", strictyaml.Clip(e))
			case m[2] != "" && semver.Compare("v"+m[1], "v"+m[2]) > 0:
				k.doc.Errorf(at.Join(string(kind), i), "%s ends before it begins: write %s-%s", strictyaml.Clip(e), m[2], m[1])
			}
		}
	}
	for kind, entries := range knownBad() {
		if _, ok := said[kind]; !ok {
			said = maps.Clone(said)
			if said == nil {
				said = map[cluster.Kind][]string{}
			}
			said[kind] = entries
		}
	}
	k.config.Guards.Version.KnownBad = said
}
