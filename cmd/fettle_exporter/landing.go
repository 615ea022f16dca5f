package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // landing.html
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/cluster"
)

//go:embed landing.html
var landingHTML string

const landingStyle = `body{font:15px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}`

// landing is the page for people at /. No script runs on it.
type landing struct {
	page   *template.Template
	policy string
}

func newLanding() *landing {
	sum := sha256.Sum256([]byte(landingStyle))
	return &landing{
		page: template.Must(template.New("landing").Parse(landingHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

// landing shows what is linked, what is configured, and whether the last reload was taken.
func (s *server) landing(w http.ResponseWriter, _ *http.Request) {
	g := s.join()
	defer g.scrapes.Done()
	config := s.flags.config
	if !g.fromFile {
		config = "none, the defaults hold"
	}
	var b bytes.Buffer
	err := s.page.page.Execute(&b, struct {
		Style                    template.CSS
		Version, Metrics, Config string
		Loaded                   bool
		Collectors               []string
		Clusters                 []cluster.Cluster
	}{landingStyle, version.Version, s.flags.telemetryPath, config, s.lastReload.Load(), g.exporter.Enabled(), g.clusters})
	if err != nil {
		s.log.Error("The landing page cannot be written", "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", s.page.policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w) // who has gone does not read on
}
