package exporter

import (
	"context"
	"errors"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/keepalived"
)

type keepalivedCollector struct{ state, leftOut, holds *Metric }

func newKeepalived(Host) Collector {
	const absent = " Absent while keepalived cannot be asked."
	return &keepalivedCollector{
		state:   gauge("fettle_keepalived_instance_state", "1 for the state that the VRRP instance is in, as its keepalived says: init, backup, master, fault or other. 0 for the others."+absent, "cluster", "member", "vrrp_instance", "state"),
		leftOut: gauge("fettle_keepalived_instances_left_out", "VRRP instances that are not told of because there are too many."+absent, "cluster", "member"),
		holds:   gauge("fettle_keepalived_holds_address", "1 if the machine has the declared virtual address, whatever keepalived says: on an interface that is up and is no loopback.", "cluster", "member", "address"),
	}
}

func (c *keepalivedCollector) Metrics() []*Metric {
	return []*Metric{c.state, c.leftOut, c.holds}
}

func (c *keepalivedCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindKeepalived)
	errs := []error{err}
	for _, v := range views {
		addresses := s.cluster(v.Cluster).Keepalived.Addresses
		held, err := keepalived.Held(addresses)
		errs = append(errs, err)
		for _, m := range v.Members {
			if err == nil {
				for i, a := range addresses {
					emit(c.holds, boolean(held[i]), v.Cluster, m.Name, a)
				}
			}
			d, ok := m.Detail.(*keepalived.Member)
			if !ok {
				continue
			}
			emit(c.leftOut, float64(d.LeftOut), v.Cluster, m.Name)
			for _, in := range d.Instances {
				for _, state := range keepalived.States() {
					emit(c.state, boolean(in.State == state), v.Cluster, m.Name, in.Name, string(state))
				}
			}
		}
	}
	return errors.Join(errs...)
}
