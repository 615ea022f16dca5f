package exporter

import (
	"context"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/pacemaker"
)

type pacemakerCollector struct {
	clusters []cluster.Cluster // the whole inventory

	quorum, controller, online                                        *Metric // state
	written, fencing, maintenance, nodeState, failures, bans, leftOut *Metric // measured
	running, promoted, on, managed, failed, blocked, disabled         *Metric
}

func newPacemaker(h Host) Collector {
	m, n, r := []string{"cluster", "member"}, []string{"cluster", "member", "node"}, []string{"cluster", "member", "resource"}
	const absent = " Absent while the member cannot be asked."
	return &pacemakerCollector{
		clusters:    h.Declared.Clusters,
		quorum:      gauge("fettle_pacemaker_quorum", "1 if the member says that its partition has a quorum. 0 also while it cannot be asked.", m...),
		controller:  gauge("fettle_pacemaker_controller", "1 for the node that the member calls the designated controller. 0 also while it cannot be asked.", n...),
		online:      gauge("fettle_pacemaker_node_online", "1 if the member says that the node is online. 0 also while it cannot be asked.", n...),
		written:     gauge("fettle_pacemaker_status_timestamp_seconds", "When the file with what the member says was last written, in Unix time. Absent if there is none.", m...),
		fencing:     gauge("fettle_pacemaker_fencing_enabled", "1 if the cluster fences nodes (stonith-enabled)."+absent, m...),
		maintenance: gauge("fettle_pacemaker_maintenance_mode", "1 if the whole cluster is in maintenance mode: Pacemaker looks at no resource."+absent, m...),
		nodeState:   gauge("fettle_pacemaker_node_state", "1 for each of these that the node is: standby, maintenance, pending, unclean. 0 for the others."+absent, "cluster", "member", "node", "state"),
		failures:    gauge("fettle_pacemaker_failed_operations", "Operations on resources that failed and were not cleaned up."+absent, m...),
		bans:        gauge("fettle_pacemaker_bans", "Constraints that keep a resource away from a node."+absent, m...),
		leftOut:     gauge("fettle_pacemaker_left_out", "Nodes and resources that are not told of because there are too many."+absent, m...),
		running:     gauge("fettle_pacemaker_resource_running", "Nodes on which the resource runs."+absent, r...),
		promoted:    gauge("fettle_pacemaker_resource_promoted", "Nodes on which the resource is promoted."+absent, r...),
		on:          gauge("fettle_pacemaker_resource_on_node", "1 if the resource runs on this node of the inventory, 0 if not."+absent, "cluster", "member", "resource", "node"),
		managed:     gauge("fettle_pacemaker_resource_managed", "1 if Pacemaker manages the resource: it starts and stops it."+absent, r...),
		failed:      gauge("fettle_pacemaker_resource_failed", "1 if an instance of the resource failed."+absent, r...),
		blocked:     gauge("fettle_pacemaker_resource_blocked", "1 if an instance of the resource is blocked: Pacemaker will not touch it until a person cleans up."+absent, r...),
		disabled:    gauge("fettle_pacemaker_resource_disabled", "1 if somebody wants the resource stopped (target-role)."+absent, r...),
	}
}

func (c *pacemakerCollector) Metrics() []*Metric {
	return []*Metric{
		c.quorum, c.controller, c.online, c.written, c.fencing, c.maintenance, c.nodeState, c.failures, c.bans, c.leftOut,
		c.running, c.promoted, c.on, c.managed, c.failed, c.blocked, c.disabled,
	}
}

func (c *pacemakerCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindPacemaker)
	for _, v := range views {
		nodes := c.nodes(s.cluster(v.Cluster))
		for _, m := range v.Members {
			status := &pacemaker.Status{}
			d, ok := m.Detail.(*pacemaker.Member)
			if ok {
				emit(c.written, float64(d.Written.UnixNano())/1e9, v.Cluster, m.Name)
			}
			known := ok && d.Status != nil
			if known {
				status = d.Status
			}
			emit(c.quorum, boolean(status.Quorum), v.Cluster, m.Name)
			for _, name := range nodes {
				i := slices.IndexFunc(status.Nodes, func(n pacemaker.Node) bool { return n.Name == name })
				emit(c.controller, boolean(status.Controller == name), v.Cluster, m.Name, name)
				emit(c.online, boolean(i >= 0 && status.Nodes[i].Online), v.Cluster, m.Name, name)
			}
			if known {
				c.status(v.Cluster, m.Name, nodes, status, emit)
			}
		}
	}
	return err
}

// nodes are the nodes of the inventory: also those that other machines' exporters ask.
func (c *pacemakerCollector) nodes(asked cluster.Cluster) []string {
	whole := asked
	if i := slices.IndexFunc(c.clusters, func(d cluster.Cluster) bool { return d.Name == asked.Name }); i >= 0 {
		whole = c.clusters[i]
	}
	var names []string
	for _, m := range whole.Members {
		names = append(names, m.Name)
	}
	return names
}

func (c *pacemakerCollector) status(name, member string, nodes []string, s *pacemaker.Status, emit Emit) {
	emit(c.fencing, boolean(s.Fencing), name, member)
	emit(c.maintenance, boolean(s.Maintenance), name, member)
	emit(c.failures, float64(s.Failures), name, member)
	emit(c.bans, float64(s.Bans), name, member)
	emit(c.leftOut, float64(s.LeftOut), name, member)
	for _, n := range s.Nodes {
		if !slices.Contains(nodes, n.Name) {
			continue
		}
		emit(c.nodeState, boolean(n.Standby), name, member, n.Name, "standby")
		emit(c.nodeState, boolean(n.Maintenance), name, member, n.Name, "maintenance")
		emit(c.nodeState, boolean(n.Pending), name, member, n.Name, "pending")
		emit(c.nodeState, boolean(n.Unclean), name, member, n.Name, "unclean")
	}
	for _, r := range s.Resources {
		emit(c.running, float64(len(r.On)), name, member, r.ID)
		emit(c.promoted, float64(len(r.Promoted)), name, member, r.ID)
		for _, n := range nodes {
			emit(c.on, boolean(slices.Contains(r.On, n)), name, member, r.ID, n)
		}
		emit(c.managed, boolean(r.Managed), name, member, r.ID)
		emit(c.failed, boolean(r.Failed), name, member, r.ID)
		emit(c.blocked, boolean(r.Blocked), name, member, r.ID)
		emit(c.disabled, boolean(r.Disabled), name, member, r.ID)
	}
}
