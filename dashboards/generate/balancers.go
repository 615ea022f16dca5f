package main

// balancers answers: do requests find a server, who has the address, and where does what
// a cluster manager moves run?
func balancers() board {
	const of = `{cluster=~"$cluster"})`
	who := "{{cluster}}/{{member}}"
	each := func(name string) string { return `max by (cluster, member) (` + name + of }
	backend := func(name string) string { return `max by (cluster, member, backend) (` + name + of }
	node := func(name string) string { return `max by (cluster, member, node) (` + name + of }
	resource := func(name string) string { return `max by (cluster, resource) (` + name + of }
	perSecond := func(name string) string {
		return `sum by (cluster, member) (rate(` + name + `{cluster=~"$cluster"}[$__rate_interval]))`
	}
	dropped := func(name string) string {
		return `sum by (cluster, member) (increase(` + name + `{cluster=~"$cluster"}[$__rate_interval]))`
	}
	return board{
		file: "balancers.json", uid: "fettle-balancers", title: "Load balancers and failover",
		about: "HAProxy, nginx, keepalived, Pacemaker: whether requests find a server, and who has what",
		page:  "/#clusters",
		rows: []row{
			{"Who answers", []panel{
				states("Members reachable", "Whether any exporter reaches the member: of the clusters chosen above. While it does not, what it says below is absent.", 14,
					ask(who, each("fettle_member_reachable"))).good(),
				list("Why they cannot be asked", "Now, by the exporters that try.", 10, `max by (cluster, member, reason) (fettle_member_failure`+of+` == 1`, "cluster", "member", "reason"),
			}},
			{"HAProxy", []panel{
				states("Backends", "Whether a server of the backend takes requests, as each HAProxy says.", 8, ask(who+" {{backend}}", backend("fettle_haproxy_backend_up"))).good(),
				states("Servers", "What a server is: up, down, taken out to drain, or in maintenance.", 8,
					ask(who+" {{backend}}/{{server}} {{state}}", `max by (cluster, member, backend, server, state) (fettle_haproxy_server_state`+of+` == 1`)).level(blue).say(map[string]word{"1": {"it is", blue}}),
				lines("Servers up", "Share of the backend's servers that nobody took out. Dashed: the threshold of FettleBackendHalfDown.", "percentunit", 8,
					ask(who+" {{backend}}", `max by (cluster, member, backend) (fettle_haproxy_backend_servers{state="up",cluster=~"$cluster"}) / (sum by (cluster, member, backend) (fettle_haproxy_backend_servers{state=~"up|down",cluster=~"$cluster"}) > 0)`)).
					whole().level(red, limit("backend_up_ratio", green)),
				lines("Requests that wait for a server", "In the backend's queue: all servers have as much as they may.", "short", 8, ask(who+" {{backend}}", backend("fettle_haproxy_backend_queue"))),
				lines("Sessions of a backend", "Those that are open now.", "short", 8, ask(who+" {{backend}}", backend("fettle_haproxy_backend_sessions"))),
				lines("HAProxy connections", "Share of those that the process takes. At 100% new ones wait outside.", "percentunit", 8,
					ask(who, each("fettle_haproxy_connections")+` / (`+each("fettle_haproxy_connections_limit")+` > 0)`)).whole().see("FettleConnectionsRunningOut"),
			}},
			{"nginx", []panel{
				lines("nginx requests", "Answered in a second, with whatever status.", "reqps", 8, ask(who, perSecond("fettle_nginx_requests_total"))),
				lines("nginx connections", "Reading: a request comes in. Writing: an answer goes out, or a server behind is waited for. Waiting: kept open.", "short", 8,
					ask(who+" {{state}}", `max by (cluster, member, state) (fettle_nginx_connections`+of)),
				lines("Connections that nginx dropped", "Taken and closed again, because all that it may have were open. Dashed: what FettleNginxLimitReached takes for one, within five minutes.", "short", 8,
					ask(who, dropped("fettle_nginx_connections_accepted_total")+` - `+dropped("fettle_nginx_connections_handled_total"))).level(green, limit("nginx_dropped_connections", red)),
			}},
			{"keepalived", []panel{
				one("Holders of an address", "Routers that have it. 2 are a split brain, 0 nobody. A router whose exporter is silent is not counted.", 6,
					ask("{{cluster}} {{address}}", `sum by (cluster, address) (max by (cluster, member, address) (fettle_keepalived_holds_address`+of+`)`)).level(red, at(1, green), at(2, red)).tall(8),
				states("Who has the address", "What the machine's own addresses say, not keepalived.", 9,
					ask(who+" {{address}}", `max by (cluster, member, address) (fettle_keepalived_holds_address`+of)).level(grey, at(1, green)).say(map[string]word{"0": {"not", grey}, "1": {"has it", green}}),
				states("What keepalived says", "The state of each VRRP instance. A router that is frozen says nothing, and may still have the address.", 9,
					ask(who+" {{vrrp_instance}} {{state}}", `max by (cluster, member, vrrp_instance, state) (fettle_keepalived_instance_state`+of+` == 1`)).level(blue).say(map[string]word{"1": {"it is", blue}}),
			}},
			{"Pacemaker", []panel{
				states("Partition has a quorum", "As each node says of the part of the cluster that it sees. Without a word from it: no.", 8, ask(who, each("fettle_pacemaker_quorum"))).good(),
				states("Nodes online", "As each node says of each.", 8, ask("{{cluster}}: {{member}} says {{node}}", node("fettle_pacemaker_node_online"))).good(),
				states("What holds nodes back", "Standby and maintenance are what somebody wanted. Unclean: it has to be fenced, and nothing moves until it is.", 8,
					ask("{{cluster}}: {{member}} says {{node}} {{state}}", `max by (cluster, member, node, state) (fettle_pacemaker_node_state`+of)).level(green, at(1, orange)).say(map[string]word{"0": {"no", green}, "1": {"yes", orange}}),
				states("Resources run", "Whether the resource runs on any node.", 8, ask("{{cluster}} {{resource}}", resource("fettle_pacemaker_resource_running"))).good(),
				states("Where resources run", "A change is a failover, or a move by hand.", 8,
					ask("{{cluster}} {{resource}} on {{node}}", `max by (cluster, resource, node) (fettle_pacemaker_resource_on_node`+of+` == 1`)).level(blue).say(map[string]word{"1": {"it is", blue}}),
				states("What keeps resources down", "Failed: an operation went wrong, and nobody cleaned up. Blocked: Pacemaker gave up. Disabled, or not managed: somebody wanted it so.", 8,
					ask("{{cluster}} {{resource}} failed", resource("fettle_pacemaker_resource_failed")), ask("{{cluster}} {{resource}} blocked", resource("fettle_pacemaker_resource_blocked")),
					ask("{{cluster}} {{resource}} disabled", resource("fettle_pacemaker_resource_disabled")), ask("{{cluster}} {{resource}} not managed", `1 - `+resource("fettle_pacemaker_resource_managed"))).bad(),
				states("Fencing and maintenance", "Without fencing, a node that is silent is trusted to be dead.", 8,
					ask(who+" fences", each("fettle_pacemaker_fencing_enabled")), ask(who+" in maintenance", each("fettle_pacemaker_maintenance_mode"))).level(grey, at(1, blue)).say(map[string]word{"0": {"no", grey}, "1": {"yes", blue}}),
				lines("Failed operations and bans", "Kept until somebody cleans up; a ban keeps a resource from a node for good.", "short", 8,
					ask(who+" failed operations", each("fettle_pacemaker_failed_operations")), ask(who+" bans", each("fettle_pacemaker_bans"))),
				lines("Age of a node's word", "Since crm_mon wrote it down. A timer does, each few seconds.", "s", 8, ask(who, `time() - `+each("fettle_pacemaker_status_timestamp_seconds"))),
			}},
		},
	}
}
