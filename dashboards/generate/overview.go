package main

// overview answers: is anything wrong, where, and is somebody at it?
func overview() board {
	// A node of every cluster in the graph, whatever is chosen: Grafana cannot draw an edge
	// without both of its ends.
	node := func(expr, colour string) string {
		return `label_replace(label_replace(label_replace(` + expr + `, "color", "` + colour + `", "", ""), "id", "$1", "cluster", "(.*)"), "title", "$1", "cluster", "(.*)")`
	}
	return board{
		file: "overview.json", uid: "fettle-overview", title: "Overview",
		about: "What is wrong, where, and what fettle does about it",
		page:  "/#clusters",
		rows: []row{
			{"Now", []panel{
				one("Failures tolerated", "Of each quorum: voters that are reachable less the quorum. 0: the next failure stops writes. Below 0: the quorum is lost.", 6,
					ask("{{cluster}}", `max by (cluster) (fettle_raft_margin{cluster=~"$cluster"} or fettle_nats_meta_margin{cluster=~"$cluster"} or fettle_zookeeper_margin{cluster=~"$cluster"} or fettle_mongodb_margin{cluster=~"$cluster"} or fettle_gluster_margin{cluster=~"$cluster"})`)).
					level(red, at(0, orange), at(1, green)).see("FettleRaftQuorumLost", "FettleRaftNoFailureTolerance"),
				one("Takes requests", "Whether the cluster has a leader that a quorum names, or a primary that takes writes; where there is neither, a member that answers. Of the clusters that depends_on in exporter.yml names.", 6,
					ask("{{cluster}}", `max by (cluster) (fettle_dependency_in_order{cluster=~"$cluster"})`)).good(),
				one("Runs under way", "Repairs that fettle has begun and not ended.", 3,
					ask("runs", `sum(fettle_run_live)`)).level(blue, at(1, yellow)).opens("/repairs#live"),
				one("People are told", "Clusters that fettle has handed over to people, by reason: they are waited for.", 3,
					ask("{{reason}}", `sum by (reason) (fettle_escalation_firing)`)).level(green, at(1, red)).see("FettleRunEscalated").opens("/episodes"),
				one("Approvals waited for", "Repairs that wait until a person says yes.", 3, ask("approvals", `sum(fettle_approvals_waiting)`)).level(green, at(1, yellow)).opens("/episodes"),
				one("Paused", "Where repairs are paused, by command, API or brake file. Faults are received and not repaired.", 3,
					ask("{{cluster}}", `label_replace(max by (cluster) (fettle_paused{cluster=~"$cluster|"}), "cluster", "everywhere", "cluster", "")`)).
					level(green, at(1, orange)).say(map[string]word{"0": {"no", green}, "1": {"paused", orange}}).see("FettlePausedTooLong").opens("/#pauses"),
			}},
			{"How well", []panel{
				one("Health", "Of each cluster, from 0 to 1: processors, memory, network and errors. Absent while one of the four is not known. Yellow and red: the thresholds of FettleClusterHealthLow and FettleClusterHealthPoor.", 8,
					ask("{{cluster}}", `max by (cluster) (cluster:health:score{cluster=~"$cluster"})`)).level(red, limit("health_poor_score", yellow), limit("health_score", green)),
				lines("Parts of the health", "The share of the cluster's machines on which the part is in order; of network and errors: whether it is.", "percentunit", 8,
					ask("{{cluster}} {{part}}", `max by (cluster, part) (cluster:health_part:ratio{cluster=~"$cluster"})`)).whole().tall(5).see("FettleHealthPartMissing"),
				one("Took requests", "Share of the time shown in which the cluster took requests, as any exporter saw it. The colour: the goal of 30 days, of FettleAvailabilityBelowGoal.", 8,
					ask("{{cluster}}", `max by (cluster) (avg_over_time(fettle_dependency_in_order{cluster=~"$cluster"}[$__range]))`)).in("percentunit").level(red, limit("availability_ratio", green)).see("FettleAvailabilityBelowGoal"),
			}},
			{"Trouble", []panel{
				list("Alerts that fire", "fettle's alerts that fire now. The name leads to the page with what it means and what to do.", 14,
					`count by (alertname, severity, tier, cluster, member, instance) (ALERTS{alertname=~"Fettle.*",alertstate="firing"})`,
					"alertname", "severity", "tier", "cluster", "member", "instance").opens("/#alerts"),
				states("Alerts over time", "When each alert fired, on whatever member.", 10,
					ask("{{alertname}}", `max by (alertname) (ALERTS{alertname=~"Fettle.*",alertstate="firing"})`)).level(green, at(1, red)).say(map[string]word{"1": {"fires", red}}),
			}},
			{"Clusters", []panel{
				states("Members reachable", "Whether any exporter reaches the member. Every member of the inventory, also those that are gone.", 12,
					ask("{{cluster}}/{{member}}", `max by (cluster, member) (fettle_member_reachable{cluster=~"$cluster"})`)).good(),
				states("Copies follow", "Whether the member takes part in replication: it leads, or follows and applies. Without a word from it: no.", 12,
					ask("{{cluster}}/{{member}}", `max by (cluster, member) (fettle_sync_running{cluster=~"$cluster"})`)).good().see("FettleSyncStopped"),
			}},
			{"What depends on what", []panel{
				graph("Dependencies", "Arrows lead to what a cluster cannot work without. Green takes requests, red does not, grey is not looked at from here. Repair the one first that has no red one below it.", 14,
					node(`max by (cluster) (fettle_dependency_in_order) == 1`, "green")+" or "+node(`max by (cluster) (fettle_dependency_in_order) == 0`, "red")+" or "+
						node(`max by (cluster) (fettle_dependency_depth) unless on (cluster) max by (cluster) (fettle_dependency_in_order)`, "gray"),
					`label_join(label_replace(label_replace(max by (cluster, on) (fettle_dependency_edge), "source", "$1", "cluster", "(.*)"), "target", "$1", "on", "(.*)"), "id", " needs ", "cluster", "on")`).see("FettleDependencyUnwatched"),
				states("Explained by what it depends on", "A cluster that does not take requests while one below it does not either: repair that one first.", 10,
					ask("{{cluster}}", `max by (cluster) (fettle_dependency_explained{cluster=~"$cluster"})`)).
					level(green, at(1, yellow)).say(map[string]word{"0": {"no", green}, "1": {"explained", yellow}}).tall(10),
			}},
			{"What fettle did", []panel{
				lines("Runs that ended", "By outcome. repaired: shown by two looks. blocked: not dared. unknown: fettle cannot tell.", "short", 16,
					ask("{{outcome}}", `sum by (outcome) (increase(fettle_run_outcomes_total[$__rate_interval]))`)).asBars().opens("/repairs#outcomes").see("FettleRunFailed"),
				one("Repaired", "Share of the runs in the time shown that changed something and ended repaired; the rest failed, or nobody can tell.", 8,
					ask("repaired", `sum(increase(fettle_run_outcomes_total{outcome="repaired"}[$__range])) / (sum(increase(fettle_run_outcomes_total{outcome=~"repaired|failed|unknown"}[$__range])) > 0)`)).
					in("percentunit").level(red, at(1, green)).tall(8).opens("/repairs#outcomes"),
			}},
		},
	}
}
