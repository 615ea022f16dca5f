package exporter

import "github.com/fettle-io/fettle/cluster/mysql"

func mysqlServerMetrics() []mysqlMetric {
	labels := []string{"cluster", "member"}
	return []mysqlMetric{
		{gauge("fettle_mysql_uptime_seconds", "How long the server has run. Absent while it is not reachable.", labels...), func(m *mysql.Member) *float64 { return m.Uptime }},
		{gauge("fettle_mysql_connections", "Connections, this exporter's among them. Absent while the server is not reachable.", labels...), func(m *mysql.Member) *float64 { return m.Connections }},
		{gauge("fettle_mysql_connections_limit", "Connections at which the next one is refused. Absent while the server is not reachable.", labels...), func(m *mysql.Member) *float64 { return m.MaxConnections }},
		{gauge("fettle_mysql_server_id", "The server_id: two with the same one cannot follow one another. Absent while the server is not reachable.", labels...), func(m *mysql.Member) *float64 { return counted(int(m.ServerID)) }}, //nolint:gosec // 32 bits
		{gauge("fettle_mysql_read_only", "1 if the server refuses writes of ordinary users. Absent while it is not reachable.", labels...), func(m *mysql.Member) *float64 { return whether(m.ReadOnly) }},
		{gauge("fettle_mysql_super_read_only", "1 if it refuses those of administrators as well (MySQL). Absent where the server does not know it.", labels...), func(m *mysql.Member) *float64 { return whetherTold(m.SuperReadOnly) }},
		{gauge("fettle_mysql_channels", "Sources that the server follows. Absent while it is not reachable.", labels...), func(m *mysql.Member) *float64 { return counted(len(m.Channels) + m.Unread) }},
		{gauge("fettle_mysql_channels_left_out", "Those of them without metrics of their own, because there are too many. Whether all run, and the longest lag, is told in fettle_sync of 256; with more the server does not count as running. Absent while it is not reachable.", labels...), func(m *mysql.Member) *float64 {
			return counted(max(0, len(m.Channels)-mostChannels) + m.Unread)
		}},
		{gauge("fettle_mysql_orphaned", "1 if the server follows nobody and ought to: its replication was reset, or it refuses writes. Absent while it is not reachable.", labels...), func(m *mysql.Member) *float64 { return whether(m.Orphaned) }},
		{gauge("fettle_mysql_errant_transactions", "Transactions that a replica wrote itself and its source has not (MySQL with GTIDs). Absent while either cannot be asked.", labels...), func(m *mysql.Member) *float64 { return m.Errant }},
		{gauge("fettle_mysql_heartbeat_age_seconds", "How old the newest row of the declared heartbeat table is, by the member's own clock. Absent without one.", labels...), func(m *mysql.Member) *float64 {
			if m.Heartbeat == nil {
				return nil
			}
			return &m.Heartbeat.Age
		}},
	}
}

