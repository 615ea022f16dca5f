package config

import (
	"path/filepath"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Playbooks says which playbooks there are.
type Playbooks struct {
	// Dir has playbooks beside those that come with fettle; one of the same name
	// takes its place. The default directory need not exist.
	Dir string `yaml:"dir"`
	// Only, where it is not empty, are the only ones that are used.
	Only []string `yaml:"only"`
	// Disable are those that are not used, nor read.
	Disable []string `yaml:"disable"`
	// Executor is how the commands of exec steps run: Units or Groups; empty: units
	// where systemd runs this host, else groups. A reload does not change it.
	Executor string `yaml:"executor"`
}

// How the commands of exec steps run.
const (
	// Units are transient units of systemd, in a sandbox.
	Units = "systemd"
	// Groups are process groups, which have no sandbox and end with fettle.
	Groups = "process-group"
)

// Alertmanager is every Alertmanager whose active alerts count (ENGINE.md rule 4).
type Alertmanager struct {
	URLs      []string      `yaml:"urls"`
	BasicAuth cluster.Login `yaml:"basic_auth"`
	TokenFile string        `yaml:"token_file"` // a bearer token
	TLS       cluster.TLS   `yaml:"tls"`
}

// Prometheus is the vantage point of the last scrape. Without a URL there is none.
type Prometheus struct {
	URL string `yaml:"url"`
	// ScrapeInterval is how often it scrapes fettle_exporter: a scrape counts while
	// it is younger than two of them.
	ScrapeInterval time.Duration `yaml:"scrape_interval"`
	BasicAuth      cluster.Login `yaml:"basic_auth"`
	TokenFile      string        `yaml:"token_file"`
	TLS            cluster.TLS   `yaml:"tls"`
}

// Journal is where the journal and its key are, and what of it goes elsewhere. It
// is read at the start; a reload does not move it.
type Journal struct {
	Dir     string `yaml:"dir"`
	KeyFile string `yaml:"key_file"`
	// ID pins the journal: with any other fettle refuses to start. Empty: any.
	ID string `yaml:"id"`
	// Blobs is where evidence goes, what failed commands printed; see
	// [Journal.BlobDir].
	Blobs string `yaml:"blobs"`
	// SegmentSize is how long a segment grows before the next one begins, and Reserve
	// the room that is kept on the disk ahead of what is written.
	SegmentSize strictyaml.Size `yaml:"segment_size"`
	Reserve     strictyaml.Size `yaml:"reserve"`
	Archive     Archive         `yaml:"archive"`
	// Anchors get each new checkpoint, at most every AnchorEvery.
	Anchors     []Anchor      `yaml:"anchors"`
	AnchorEvery time.Duration `yaml:"anchor_every"`
}

// BlobDir is the directory of evidence: by default beside the journal's.
func (j Journal) BlobDir() string {
	if j.Blobs != "" {
		return j.Blobs
	}
	return filepath.Clean(j.Dir) + "-blobs"
}

// Archive is where old segments of the journal go. Without a Dir they stay.
type Archive struct {
	Dir string `yaml:"dir"`
	// Keep is how many segments stay in the journal, the open one among them.
	Keep int `yaml:"keep"`
}

// Anchor is one place that checkpoints are sent to: exactly one of File, URL and
// Syslog is set.
type Anchor struct {
	File      string `yaml:"file"`
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"` // a bearer token for the URL
	Syslog    string `yaml:"syslog"`     // local, udp://HOST:PORT or tcp://HOST:PORT
}

// Web is what fettle serves, where, and to whom.
type Web struct {
	Listen string `yaml:"listen"`
	// Socket is the unix socket of the CLI, mode 0600; empty: none.
	Socket      string `yaml:"socket"`
	ExternalURL string `yaml:"external_url"`
	// ConfigFile is a Prometheus web configuration file (TLS, basic_auth_users).
	ConfigFile     string          `yaml:"config_file"`
	Roles          []Role          `yaml:"roles"`
	MaxBody        strictyaml.Size `yaml:"max_body"`
	MaxConnections int             `yaml:"max_connections"`
}

// Role gives one role to one credential: exactly one of TokenFile, User and
// CertificateName is set.
type Role struct {
	Role string `yaml:"role"` // webhook, metrics, viewer or operator
	// Name is the actor in the journal; empty: the credential's own name.
	Name            string `yaml:"name"`
	TokenFile       string `yaml:"token_file"`
	User            string `yaml:"user"`
	CertificateName string `yaml:"certificate_name"`
}
