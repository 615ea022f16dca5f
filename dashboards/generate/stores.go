package main

// mongodb, kafka and gluster are what these say of themselves, beyond what all copies
// have in common.
func mongodb() row {
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	each := func(name string) string { return `max by (cluster, member) (` + name + of }
	peers := func(name string) string { return `max by (cluster, member, peer) (` + name + of }
	return row{"MongoDB", []panel{
		one("Set: failures tolerated", "Voters that are reachable less the majority. 0: the next failure leaves the set without a primary.", 6,
			ask("{{cluster}}", `max by (cluster) (fettle_mongodb_margin`+of)).level(red, at(0, orange), at(1, green)).tall(8),
		one("Set: primaries", "Members that call themselves primary. 1 is right; 2 are a primary that was cut off and its successor.", 6,
			ask("{{cluster}}", `max by (cluster) (fettle_mongodb_primaries`+of)).level(red, at(1, green), at(2, red)).tall(8),
		states("Set: state of members", "As each says of itself. Without a word from it there is no band.", 12,
			ask(who+" {{state}}", `max by (cluster, member, state) (fettle_mongodb_state`+of+` == 1`)).level(blue).say(map[string]word{"1": {"it is", blue}}),
		states("Set: members hear each other", "As each says of the others.", 12, ask("{{cluster}}/{{member}} hears {{peer}}", peers("fettle_mongodb_peer_healthy"))).good(),
		lines("Set: silence of a peer", "How long the member has not heard the other one. They beat every 2 s.", "s", 6, ask("{{cluster}}/{{member}} from {{peer}}", peers("fettle_mongodb_peer_silent_seconds"))),
		lines("Oplog reaches back", "From its first entry to its last. A copy that was away for longer has to be made anew.", "s", 6,
			ask(who, each("fettle_mongodb_oplog_last_timestamp_seconds")+` - `+each("fettle_mongodb_oplog_first_timestamp_seconds"))),
	}}
}

func kafka() row {
	const of = `{cluster=~"$cluster"})`
	ofAll := func(name string) string { return `max by (cluster) (` + name + of }
	broker := func(name string) string { return `max by (cluster, member) (` + name + of }
	group := func(name string) string { return `max by (cluster, group) (` + name + of }
	return row{"Kafka", []panel{
		one("Controller", "Whether the cluster names one.", 6, ask("{{cluster}}", ofAll("fettle_kafka_has_controller"))).good().tall(8),
		lines("Partitions that are not whole", "Offline: nobody takes or gives messages. Below min.insync.replicas: no messages are taken with acks=all.", "short", 9,
			ask("{{cluster}} offline", ofAll("fettle_kafka_partitions_offline")), ask("{{cluster}} below min.insync.replicas", ofAll("fettle_kafka_partitions_below_min_in_sync")),
			ask("{{cluster}} a replica behind", ofAll("fettle_kafka_partitions_under_replicated"))),
		states("Brokers in the cluster", "Whether the cluster names the broker.", 9, ask("{{cluster}}/{{member}}", broker("fettle_kafka_broker_registered"))).good(),
		states("Brokers differ", "Some have old metadata: what is told of partitions is what the newest one says.", 24, ask("{{cluster}}", ofAll("fettle_kafka_views_differ"))).bad().tall(5),
		lines("Replicas out of sync", "Of the replicas that the broker should have.", "short", 8, ask("{{cluster}}/{{member}}", broker("fettle_kafka_broker_replicas_out_of_sync"))).level(green, at(1, red)),
		states("Consumer groups", "Whether the group's coordinator answers for it. Of the groups that the inventory declares.", 8, ask("{{cluster}} {{group}}", group("fettle_kafka_group_up"))).good(),
		lines("Consumer groups behind", "Messages that the group has not read, of all partitions. Absent if one of them cannot be asked.", "short", 8, ask("{{cluster}} {{group}}", group("fettle_kafka_group_lag_entries"))),
	}}
}

func gluster() row {
	const of = `{cluster=~"$cluster"})`
	brick := func(name string) string { return `max by (cluster, member, volume, brick) (` + name + of }
	legend := "{{cluster}}/{{member}} {{volume}} {{brick}}"
	return row{"GlusterFS", []panel{
		one("Pool: failures tolerated", "Management daemons that answer less the quorum.", 6, ask("{{cluster}}", `max by (cluster) (fettle_gluster_margin`+of)).level(red, at(0, orange), at(1, green)).tall(8),
		states("Bricks", "Whether the brick's process answers. One that does not answers nobody who wants its files.", 9, ask(legend, brick("fettle_gluster_brick_up"))).good(),
		lines("Files that wait to be healed", "In the brick's index: what the other copies do not have. It falls while it is healed.", "short", 9, ask(legend, brick("fettle_gluster_brick_pending_heals"))),
		lines("Files in split brain", "Their copies blame each other, and nobody can read them. Told where a timer reports it, and only by a report that is of now.", "short", 12,
			ask("{{cluster}} {{volume}}", `max by (cluster, volume) (fettle_gluster_split_brain_entries`+of)).level(green, at(1, red)),
		states("Reports on split brain", "Whether any machine has one that is of now.", 12, ask("{{cluster}} {{volume}}", `max by (cluster, volume) (fettle_gluster_heal_report_up`+of)).good(),
	}}
}
