package app

import (
	"fmt"
	"net/http"

	"github.com/prometheus/common/config"

	"github.com/fettle-io/fettle/cluster"
)

// remote makes the transport to a Prometheus or an Alertmanager as its section of
// the configuration says. Secrets are files, read again when they change.
func remote(section string, login cluster.Login, tokenFile string, t cluster.TLS) (http.RoundTripper, error) {
	c := config.HTTPClientConfig{
		TLSConfig: config.TLSConfig{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName},
	}
	if login.Username != "" {
		c.BasicAuth = &config.BasicAuth{Username: login.Username, PasswordFile: login.PasswordFile}
	}
	if tokenFile != "" {
		c.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: tokenFile}
	}
	rt, err := config.NewRoundTripperFromConfig(c, section)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", section, err)
	}
	return rt, nil
}

// Transport is how fettle serve reaches the Prometheus or Alertmanager of a section of
// the configuration, for a command that asks the same.
func Transport(section string, login cluster.Login, tokenFile string, t cluster.TLS) (http.RoundTripper, error) {
	return remote(section, login, tokenFile, t)
}
