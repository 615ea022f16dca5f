package exporter

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// raftPage tells what only a member's own metrics page does, and what its data
// directory does where that can be read.
type raftPage struct {
	read                        *Metric // state
	rows, peers                 []pageRow
	snapshotIndex, snapshotTime *Metric
}

// pageRow is a metric and the series of etcd's that it passes on.
type pageRow struct {
	series string
	less   string // a series to be subtracted; "": none
	metric *Metric
}

func newRaftPage() raftPage {
	m, p := []string{"cluster", "member"}, []string{"cluster", "member", "peer"}
	absent := " Absent while its metrics page cannot be read."
	count := func(series, name, help string) pageRow {
		return pageRow{series, "", counter("fettle_raft_"+name, help+absent, m...)}
	}
	level := func(series, name, help string) pageRow {
		return pageRow{series, "", gauge("fettle_raft_"+name, help+absent, m...)}
	}
	slow := func(histogram, name, help string) pageRow {
		return pageRow{histogram + "_count", histogram + "_bucket", counter("fettle_raft_"+name, help+absent, m...)}
	}
	of := func(series, name, help string) pageRow {
		return pageRow{series, "", counter("fettle_raft_"+name, help+absent, p...)}
	}
	const fsync, commit, trip = "etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds", "etcd_network_peer_round_trip_time_seconds"
	return raftPage{
		read: gauge("fettle_raft_page_read", "1 if the member's own metrics page was read: what only it tells is absent otherwise.", m...),
		rows: []pageRow{
			count("etcd_server_leader_changes_seen_total", "leader_changes_total", "Changes of the leader that the member saw since it started."),
			count("etcd_server_heartbeat_send_failures_total", "heartbeat_failures_total", "Heartbeats that the member, as leader, sent too late: it is overloaded, or its disk is slow."),
			count("etcd_server_proposals_failed_total", "proposals_failed_total", "Proposals of the member that failed."),
			level("etcd_server_proposals_pending", "proposals_pending", "Proposals of the member that wait to be committed."),
			count("etcd_server_slow_apply_total", "slow_applies_total", "Entries that took the member longer than 100 ms to apply."),
			count("etcd_server_slow_read_indexes_total", "slow_reads_total", "Linearizable reads through the member that its leader did not confirm in time."),
			count("etcd_server_read_indexes_failed_total", "failed_reads_total", "Linearizable reads through the member that could not be confirmed."),
			level("etcd_server_snapshot_apply_in_progress_total", "snapshot_applies_running", "1 while the member takes over a snapshot of the leader's."),
			count("etcd_debugging_snap_save_total_duration_seconds_count", "snapshots_total", "Snapshots of its log that the member wrote since it started."),
			count(fsync+"_sum", "fsync_seconds_total", "Time that the member waited for its log to be on the disk."),
			count(fsync+"_count", "fsyncs_total", "How often it waited for that."),
			slow(fsync, "fsyncs_slow_total", "How often that took more than 128 ms, which is longer than a heartbeat."),
			count(commit+"_sum", "commit_seconds_total", "Time that the member waited for its database to be on the disk."),
			count(commit+"_count", "commits_total", "How often it waited for that."),
			slow(commit, "commits_slow_total", "How often that took more than 128 ms."),
			level("etcd_disk_defrag_inflight", "defrag_running", "1 while the member defragments its database, and answers nothing else."),
			level("etcd_mvcc_db_open_read_transactions", "db_reads_open", "Reads of the member's database that are under way."),
			level("process_start_time_seconds", "start_time_seconds", "When the member's process started, as Unix time."),
		},
		peers: []pageRow{
			{"etcd_network_active_peers", "", gauge("fettle_raft_peer_connected", "1 if the member has a connection to the peer. A hung peer stays connected for half a minute."+absent, p...)},
			of("etcd_network_disconnected_peers_total", "peer_disconnects_total", "How often the member lost the peer."),
			of("etcd_network_peer_sent_bytes_total", "peer_sent_bytes_total", "Bytes that the member sent the peer."),
			of("etcd_network_peer_received_bytes_total", "peer_received_bytes_total", "Bytes that the member got from the peer."),
			of("etcd_network_peer_sent_failures_total", "peer_send_failures_total", "Messages to the peer that could not be sent."),
			of(trip+"_sum", "peer_round_trip_seconds_total", "Sum of the round trips that the member measured to the peer, one in 30 s."),
			of(trip+"_count", "peer_round_trips_total", "How many it measured."),
		},
		snapshotIndex: gauge("fettle_raft_snapshot_index", "The last entry in the newest snapshot of the member's log. Absent where its data directory cannot be read from here.", m...),
		snapshotTime:  gauge("fettle_raft_snapshot_timestamp_seconds", "When that was written, as Unix time. Absent where its data directory cannot be read from here.", m...),
	}
}

func (c raftPage) metrics() []*Metric {
	all := []*Metric{c.read}
	for _, rows := range [][]pageRow{c.rows, c.peers} {
		for _, r := range rows {
			all = append(all, r.metric)
		}
	}
	return append(all, c.snapshotIndex, c.snapshotTime)
}

// emit tells of m what told holds.
func (c raftPage) emit(name string, m cluster.MemberView, told *etcd.Member, emit Emit) {
	labels := []string{name, m.Name}
	emit(c.read, boolean(told.Page != nil), labels...)
	if s := told.Snapshot; s != nil {
		emit(c.snapshotIndex, float64(s.Index), labels...)
		emit(c.snapshotTime, float64(s.Time.UnixNano())/1e9, labels...)
	}
	if told.Page == nil {
		return
	}
	for _, r := range c.rows {
		if v, ok := r.value(told.Page.Values); ok {
			emit(r.metric, v, labels...)
		}
	}
	for _, p := range told.Page.Peers {
		labels := []string{name, m.Name, p.Name}
		for _, r := range c.peers {
			if v, ok := r.value(p.Values); ok {
				emit(r.metric, v, labels...)
			}
		}
	}
}

func (r pageRow) value(of map[string]float64) (float64, bool) {
	v, ok := of[r.series]
	if !ok || r.less == "" {
		return v, ok
	}
	less, ok := of[r.less]
	return v - less, ok && v >= less // the page may have been written between the two
}
