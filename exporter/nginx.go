package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/nginx"
)

type nginxCollector struct{ connections, accepted, handled, requests *Metric }

func newNginx(Host) Collector {
	m := []string{"cluster", "member"}
	const absent = " Absent while the process cannot be asked."
	return &nginxCollector{
		connections: gauge("fettle_nginx_connections", "Connections by what they do: reading a request, writing an answer, waiting for a request."+absent, "cluster", "member", "state"),
		accepted:    counter("fettle_nginx_connections_accepted_total", "Connections that were accepted."+absent, m...),
		handled:     counter("fettle_nginx_connections_handled_total", "Connections that were handled: fewer than accepted is a limit that was reached."+absent, m...),
		requests:    counter("fettle_nginx_requests_total", "Requests."+absent, m...),
	}
}

func (c *nginxCollector) Metrics() []*Metric {
	return []*Metric{c.connections, c.accepted, c.handled, c.requests}
}

func (c *nginxCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindNginx)
	for _, v := range views {
		for _, m := range v.Members {
			d, ok := m.Detail.(*nginx.Status)
			if !ok {
				continue
			}
			emit(c.connections, float64(d.Reading), v.Cluster, m.Name, "reading")
			emit(c.connections, float64(d.Writing), v.Cluster, m.Name, "writing")
			emit(c.connections, float64(d.Waiting), v.Cluster, m.Name, "waiting")
			emit(c.accepted, float64(d.Accepted), v.Cluster, m.Name)
			emit(c.handled, float64(d.Handled), v.Cluster, m.Name)
			emit(c.requests, float64(d.Requests), v.Cluster, m.Name)
		}
	}
	return err
}
