package main

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/inventory"
)

// clocksOf are the members whose machines' clocks are compared with this one's: all
// that are not on this machine themselves.
func clocksOf(conf inventory.Exporter, here func(host string) bool) exporter.Clocks {
	if !conf.Clocks.Compare {
		return exporter.Clocks{}
	}
	clocks := exporter.Clocks{Port: conf.Clocks.Port, TLS: conf.Clocks.TLS, Read: conf.Clocks.Read}
	for _, c := range conf.Clusters {
		for _, m := range c.Members {
			if m.Host != "" && !here(m.Host) {
				clocks.Members = append(clocks.Members, cluster.Target{Cluster: c, Member: m})
			}
		}
	}
	return clocks
}
