package etcd

import (
	"math"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
)

// Member is a MemberView's Detail: what only etcd has to say. It is there with
// Options.Detail or Options.Canary, also of a member that is not reachable.
type Member struct {
	// Listed tells whether the membership names it; Unknown where none was read.
	Listed cluster.Answer
	// Page is what its own metrics page tells; nil: it was not read.
	Page *Page
	// PageError is why it was not, one of cluster.Reasons, "" where it was not asked for.
	PageError string
	// Seen are the other members that can tell whether they are connected to this one,
	// and Connected those of them that are.
	Seen, Connected int
	// Canary is how a write through it went; nil: none is declared, or it is a learner.
	Canary *Canary
	// Snapshot is the newest in its data directory; nil: not to be read from here.
	Snapshot *Snapshot
}

// Page is what is wanted of a member's metrics page.
type Page struct {
	// Values are the series without labels, by etcd's own names; of a histogram
	// NAME_sum, NAME_count, and as NAME_bucket how many took 128 ms at most. What the
	// page does not have is not there.
	Values map[string]float64
	// Peers are the connections to other members of the inventory, in its order.
	Peers []Peer
}

// Peer is what a member says of its connection to one other.
type Peer struct {
	Name   string             // the inventory's
	Values map[string]float64 // by etcd's own names
}

// slow is the bucket of etcd's histograms that is told as NAME_bucket.
const slow = "0.128"

const metricID = "etcd_server_id"

// Plain are the series without labels that are wanted of a metrics page, by etcd's own
// names: the keys of Page.Values.
func Plain() []string {
	return []string{
		metricHasLeader, metricStart,
		"etcd_server_leader_changes_seen_total", "etcd_server_heartbeat_send_failures_total",
		"etcd_server_proposals_pending", "etcd_server_proposals_failed_total",
		"etcd_server_slow_apply_total", "etcd_server_slow_read_indexes_total", "etcd_server_read_indexes_failed_total",
		"etcd_server_snapshot_apply_in_progress_total", metricQuota,
		"etcd_disk_wal_fsync_duration_seconds_sum", "etcd_disk_wal_fsync_duration_seconds_count", "etcd_disk_wal_fsync_duration_seconds_bucket",
		"etcd_disk_backend_commit_duration_seconds_sum", "etcd_disk_backend_commit_duration_seconds_count", "etcd_disk_backend_commit_duration_seconds_bucket",
		"etcd_disk_defrag_inflight", "etcd_debugging_snap_save_total_duration_seconds_count",
		"etcd_mvcc_db_open_read_transactions",
	}
}

const metricQuota = "etcd_server_quota_backend_bytes"

// ofPeers are the series about another member, with the label that names it.
func ofPeers() []series {
	return []series{
		{metricActivePeers, "Remote"},
		{"etcd_network_disconnected_peers_total", "Remote"},
		{"etcd_network_peer_sent_bytes_total", "To"},
		{metricReceived, "From"},
		{"etcd_network_peer_sent_failures_total", "To"},
		{"etcd_network_peer_round_trip_time_seconds_sum", "To"},
		{"etcd_network_peer_round_trip_time_seconds_count", "To"},
	}
}

// wanted is all that is wanted of a metrics page.
func wanted() wants {
	all := append(ofPeers(), series{metricID, "server_id"})
	for _, name := range Plain() {
		label := ""
		if strings.HasSuffix(name, "_bucket") {
			label = "le"
		}
		all = append(all, series{name, label})
	}
	return wanting(all...)
}

// id is whose page it is, hex; "" where it does not tell.
func (s scrape) id() string {
	for _, m := range s.samples {
		if m.name == metricID {
			return m.label
		}
	}
	return ""
}

// page makes a Page of what was read; peers are the other members, by name and ID.
func (s scrape) page(peers []cluster.MemberView) *Page {
	p := &Page{Values: make(map[string]float64, 24)}
	at := map[string]int{}
	for _, m := range peers {
		if m.ID != "" && m.Name != s.name {
			at[m.ID] = len(p.Peers)
			p.Peers = append(p.Peers, Peer{Name: m.Name, Values: map[string]float64{}})
		}
	}
	for _, m := range s.samples {
		switch {
		case math.IsNaN(m.value) || math.IsInf(m.value, 0): // etcd has none that is
		case m.label == "" || m.label == slow:
			p.Values[m.name] = m.value
		default:
			if i, known := at[m.label]; known {
				p.Peers[i].Values[m.name] = m.value
			}
		}
	}
	return p
}

// detail adds what only etcd has to say. A metrics page that says that it is another
// member's is not believed.
func (d *Driver) detail(v *cluster.View, looks []look) {
	newest := newestLook(looks)
	for i := range v.Members {
		m := &v.Members[i]
		told := &Member{Listed: listed(*m, newest), PageError: looks[i].unread, Canary: looks[i].canary}
		if told.Canary != nil && m.Learner {
			told.Canary = nil // it is down, and the others say what it is
		}
		if told.Canary != nil && !m.Reachable {
			*told.Canary = Canary{Reason: m.Error, Why: m.Why} // another member may have answered
		}
		page := looks[i].page
		switch {
		case page == nil:
		case page.id() != m.ID || m.ID == "":
			looks[i].page, told.PageError = nil, badProtocol
		default: // also of a member that tells its status to nobody
			told.Page = page.page(v.Members)
			if quota, ok := told.Page.Values[metricQuota]; ok && m.DBQuota == 0 {
				m.DBQuota = int64(quota)
			}
		}
		if m.Reachable && d.options.Detail {
			told.Snapshot = readSnapshot(d.members[i].DataDir, m.ID)
		}
		m.Detail = told
	}
	for i := range v.Members {
		told, _ := v.Members[i].Detail.(*Member)
		told.Seen, told.Connected = vantage(v.Members[i], looks)
	}
	unfollow(v, looks)
}

// unfollow tells of members to which the leader has lost its connection that they do
// not follow. A cut-off learner never elects, and so names its leader for ever.
func unfollow(v *cluster.View, looks []look) {
	leader, _ := v.Leader()
	for _, l := range looks {
		if l.page == nil || l.page.name != leader.Name {
			continue
		}
		for _, m := range v.Members {
			if m.Name != leader.Name && m.Sync != nil && l.page.sees(m.ID) == cluster.No {
				m.Sync.Running = false
			}
		}
	}
}

// listed tells whether the membership names a member.
func listed(m cluster.MemberView, newest *look) cluster.Answer {
	switch {
	case newest == nil || newest.list == nil:
		return cluster.Unknown
	case slices.ContainsFunc(newest.list, func(e *pb.Member) bool { return hexID(e.GetID()) == m.ID }):
		return cluster.Yes
	}
	return cluster.No
}

// vantage counts the other members that can tell whether they are connected to m, and
// those that are.
func vantage(m cluster.MemberView, looks []look) (seen, connected int) {
	for _, l := range looks {
		if l.page == nil || m.ID == "" || l.page.name == m.Name {
			continue
		}
		switch l.page.sees(m.ID) {
		case cluster.Yes:
			connected++
			seen++
		case cluster.No:
			seen++
		}
	}
	return seen, connected
}
