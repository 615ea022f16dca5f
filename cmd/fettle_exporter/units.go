package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"

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

// thisMachine tells whether a host of the inventory is this machine: by one of the
// names given, by its own, whole or short, or by an address of its interfaces.
func thisMachine(names []string) func(host string) bool {
	names = append(slices.Clone(names), "localhost")
	if h, err := os.Hostname(); err == nil && h != "" {
		short, _, _ := strings.Cut(h, ".")
		names = append(names, h, short)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		addresses = nil // then the names have to do
	}
	return func(host string) bool {
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) }) {
			return true
		}
		ip := net.ParseIP(host)
		return ip != nil && (ip.IsLoopback() || slices.ContainsFunc(addresses, func(a net.Addr) bool {
			own, ok := a.(*net.IPNet)
			return ok && own.IP.Equal(ip)
		}))
	}
}
