package main

// consul, nats and zookeeper are what these say of themselves, beyond what all quorums
// have in common.
func consul() row {
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	return row{"Consul", []panel{
		one("Autopilot", "What Consul's leader says of all servers; up to 10 s old.", 6, ask("{{cluster}}", `max by (cluster) (fettle_consul_autopilot_healthy`+of)).good().tall(8),
		states("Servers healthy", "As autopilot says.", 9, ask(who, `max by (cluster, member) (fettle_consul_server_healthy`+of)).good(),
		lines("Last word from the leader", "How long a follower has not heard from the leader. The leader has none. Dashed: the threshold of FettleDiscoveryStale.", "s", 9,
			ask(who, `max by (cluster, member) (fettle_consul_last_contact_seconds`+of)).level(green, limit("sync_lag_discovery_seconds", red)),
		lines("Election time-out", "How long a follower waits for the leader, as the server's configuration makes it, before it calls an election. Too short: elections without a cause. Too long: no writes for longer than needed. Dashed: the thresholds of FettleRaftElectionTimeout.", "s", 24,
			ask(who, `max by (cluster, member) (fettle_consul_election_timeout_seconds`+of)).level(red, limit("raft_election_timeout_min_seconds", green), limit("raft_election_timeout_max_seconds", red)).tall(6),
	}}
}

func nats() row {
	const of = `{cluster=~"$cluster"})`
	who, stream := "{{cluster}}/{{member}}", "{{cluster}} {{account}} {{stream}}"
	each := func(name string) string { return `max by (cluster, member) (` + name + of }
	ofStream := func(name string) string { return `max by (cluster, account, stream) (` + name + of }
	return row{"NATS", []panel{
		one("Meta group: failures tolerated", "Servers with JetStream that are reachable less the quorum. 0: the next failure stops changes to streams. Below 0: the quorum is lost.", 6,
			ask("{{cluster}}", `max by (cluster) (fettle_nats_meta_margin`+of)).level(red, at(0, orange), at(1, green)).tall(8),
		states("Meta group: who leads", "Which server says that it leads. Until another one is elected a dead leader is still named, for some seconds.", 9,
			ask(who, each("fettle_nats_meta_leader"))).level(grey, at(1, green)).say(map[string]word{"0": {"follows", grey}, "1": {"leads", green}}),
		states("Streams have a leader", "A stream without one takes no messages.", 9, ask(stream, ofStream("fettle_nats_stream_has_leader"))).good(),
		lines("Stream replicas missing", "Of those that the stream's configuration wants, those that it does not have.", "short", 8,
			ask(stream, ofStream("fettle_nats_stream_replicas_configured")+` - `+ofStream("fettle_nats_stream_replicas"))).level(green, at(1, red)),
		lines("Stream replicas behind", "Messages that the stream's leader has and the replica has not.", "short", 8,
			ask(who+" {{account}} {{stream}}", `max by (cluster, member, account, stream) (fettle_nats_stream_replica_lag_messages`+of)),
		lines("JetStream: storage used", "Share of what the server may store in files. At 100% it takes no messages.", "percentunit", 8,
			ask(who, each("fettle_nats_jetstream_storage_bytes")+` / (`+each("fettle_nats_jetstream_storage_limit_bytes")+` > 0)`)).whole(),
		lines("NATS connections", "Of clients, open.", "short", 12, ask(who, each("fettle_nats_connections"))),
		lines("Slow consumers", "Clients that were cut off because they did not read, in a second.", "cps", 12,
			ask(who, `max by (cluster, member) (rate(fettle_nats_slow_consumers_total{cluster=~"$cluster"}[$__rate_interval]))`)),
	}}
}

func zookeeper() row {
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	each := func(name string) string { return `max by (cluster, member) (` + name + of }
	return row{"ZooKeeper", []panel{
		one("Ensemble: failures tolerated", "Voters that are reachable less the quorum. 0: the next failure stops the ensemble. Below 0: it is stopped.", 6,
			ask("{{cluster}}", `max by (cluster) (fettle_zookeeper_margin`+of)).level(red, at(0, orange), at(1, green)).tall(8),
		states("Serving", "A server that has lost the quorum still takes connections, and serves nobody.", 9, ask(who, each("fettle_zookeeper_serving"))).good(),
		states("Ensemble: who leads", "Which server says that it leads. One that was cut off says so for some ticks more.", 9,
			ask(who, each("fettle_zookeeper_leader"))).level(grey, at(1, green)).say(map[string]word{"0": {"follows", grey}, "1": {"leads", green}}),
		lines("Requests that wait", "In the server, for the quorum or for the disk. Told by mntr alone, as the panels beside it.", "short", 8, ask(who, each("fettle_zookeeper_outstanding_requests"))),
		lines("ZooKeeper: open files", "Share of those that the process may have.", "percentunit", 8,
			ask(who, each("fettle_zookeeper_open_files")+` / (`+each("fettle_zookeeper_open_files_limit")+` > 0)`)).whole(),
		lines("ZooKeeper: data", "Of all nodes together, in memory.", "bytes", 8, ask(who, each("fettle_zookeeper_data_size_bytes"))),
		lines("ZooKeeper: connections", "Of clients, open.", "short", 12, ask(who, each("fettle_zookeeper_connections"))),
		lines("Followers in sync", "As the leader says.", "short", 12, ask(who, each("fettle_zookeeper_synced_followers"))),
	}}
}
