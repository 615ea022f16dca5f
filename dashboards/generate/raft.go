package main

// raft answers: who leads, who follows, is there a quorum, and what slows it down?
func raft() board {
	const by = `max by (cluster, member) (`
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	// mean is the time that one took, over the whole rate interval.
	mean := func(seconds, count string) string {
		return `sum by (cluster, member) (rate(` + seconds + `{cluster=~"$cluster"}[$__rate_interval])) / (sum by (cluster, member) (rate(` + count + `{cluster=~"$cluster"}[$__rate_interval])) > 0)`
	}
	perSecond := func(name string) string {
		return `max by (cluster, member) (rate(` + name + `{cluster=~"$cluster"}[$__rate_interval]))`
	}
	return board{
		file: "raft.json", uid: "fettle-raft", title: "Clusters (Raft)",
		about: "Quorum, leaders, logs, disks and links of Raft clusters; Consul, NATS and ZooKeeper",
		page:  "/#clusters",
		rows: []row{
			{"Quorum", []panel{
				one("Failures tolerated", "Voters that are reachable less the quorum. 0: the next failure stops writes. Below 0: the quorum is lost.", 6,
					ask("{{cluster}}", `max by (cluster) (fettle_raft_margin`+of)).level(red, at(0, orange), at(1, green)).see("FettleRaftQuorumLost", "FettleRaftNoFailureTolerance"),
				one("Leader", "Whether a majority of the voters, all reachable, agrees on a leader at the highest term.", 6,
					ask("{{cluster}}", `max by (cluster) (fettle_raft_has_leader`+of)).good().see("FettleRaftNoLeader"),
				one("Voters reachable", "Beside it the quorum that is needed.", 6,
					ask("{{cluster}} reachable", `max by (cluster) (fettle_raft_voters_reachable`+of), ask("{{cluster}} quorum", `max by (cluster) (fettle_raft_quorum`+of)).level(blue),
				one("Members that differ", "Servers that the cluster lists and the inventory does not, and members that the inventory has alone.", 6,
					ask("{{cluster}} unlisted", `max by (cluster) (fettle_raft_members_unlisted`+of), ask("{{cluster}} mismatch", `max by (cluster) (fettle_raft_membership_mismatch`+of)).level(green, at(1, orange)).see("FettleRaftMemberUnlisted"),
				list("Members", "As of now. Version and kind as the member says itself.", 12,
					`max by (cluster, member, kind, version) (fettle_member_info{cluster=~"$cluster"}) * on (cluster, member) group_left max by (cluster, member) (fettle_raft_term{cluster=~"$cluster"})`,
					"cluster", "member", "kind", "version", "Value").call(map[string]string{"Value": "term"}),
				states("Members reachable", "Whether any exporter reaches the member. Every member of the inventory, also those that are gone.", 12,
					ask(who, by+`fettle_raft_member_reachable`+of)).good().see("FettleRaftMemberDown"),
			}},
			{"Elections", []panel{
				states("Leader over time", "Which member says that it leads. A leader that was cut off says so for a while beside the new one.", 12,
					ask(who, by+`fettle_raft_leader`+of)).level(grey, at(1, green)).say(map[string]word{"0": {"follows", grey}, "1": {"leads", green}}).see("FettleRaftSplitView"),
				lines("Term", "The highest term that was seen. Each step is an election.", "none", 6, ask("{{cluster}}", `max by (cluster) (fettle_raft_term`+of)),
				lines("Leader changes", "Changes of the leader that each member saw.", "short", 6, ask(who, `sum by (cluster, member) (increase(fettle_raft_leader_changes_total{cluster=~"$cluster"}[$__rate_interval]))`)).asBars(),
				lines("Heartbeats that were late", "Heartbeats that the leader could not send in time, in a second: its disk or its processor is slow.", "cps", 12, ask(who, perSecond("fettle_raft_heartbeat_failures_total"))),
				states("Members contradict each other", "What the peers' connections say of a member is not what it says itself.", 12,
					ask(who, by+`fettle_raft_vantage_disagreement`+of)).bad(),
			}},
			{"Log", []panel{
				lines("Behind the leader", "Entries that the leader has committed and the member has not applied. Dashed: the threshold of FettleSyncLagging.", "short", 8,
					ask(who, by+`fettle_sync_lag_entries`+of)).level(green, limit("raft_lag_entries", red)).see("FettleSyncLagging"),
				lines("Commits", "Entries that are committed in a second.", "cps", 8, ask("{{cluster}}", `deriv(max by (cluster) (fettle_raft_commit_index`+of+`[$__rate_interval:])`)),
				lines("Committed and not applied", "Entries that the member itself knows as committed and has not applied. Dashed: the threshold of the alert.", "short", 8, ask(who, by+`fettle_raft_apply_gap`+of)).level(green, limit("raft_apply_gap_entries", red)),
				lines("Proposals that wait", "Writes that wait for a majority. Dashed: the threshold of the alert.", "short", 8, ask(who, by+`fettle_raft_proposals_pending`+of)).level(green, limit("raft_pending_entries", red)),
				lines("Proposals that failed", "In a second. Without a leader all of them fail.", "cps", 8, ask(who, perSecond("fettle_raft_proposals_failed_total"))),
				lines("Slow reads and applies", "In a second: reads that waited for the leader's word, and entries whose application took long.", "cps", 8,
					ask(who+" reads", perSecond("fettle_raft_slow_reads_total")), ask(who+" applies", perSecond("fettle_raft_slow_applies_total"))),
			}},
			{"Disk and database", []panel{
				lines("Time of an fsync", "Mean time to make the log durable. All writes wait for it.", "s", 8, ask(who, mean("fettle_raft_fsync_seconds_total", "fettle_raft_fsyncs_total"))),
				lines("Time of a commit to the database", "Mean time of a commit of the backend.", "s", 8, ask(who, mean("fettle_raft_commit_seconds_total", "fettle_raft_commits_total"))),
				lines("Slow fsyncs and commits", "Share that took long. Dashed: the threshold of the alert.", "percentunit", 8,
					ask(who+" fsync", mean("fettle_raft_fsyncs_slow_total", "fettle_raft_fsyncs_total")), ask(who+" commit", mean("fettle_raft_commits_slow_total", "fettle_raft_commits_total"))).level(green, limit("raft_slow_writes_ratio", red)),
				lines("Database", "Size of the file, and what of it is in use. The difference comes back by a defragmentation.", "bytes", 8,
					ask(who+" size", by+`fettle_raft_db_size_bytes`+of), ask(who+" in use", by+`fettle_raft_db_in_use_bytes`+of)).see("FettleRaftDefragLong"),
				lines("Database as a share of its quota", "At 100% the cluster refuses writes. Dashed: the threshold of FettleRaftDatabaseNearQuota. Before etcd 3.6 only where the member's metrics page can be read.", "percentunit", 8,
					ask(who, by+`fettle_raft_db_size_bytes`+of+` / `+by+`fettle_raft_db_quota_bytes{cluster=~"$cluster"} > 0)`)).level(green, limit("raft_database_ratio", red)).see("FettleRaftDatabaseNearQuota", "FettleRaftDatabaseFilling"),
				states("Alarms", "NOSPACE: the cluster refuses writes. CORRUPT: the member's data differs from the others'.", 8,
					ask(who+" {{alarm}}", `max by (cluster, member, alarm) (fettle_raft_alarm`+of)).bad().see("FettleRaftNoSpace", "FettleRaftCorrupt"),
			}},
			{"Links and canaries", []panel{
				states("Links between members", "Whether the member is connected to the peer, as the member says.", 8,
					ask("{{cluster}}/{{member}} to {{peer}}", `max by (cluster, member, peer) (fettle_raft_peer_connected`+of)).good(),
				lines("Round trip to a peer", "Mean time, as the member measures it. Dashed: the threshold of the alert.", "s", 8, ask("{{cluster}}/{{member}} to {{peer}}",
					`sum by (cluster, member, peer) (rate(fettle_raft_peer_round_trip_seconds_total{cluster=~"$cluster"}[$__rate_interval])) / (sum by (cluster, member, peer) (rate(fettle_raft_peer_round_trips_total{cluster=~"$cluster"}[$__rate_interval])) > 0)`)).level(green, limit("raft_peer_seconds", red)),
				lines("Sent to peers", "Bytes in a second.", "Bps", 8, ask("{{cluster}}/{{member}} to {{peer}}",
					`sum by (cluster, member, peer) (rate(fettle_raft_peer_sent_bytes_total{cluster=~"$cluster"}[$__rate_interval]))`)),
				lines("Time of a canary's write", "A small write through each member, read back. Where the inventory declares a canary.", "s", 12, ask(who, by+`fettle_raft_canary_duration_seconds`+of)),
				states("Canary", "Whether the write through the member came back.", 12, ask(who, by+`fettle_raft_canary_success`+of)).good(),
			}},
		},
		folded: []row{consul(), nats(), zookeeper()},
	}
}
