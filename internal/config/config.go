// Package config reads fettle.yml: the inventory, which playbooks there are, how
// much they may do by themselves, the engine's numbers, and where everything else
// is. It is strict: whatever is wrong is an error with file, line, column and what
// to write instead, and all of it is told at once.
//
// Start at [Load]; what holds without a file is [Default], and every number of the
// engine stands in one table, defaults.go. [Config.LoadPlaybooks] reads the
// playbooks, and [Check] finds what only shows when both are known.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// The paths that hold where nothing else is said.
const (
	DefaultFile         = "/etc/fettle/fettle.yml"
	DefaultExporterFile = "/etc/fettle/exporter.yml"
	DefaultPlaybookDir  = "/etc/fettle/playbooks"
	DefaultJournalDir   = "/var/lib/fettle/journal"
	DefaultKeyFile      = "/etc/fettle/journal.key"
	DefaultSocket       = "/run/fettle/fettle.sock"
	DefaultBrake        = "/run/fettle/pause"
	DefaultListen       = "127.0.0.1:9774"
)

// Config is fettle.yml, checked, with the defaults where it says nothing.
type Config struct {
	Clusters []cluster.Cluster `yaml:"clusters"`
	// Hosts are the names that mean this machine; see [Config.Local].
	Hosts        []string                 `yaml:"hosts"`
	Playbooks    Playbooks                `yaml:"playbooks"`
	Autonomy     Autonomy                 `yaml:"autonomy"`
	Tiers        map[repair.Tier]Override `yaml:"tiers"`
	Overrides    Overrides                `yaml:"overrides"`
	Guards       Guards                   `yaml:"guards"`
	Alertmanager Alertmanager             `yaml:"alertmanager"`
	Prometheus   Prometheus               `yaml:"prometheus"`
	Journal      Journal                  `yaml:"journal"`
	Web          Web                      `yaml:"web"`
	// Brake is the file whose presence pauses everything, also without the API.
	Brake string `yaml:"brake"`

	// Digest is the SHA-256 of the file's bytes, hex; empty without a file.
	Digest string

	doc  *strictyaml.Document            // where things stand; nil without a file
	base map[repair.Tier]repair.Settings // the defaults, made once

	windows []repair.Window // guards.window
	limits  []repair.Limit  // guards.blast_radius
}

// Exporter is exporter.yml. The exporter itself reads it through
// [inventory.LoadExporter], as it links nothing of the engine.
type Exporter = inventory.Exporter

// LoadExporter reads exporter.yml, see [inventory.LoadExporter].
func LoadExporter(path string) (Exporter, error) { return inventory.LoadExporter(path) }

// Default is what holds without a file: no clusters, nothing is ever mutated, and
// the server listens on loopback only.
func Default() Config {
	return Config{
		Hosts:      localNames(),
		Playbooks:  Playbooks{Dir: DefaultPlaybookDir},
		Autonomy:   Autonomy{Default: repair.Observe},
		Guards:     Guards{Version: VersionGuard{KnownBad: knownBad()}},
		Prometheus: Prometheus{ScrapeInterval: 15 * time.Second},
		Journal:    Journal{Dir: DefaultJournalDir, KeyFile: DefaultKeyFile, Archive: Archive{Keep: 16}, AnchorEvery: time.Minute, SegmentSize: 64 << 20, Reserve: 64 << 20},
		Web:        Web{Listen: DefaultListen, Socket: DefaultSocket, MaxBody: 256 << 20, MaxConnections: 512},
		Brake:      DefaultBrake,
		base:       map[repair.Tier]repair.Settings{repair.P0: defaults(repair.P0), repair.P1: defaults(repair.P1), repair.P2: defaults(repair.P2)},
	}
}

// Load reads fettle.yml. A file that is not there is fs.ErrNotExist; one that
// anybody may write to is refused, as it says what is run; what is wrong in it is a
// strictyaml.Errors.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()       //nolint:errcheck // only read from
	info, err := f.Stat() // of what is read
	if err != nil {
		return Config{}, err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		return Config{}, fmt.Errorf("%s is writable by everybody (mode %04o), and it says what is run: chmod o-w %s", path, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
	if err != nil {
		return Config{}, err
	}
	return Parse(path, data)
}

// Parse is Load for bytes that were read already; path is for messages.
func Parse(path string, data []byte) (Config, error) {
	doc := strictyaml.Parse(path, data)
	c := Default()
	doc.Decode(&c)
	sum := sha256.Sum256(data)
	c.Digest, c.doc = hex.EncodeToString(sum[:]), doc
	inventory.Check(doc, strictyaml.Path{"clusters"}, c.Clusters, inventory.Options{Repairs: true, LookPath: exec.LookPath})
	k := check{doc: doc, config: &c}
	k.hosts()
	k.playbooks()
	k.overrides()
	k.guards()
	k.windows()
	k.blastRadius()
	k.remotes()
	k.journal()
	k.web()
	k.autonomy()
	if err := doc.Err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// ForgetPlaces gives back the memory of where things stand in the file, once all was
// checked: of a large inventory it is most of what the configuration holds.
func (c *Config) ForgetPlaces() { c.doc = nil }

// Inventory is everything that labels may resolve to.
func (c Config) Inventory() cluster.Inventory { return cluster.Inventory{Clusters: c.Clusters} }

// Local tells whether a member's host is this machine: one of Hosts, localhost, or
// a loopback address. (Declare a `host` for a member that is only reached through
// a tunnel.)
func (c Config) Local(host string) bool {
	return loopback(host) || slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

func localNames() []string {
	var names []string
	if h, err := os.Hostname(); err == nil && h != "" {
		names = append(names, h)
		if short, _, found := strings.Cut(h, "."); found {
			names = append(names, short)
		}
	}
	return names
}

// at is where something stands in the file, for findings after the load.
func (c Config) at(path strictyaml.Path) strictyaml.Position {
	if c.doc == nil {
		return strictyaml.Position{File: "the defaults"}
	}
	return c.doc.Position(path)
}
