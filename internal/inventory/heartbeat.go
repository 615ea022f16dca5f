package inventory

import (
	"time"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Heartbeat is for how long each layer of a member may be silent.
type Heartbeat struct {
	// Network is for how long a member's machine may be silent; by default 5s.
	Network time.Duration `yaml:"network"`
	// Application is for how long a member may not answer; by default 10s.
	Application time.Duration `yaml:"application"`
	// Data is for how long a member's data may neither move nor be its source's; by default 30s.
	Data time.Duration `yaml:"data"`
}

const longestSilence = time.Hour

func checkHeartbeat(doc *strictyaml.Document, h Heartbeat) {
	at := strictyaml.Path{"heartbeat"}
	for _, f := range []struct {
		key   string
		value time.Duration
	}{{"network", h.Network}, {"application", h.Application}, {"data", h.Data}} {
		if doc.Has(at.Join(f.key)) && (f.value < time.Second || f.value > longestSilence) {
			doc.Errorf(at.Join(f.key), "%s: want 1s to %s, not %s", f.key, longestSilence, f.value)
		}
	}
}
