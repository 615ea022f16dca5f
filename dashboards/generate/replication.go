package main

// replication answers: does every copy follow, and how far is it behind?
func replication() board {
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	each := func(name string) string { return `max by (cluster, member) (` + name + of }
	by := func(label, name string) string { return `max by (cluster, member, ` + label + `) (` + name + of }
	return board{
		file: "replication.json", uid: "fettle-replication", title: "Replication",
		about: "Copies: whether they follow, and how far they are behind, measured in every way there is",
		page:  "/#clusters",
		rows: []row{
			{"Every kind", []panel{
				states("Copies follow", "Whether the member leads, or follows and applies. Broken is never 0 behind: the lags below are absent then.", 12, ask(who, each("fettle_sync_running"))).good().see("FettleSyncStopped", "FettleSyncDown"),
				states("Primary over time", "Which member takes writes. Two at a time are one too many.", 12, ask(who, each("fettle_sync_primary"))).
					level(grey, at(1, green)).say(map[string]word{"0": {"copy", grey}, "1": {"primary", green}}).see("FettleNoPrimary"),
				lines("Behind, in time", "How old what was applied last is. Told only where the server measures it. Dashed: the threshold of FettleSyncDatabaseLagging.", "s", 8,
					ask(who, each("fettle_sync_lag_seconds"))).level(green, limit("sync_lag_database_seconds", red)),
				lines("Behind, in bytes", "Bytes that the primary has and the copy has not applied.", "bytes", 8, ask(who, each("fettle_sync_lag_bytes"))),
				lines("Behind, in entries", "Entries or transactions that the primary has and the copy has not applied. Dashed: the threshold of FettleSyncLagging.", "short", 8,
					ask(who, each("fettle_sync_lag_entries"))).level(green, limit("raft_lag_entries", red)).see("FettleSyncLagging"),
			}},
			{"Backups and copies of files", []panel{
				one("Age of the newest backup", "Since it was written. Whether it can be restored is told beside it.", 6,
					ask("{{cluster}} {{backup}}", `time() - max by (cluster, backup) (fettle_backup_last_success_timestamp_seconds`+of)).in("s").level(blue).tall(8).see("FettleBackupOverdue"),
				one("Since a restore was shown to work", "A backup that was never restored is a hope.", 6,
					ask("{{cluster}} {{backup}}", `time() - max by (cluster, backup) (fettle_backup_last_verified_timestamp_seconds`+of)).in("s").level(green, limit("backup_unverified_seconds", red)).tall(8),
				states("Backups in order", "There: a backup was found. Kept: as many, and as old ones, as are wanted.", 12,
					ask("{{cluster}} {{backup}} there", `max by (cluster, backup) (fettle_backup_present`+of), ask("{{cluster}} {{backup}} kept", `max by (cluster, backup) (fettle_backup_retention_ok`+of)).good(),
				lines("Size of backups", "The newest. One that shrinks has lost something.", "bytes", 12, ask("{{cluster}} {{backup}}", `max by (cluster, backup) (fettle_backup_size_bytes`+of)).see("FettleBackupShrunk"),
				lines("Files of a tree", "Of each copy, at rest and of the last whole walk. All copies should have as many.", "short", 12, ask(who, each("fettle_tree_settled_files"))).see("FettleTreeDiffers", "FettleTreeUnread"),
			}},
		},
		folded: []row{
			{"MySQL and MariaDB", []panel{
				states("Channels", "Receiving: connected to the source, which is alive. Applying: the threads run.", 12,
					ask("{{cluster}}/{{member}} {{channel}} receives", by("channel", "fettle_mysql_channel_receiving")), ask("{{cluster}}/{{member}} {{channel}} applies", by("channel", "fettle_mysql_channel_applying"))).good().see("FettleReplicationError", "FettleReplicaOrphaned"),
				lines("What the server says of its lag", "Seconds_Behind_Master, as it is. 0 while the source is silent: believe the panels above.", "s", 12, ask("{{cluster}}/{{member}} {{channel}}", by("channel", "fettle_mysql_channel_behind_seconds"))),
				lines("Silence on a channel", "How long nothing came from the source, not even a heartbeat.", "s", 12, ask("{{cluster}}/{{member}} {{channel}}", by("channel", "fettle_mysql_channel_silent_seconds"))),
				lines("Transactions that a copy lacks", "Not received, and received but not applied: by GTIDs of both ends.", "short", 8,
					ask(who+" not received", by("channel", "fettle_mysql_channel_unreceived_transactions")), ask(who+" not applied", by("channel", "fettle_mysql_channel_unapplied_transactions"))).see("FettleSyncTransactionLagging"),
				lines("Transactions that only the copy has", "Errant ones. More than 0: the copy was written to, and must not become the primary as it is.", "short", 8,
					ask(who, each("fettle_mysql_errant_transactions"))).level(green, at(1, red)),
				states("Galera: ready", "Whether the node takes requests. Primary component: its part of the cluster has a majority.", 12,
					ask(who+" ready", each("fettle_mysql_galera_ready")), ask(who+" in the primary component", each("fettle_mysql_galera_primary"))).good(),
				lines("Galera: transactions that wait", "To be applied by the node. A long queue makes it stop all others.", "short", 12, ask(who, each("fettle_mysql_galera_queue"))),
				lines("MySQL connections", "Of those that the server allows.", "percentunit", 8, ask(who, each("fettle_mysql_connections")+` / `+`max by (cluster, member) (fettle_mysql_connections_limit{cluster=~"$cluster"} > 0)`)).see("FettleConnectionsRunningOut"),
			}},
			{"PostgreSQL", []panel{
				states("Standbys stream", "As the primary says, and as the standby itself does.", 12,
					ask("{{cluster}}/{{standby}} says {{member}}", by("standby", "fettle_postgres_standby_streaming")), ask(who+" says itself", each("fettle_postgres_receiver_streaming"))).good(),
				lines("Standbys behind, by stage", "Bytes until sent, written, flushed and replayed, as the primary counts.", "bytes", 12,
					ask("{{cluster}}/{{standby}} {{stage}}", `max by (cluster, standby, stage) (fettle_postgres_standby_behind_bytes`+of)).see("FettleSyncLogLagging"),
				lines("WAL that slots keep", "Bytes that may not be removed because of a slot. An idle slot fills the disk. Dashed: the threshold of FettleSlotRetainsLog.", "bytes", 8,
					ask("{{cluster}}/{{member}} {{slot}}", by("slot", "fettle_postgres_slot_retained_bytes"))).level(green, limit("slot_retained_bytes", red)),
				states("Slots in use", "A slot that nobody uses keeps its WAL for ever.", 8, ask("{{cluster}}/{{member}} {{slot}}", by("slot", "fettle_postgres_slot_active"))).
					level(orange, at(1, green)).say(map[string]word{"0": {"idle", orange}, "1": {"in use", green}}).see("FettleSlotLost"),
				states("WAL archive fails", "What is not archived is kept, and fills the disk; and no backup reaches past it.", 8, ask(who, each("fettle_postgres_archive_failing"))).bad(),
				lines("Transaction IDs used", "Of those between two vacuums that are needed. At about 2 billion the server stops taking writes.", "short", 8, ask(who, each("fettle_postgres_transaction_ids_used"))),
				lines("Oldest transaction", "It holds back vacuum, on all copies that report back too.", "s", 12, ask(who, each("fettle_postgres_oldest_transaction_seconds"))),
				lines("PostgreSQL connections", "Of those that the server allows.", "percentunit", 12, ask(who, each("fettle_postgres_connections")+` / `+`max by (cluster, member) (fettle_postgres_connections_limit{cluster=~"$cluster"} > 0)`)).see("FettleConnectionsRunningOut"),
			}},
			{"Redis", []panel{
				states("Links to the primary", "As the replica says.", 12, ask(who, each("fettle_redis_link_up"))).good(),
				lines("Silence on the link", "How long the replica has not heard from its primary. Its pings are 10 s apart.", "s", 12, ask(who, each("fettle_redis_link_silent_seconds"))),
				states("Sentinels: quorum", "Whether the Sentinel can start a failover, by its own word.", 12, ask("{{cluster}} {{sentinel}}", `max by (cluster, sentinel) (fettle_redis_sentinel_quorum_ok`+of)).good().see("FettleSentinelsDisagree"),
				states("Writes refused", "By the primary, for the reason: its data is being loaded, a file could not be written, too few replicas are near, the memory is full, or writes are paused.", 12,
					ask(who+" {{reason}}", `max by (cluster, member, reason) (fettle_redis_writes_refused`+of)).bad(),
				lines("Offsets", "How far each server has come. Only with one history they can be compared.", "bytes", 12, ask(who, each("fettle_redis_offset_bytes"))),
				states("Saved", "Whether the last snapshot, and the last write of the append-only file, went well.", 12,
					ask(who+" snapshot", each("fettle_redis_snapshot_ok")), ask(who+" append-only file", each("fettle_redis_aof_write_ok"))).good(),
			}},
			mongodb(), kafka(), gluster(),
		},
	}
}
