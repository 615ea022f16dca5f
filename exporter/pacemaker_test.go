package exporter

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/pacemaker"
)

// The state is told of every node that the inventory has, whoever asks it.
func TestPacemakerCollector(t *testing.T) {
	h := Host{Declared: Declared{Clusters: []cluster.Cluster{{Name: "c", Members: []cluster.Member{{Name: "n1"}, {Name: "n2"}}}}}}
	v := cluster.View{Cluster: "c", Kind: cluster.KindPacemaker, Members: []cluster.MemberView{{Name: "n1", Reachable: true, Detail: &pacemaker.Member{
		Written: time.Unix(5, 0),
		Status: &pacemaker.Status{
			Controller: "n2", Quorum: true, Failures: 2, Bans: 1,
			Nodes:     []pacemaker.Node{{Name: "n1", Online: true, Standby: true}, {Name: "strange", Online: true}},
			Resources: []pacemaker.Resource{{ID: "ip", On: []string{"n1", "strange"}, Promoted: []string{"n1"}, Managed: true}},
		},
	}}}}
	const want = `pacemaker_bans{c,n1} 1
pacemaker_controller{c,n1,n1} 0
pacemaker_controller{c,n1,n2} 1
pacemaker_failed_operations{c,n1} 2
pacemaker_fencing_enabled{c,n1} 0
pacemaker_left_out{c,n1} 0
pacemaker_maintenance_mode{c,n1} 0
pacemaker_node_online{c,n1,n1} 1
pacemaker_node_online{c,n1,n2} 0
pacemaker_node_state{c,n1,n1,maintenance} 0
pacemaker_node_state{c,n1,n1,pending} 0
pacemaker_node_state{c,n1,n1,standby} 1
pacemaker_node_state{c,n1,n1,unclean} 0
pacemaker_quorum{c,n1} 1
pacemaker_resource_blocked{c,n1,ip} 0
pacemaker_resource_disabled{c,n1,ip} 0
pacemaker_resource_failed{c,n1,ip} 0
pacemaker_resource_managed{c,n1,ip} 1
pacemaker_resource_on_node{c,n1,ip,n1} 1
pacemaker_resource_on_node{c,n1,ip,n2} 0
pacemaker_resource_promoted{c,n1,ip} 1
pacemaker_resource_running{c,n1,ip} 2
pacemaker_status_timestamp_seconds{c,n1} 5`
	if got := emitted(t, newPacemaker(h), v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A file that is too old says when it was written, and nothing else.
	v.Members[0].Reachable, v.Members[0].Error, v.Members[0].Detail = false, cluster.Timeout, &pacemaker.Member{Written: time.Unix(5, 0)}
	const old = `pacemaker_controller{c,n1,n1} 0
pacemaker_controller{c,n1,n2} 0
pacemaker_node_online{c,n1,n1} 0
pacemaker_node_online{c,n1,n2} 0
pacemaker_quorum{c,n1} 0
pacemaker_status_timestamp_seconds{c,n1} 5`
	if got := emitted(t, newPacemaker(h), v); got != old {
		t.Errorf("got\n%s\nwant\n%s", got, old)
	}
	v.Members[0].Detail = nil
	if got := strings.Split(emitted(t, newPacemaker(h), v), "\n"); len(got) != 5 || !slices.Contains(got, "pacemaker_quorum{c,n1} 0") {
		t.Errorf("%q", got)
	}
}
