package config

import (
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
}

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

// Journal is where the journal and its key are.
type Journal struct {
	Dir     string `yaml:"dir"`
	KeyFile string `yaml:"key_file"`
	// ID pins the journal: with any other fettle refuses to start. Empty: any.
	ID string `yaml:"id"`
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