func mysqlSemiSyncMetrics() []mysqlMetric {
	labels := []string{"cluster", "member"}
	return []mysqlMetric{
		{gauge("fettle_mysql_semisync_source_enabled", "1 if commits are to wait for a replica. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return whetherTold(m.SemiSync.SourceEnabled) }},
		{gauge("fettle_mysql_semisync_source_on", "1 if commits do wait: after a timeout they no longer do, though it is enabled. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return whetherTold(m.SemiSync.SourceOn) }},
		{gauge("fettle_mysql_semisync_replica_enabled", "1 if the server is to acknowledge what it has got. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return whetherTold(m.SemiSync.ReplicaEnabled) }},
		{gauge("fettle_mysql_semisync_replica_on", "1 if it does acknowledge. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return whetherTold(m.SemiSync.ReplicaOn) }},
		{gauge("fettle_mysql_semisync_replicas", "Replicas that acknowledge to this server. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return m.SemiSync.Replicas }},
		{counter("fettle_mysql_semisync_unacknowledged_total", "Commits that no replica acknowledged. Absent where the plugin is not there.", labels...), func(m *mysql.Member) *float64 { return m.SemiSync.Unacknowledged }},
	}
}

func mysqlGroupMetrics() []mysqlMetric {
	labels := []string{"cluster", "member"}
	of := func(metric *Metric, value func(g *mysql.Group) *float64) mysqlMetric {
		return mysqlMetric{metric, func(m *mysql.Member) *float64 {
			if m.Group == nil || m.Group.State == "" {
				return nil
			}
			return value(m.Group)
		}}
	}
	return []mysqlMetric{
		of(gauge("fettle_mysql_group_majority", "1 if the member reaches more than half of those that it lists in its replication group. Absent without one.", labels...), func(g *mysql.Group) *float64 { return whether(g.Majority()) }),
		of(gauge("fettle_mysql_group_members", "Members that the member lists in its group. Absent without one.", labels...), func(g *mysql.Group) *float64 { return counted(g.Members) }),
		of(gauge("fettle_mysql_group_members_unreachable", "Those of them that it cannot reach. Absent without a group.", labels...), func(g *mysql.Group) *float64 { return counted(g.Unreachable) }),
		of(gauge("fettle_mysql_group_queue_transactions", "Transactions that wait to be checked for conflicts. Absent without a group.", labels...), func(g *mysql.Group) *float64 { return g.Certifying }),
		of(gauge("fettle_mysql_group_apply_queue_transactions", "Transactions of others that wait to be applied. Absent without a group.", labels...), func(g *mysql.Group) *float64 { return g.Applying }),
	}
}

func mysqlGaleraMetrics() []mysqlMetric {
	labels := []string{"cluster", "member"}
	of := func(metric *Metric, value func(g *mysql.Galera) *float64) mysqlMetric {
		return mysqlMetric{metric, func(m *mysql.Member) *float64 {
			if m.Galera == nil {
				return nil
			}
			return value(m.Galera)
		}}
	}
	return []mysqlMetric{
		of(gauge("fettle_mysql_galera_primary", "1 if the member is in the part of its Galera cluster that has a quorum. Absent without one.", labels...), func(g *mysql.Galera) *float64 { return whether(g.Primary) }),
		of(gauge("fettle_mysql_galera_ready", "1 if it takes questions. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return whether(g.Ready) }),
		of(gauge("fettle_mysql_galera_connected", "1 if it is connected to its cluster. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return whether(g.Connected) }),
		of(gauge("fettle_mysql_galera_state", "Its wsrep_local_state: 1 joining, 2 donor, 3 joined, 4 synced. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return g.State }),
		of(gauge("fettle_mysql_galera_size", "Members that it counts. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return g.Size }),
		of(gauge("fettle_mysql_galera_queue", "Write sets that wait to be applied. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return g.Queue }),
		of(gauge("fettle_mysql_galera_queue_average", "Their mean since the server's status was last flushed. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return g.QueueAverage }),
		of(counter("fettle_mysql_galera_paused_seconds_total", "How long flow control has held the cluster's writes. Absent without Galera.", labels...), func(g *mysql.Galera) *float64 { return g.Paused }),
	}
}

func mysqlChannelMetrics() []mysqlChannelMetric {
	labels := []string{"cluster", "member", "channel"}
	return []mysqlChannelMetric{
		{gauge("fettle_mysql_channel_receiving", "1 if the thread that receives says Yes, which it does for up to a minute after its source hung.", labels...), func(c mysql.Channel) *float64 { return whether(c.Receiver == "Yes") }},
		{gauge("fettle_mysql_channel_applying", "1 if the thread that replays says Yes.", labels...), func(c mysql.Channel) *float64 { return whether(c.Applier == "Yes") }},
		{gauge("fettle_mysql_channel_alive", "1 if the link is there: it receives, its heartbeats come, and its source answers this exporter or something came over the link since.", labels...), func(c mysql.Channel) *float64 { return whether(c.Alive) }},
		{gauge("fettle_mysql_channel_source_listed", "1 if its source is a member of the inventory: only then can both ends be compared.", labels...), func(c mysql.Channel) *float64 { return whether(c.Source != "") }},
		{gauge("fettle_mysql_channel_receive_error", "Number of the last error of the thread that receives; 0: none.", labels...), func(c mysql.Channel) *float64 { return c.ReceiverError }},
		{gauge("fettle_mysql_channel_apply_error", "Number of the last error of the thread that replays; 0: none.", labels...), func(c mysql.Channel) *float64 { return c.ApplierError }},
		{gauge("fettle_mysql_channel_behind_seconds", "Seconds_Behind_Source as the server tells it: a part, which is 0 on a link that hangs. Absent while the server does not know.", labels...), func(c mysql.Channel) *float64 { return c.Behind }},
		{gauge("fettle_mysql_channel_delay_seconds", "How long it waits on purpose; fettle_sync_lag_seconds is without it.", labels...), func(c mysql.Channel) *float64 { return c.Delay }},
		{gauge("fettle_mysql_channel_delay_remaining_seconds", "How much of that the next event still waits. Absent while none does.", labels...), func(c mysql.Channel) *float64 { return c.Remaining }},
		{gauge("fettle_mysql_channel_missing_transactions", "Transactions that the source has and this has not replayed. Absent while either cannot be asked, and without GTIDs.", labels...), func(c mysql.Channel) *float64 { return c.Missing }},
		{gauge("fettle_mysql_channel_unreceived_transactions", "Those of them that have not come over the link.", labels...), func(c mysql.Channel) *float64 { return c.Unreceived }},
		{gauge("fettle_mysql_channel_unapplied_transactions", "Transactions that have come and are not replayed. There also while the source cannot be asked.", labels...), func(c mysql.Channel) *float64 { return c.Unapplied }},
		{gauge("fettle_mysql_channel_unread_bytes", "Bytes of the source's binary log that have not come over the link. Absent while either place is not known.", labels...), func(c mysql.Channel) *float64 { return c.UnreadBytes }},
		{gauge("fettle_mysql_channel_unapplied_bytes", "Bytes that have come and are not replayed. Absent while either place is not known.", labels...), func(c mysql.Channel) *float64 { return c.UnappliedBytes }},
		{gauge("fettle_mysql_channel_relay_log_bytes", "Size of the relay logs.", labels...), func(c mysql.Channel) *float64 { return c.RelayLog }},
		{counter("fettle_mysql_channel_heartbeats_total", "Heartbeats that have come over the link since it was started.", labels...), func(c mysql.Channel) *float64 { return c.Heartbeats }},
		{gauge("fettle_mysql_channel_heartbeat_period_seconds", "How often the source sends one into an idle link; 0: never, and then silence says nothing.", labels...), func(c mysql.Channel) *float64 { return c.Period }},
		{gauge("fettle_mysql_channel_silent_seconds", "For how long this exporter has seen nothing come over the link.", labels...), func(c mysql.Channel) *float64 { return &c.Silent }},
		{counter("fettle_mysql_channel_retries_total", "Transactions that were tried again (MariaDB).", labels...), func(c mysql.Channel) *float64 { return c.Retries }},
		{gauge("fettle_mysql_channel_workers", "Threads that replay at the same time (MySQL).", labels...), func(c mysql.Channel) *float64 { return c.Workers }},
		{gauge("fettle_mysql_channel_workers_running", "Those of them that run (MySQL).", labels...), func(c mysql.Channel) *float64 { return c.Working }},
		{gauge("fettle_mysql_channel_transaction_age_seconds", "How long ago the oldest transaction that is being replayed was committed on the primary, by the replica's clock (MySQL). Absent while none is.", labels...), func(c mysql.Channel) *float64 { return c.Applying }},
	}
}
