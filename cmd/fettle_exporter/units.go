package main

import (
	"fmt"
	"regexp"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
)

// unitPatterns adds the flags that choose units.
func unitPatterns(app *kingpin.Application, u *exporter.Units) {
	app.Flag("collector.unit.allow", "Units to tell of, as a regular expression over whole names.").
		Default(exporter.DefaultUnitAllow).SetValue(&wholeName{into: &u.Allow})
	app.Flag("collector.unit.deny", "Units to leave out of those.").
		Default(exporter.DefaultUnitDeny).SetValue(&wholeName{into: &u.Deny})
}

// wholeName is a flag's pattern over whole names.
type wholeName struct {
	text string
	into **regexp.Regexp
}

// Set implements kingpin.Value.
func (w *wholeName) Set(text string) error {
	pattern, err := exporter.WholeName(text)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	w.text, *w.into = text, pattern
	return nil
}

// String implements kingpin.Value.
func (w *wholeName) String() string { return w.text }

// servicesHere are the members of kind service that run in a unit of this machine.
func servicesHere(clusters []cluster.Cluster, here func(host string) bool) []cluster.Target {
	var services []cluster.Target
	for _, c := range clusters {
		if c.Kind != cluster.KindService {
			continue
		}
		for _, m := range c.Members {
			if m.Unit != "" && !m.Commands.Declared() && here(m.Host) {
				services = append(services, cluster.Target{Cluster: c, Member: m})
			}
		}
	}
	return services
}
