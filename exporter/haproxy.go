package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/haproxy"
)

type haproxyCollector struct {
	started, stopping, connections, limit, leftOut                     *Metric // of a process
	backendUp, backendServers, backendSessions, backendQueue           *Metric
	serverUp, serverState, serverChecked, serverSessions, serverWeight *Metric
}

func newHAProxy(Host) Collector {
	m, b, s := []string{"cluster", "member"}, []string{"cluster", "member", "backend"}, []string{"cluster", "member", "backend", "server"}
	const absent = " Absent while the process cannot be asked."
	return &haproxyCollector{
		started:         gauge("fettle_haproxy_start_time_seconds", "When the process started, in Unix time. Absent while it cannot be asked, and before HAProxy 2.4.", m...),
		stopping:        gauge("fettle_haproxy_stopping", "1 if the process was told to end and finishes what it has."+absent, m...),
		connections:     gauge("fettle_haproxy_connections", "Connections of clients."+absent, m...),
		limit:           gauge("fettle_haproxy_connections_limit", "Connections that the process takes at most."+absent, m...),
		leftOut:         gauge("fettle_haproxy_servers_left_out", "Servers that are not told of because there are too many."+absent, m...),
		backendUp:       gauge("fettle_haproxy_backend_up", "1 if the backend has a server that takes traffic."+absent, b...),
		backendServers:  gauge("fettle_haproxy_backend_servers", "Servers of the backend by state."+absent, "cluster", "member", "backend", "state"),
		backendSessions: gauge("fettle_haproxy_backend_sessions", "Sessions of the backend."+absent, b...),
		backendQueue:    gauge("fettle_haproxy_backend_queue", "Requests that wait for a server of the backend."+absent, b...),
		serverUp:        gauge("fettle_haproxy_server_up", "1 if the server takes new traffic."+absent, s...),
		serverState:     gauge("fettle_haproxy_server_state", "1 for the state that the server is in, 0 for the others."+absent, "cluster", "member", "backend", "server", "state"),
		serverChecked:   gauge("fettle_haproxy_server_checked", "1 if a check says whether the server answers; without one it is up until somebody takes it out."+absent, s...),
		serverSessions:  gauge("fettle_haproxy_server_sessions", "Sessions of the server."+absent, s...),
		serverWeight:    gauge("fettle_haproxy_server_weight", "Weight of the server."+absent, s...),
	}
}

func (c *haproxyCollector) Metrics() []*Metric {
	return []*Metric{
		c.started, c.stopping, c.connections, c.limit, c.leftOut,
		c.backendUp, c.backendServers, c.backendSessions, c.backendQueue,
		c.serverUp, c.serverState, c.serverChecked, c.serverSessions, c.serverWeight,
	}
}

func (c *haproxyCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindHAProxy)
	for _, v := range views {
		for _, m := range v.Members {
			if d, ok := m.Detail.(*haproxy.Member); ok {
				c.process(v.Cluster, m.Name, d, emit)
			}
		}
	}
	return err
}

func (c *haproxyCollector) process(name, member string, d *haproxy.Member, emit Emit) {
	if d.Started > 0 {
		emit(c.started, float64(d.Started), name, member)
	}
	emit(c.stopping, boolean(d.Stopping), name, member)
	emit(c.connections, float64(d.Current), name, member)
	emit(c.limit, float64(d.Limit), name, member)
	emit(c.leftOut, float64(d.LeftOut), name, member)
	for _, b := range d.Backends {
		emit(c.backendUp, boolean(b.Up), name, member, b.Name)
		emit(c.backendSessions, float64(b.Current), name, member, b.Name)
		emit(c.backendQueue, float64(b.Queued), name, member, b.Name)
		in := map[haproxy.State]int{}
		for _, s := range b.Servers {
			in[s.State]++
			emit(c.serverUp, boolean(s.State == haproxy.Up), name, member, b.Name, s.Name)
			emit(c.serverChecked, boolean(s.Checked), name, member, b.Name, s.Name)
			emit(c.serverSessions, float64(s.Current), name, member, b.Name, s.Name)
			emit(c.serverWeight, float64(s.Weight), name, member, b.Name, s.Name)
			for _, state := range haproxy.States() {
				emit(c.serverState, boolean(s.State == state), name, member, b.Name, s.Name, string(state))
			}
		}
		for _, state := range haproxy.States() {
			emit(c.backendServers, float64(in[state]), name, member, b.Name, string(state))
		}
	}
}
