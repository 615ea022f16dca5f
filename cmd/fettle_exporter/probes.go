package main

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/probe"
)

// targetPath is where one cluster or member is told of alone.
const targetPath = "/probe"

// probers are what is asked from outside.
func probers(declared []probe.Probe) ([]*probe.Prober, error) {
	var all []*probe.Prober
	for _, p := range declared {
		made, err := probe.New(p)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

// heartbeat is what is watched from this machine: the other members of the clusters
// that have one here.
func heartbeat(conf inventory.Exporter, here func(host string) bool) exporter.Heartbeat {
	h := exporter.Heartbeat{Network: conf.Heartbeat.Network, Application: conf.Heartbeat.Application, Data: conf.Heartbeat.Data}
	for _, c := range conf.Clusters {
		for _, m := range c.Members {
			if m.Host != "" && here(m.Host) {
				h.Here = append(h.Here, cluster.Target{Cluster: c, Member: m})
			}
		}
	}
	return h
}
