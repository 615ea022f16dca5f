package main

import (
	"log/slog"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
)

// leftOut are the members that are left to the exporters of their own machines, or whose
// values and file trees are. What is no machine of anybody is among them, on every machine.
func leftOut(conf inventory.Exporter, here func(host string) bool) []cluster.Target {
	var all []cluster.Target
	for _, c := range conf.Clusters {
		reads := conf.ReadsOnMachines(c.Name)
		for _, m := range c.Members {
			if m.Host != "" && (reads || inventory.OnItsMachine(c.Kind, m)) && !here(m.Host) {
				all = append(all, cluster.Target{Cluster: c, Member: m})
			}
		}
	}
	return all
}

// note says once which members this exporter leaves to others: those that it did not
// leave before. One whose host may be this machine is a warning.
func note(now, before []cluster.Target, machine inventory.Machine, log *slog.Logger) {
	for _, t := range now {
		if slices.ContainsFunc(before, func(b cluster.Target) bool {
			return b.String() == t.String() && b.Member.Host == t.Member.Host
		}) {
			continue
		}
		if like := machine.Like(t.Member.Host); like != "" {
			log.Warn("A member is not asked: its host is not known to be this machine. If it is, start with --host.name", "cluster", t.Cluster.Name, "member", t.Member.Name, "host", t.Member.Host, "this_machine", like)
			continue
		}
		log.Info("A member is left to the exporter of its own machine", "cluster", t.Cluster.Name, "member", t.Member.Name, "host", t.Member.Host)
	}
}
