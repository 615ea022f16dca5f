package main

// itself answers: can what the other dashboards show be believed?
func itself() board {
	const of = `{instance=~"$instance"}`
	job := func(metric string) string { return metric + `{job=~"fettle|fettle_exporter"}` }
	return board{
		file: "self.json", uid: "fettle-self", title: "fettle itself",
		about: "fettle serve, its webhook and journal, the exporters and their collectors",
		page:  "/#journal",
		rows: []row{
			{"Exporters", []panel{
				states("Exporters", "Whether Prometheus can scrape the exporter. What a silent exporter watches is not watched.", 8, ask("{{instance}}", `up{job="fettle_exporter",instance=~"$instance"}`)).good().see("FettleExporterDown"),
				states("Collectors", "Whether each collector read at the last scrape all that it should. Those of all machines together.", 8, ask("{{collector}}", `min by (collector) (fettle_collector_success`+of+`)`)).good().see("FettleCollectorFailing"),
				lines("Time of collectors", "The ten slowest. One that comes near the scrape timeout will miss it.", "s", 8, ask("{{instance}} {{collector}}", `topk(10, max by (instance, collector) (fettle_collector_duration_seconds`+of+`))`)).see("FettleCollectorTimingOut"),
				list("Collectors that fail", "Now, or that missed the deadline. The exporter's log says why.", 12,
					`min by (instance, collector) (fettle_collector_success`+of+`) == 0`, "instance", "collector"),
				list("Text files that are refused", "Now: of the folder whose files the exporter serves as well, those that it does not, with the reason.", 12,
					`max by (instance, file, reason) (fettle_textfile_refused`+of+`) == 1`, "instance", "file", "reason").see("FettleTextfileRefused"),
				lines("Members left alone", "For how long a member that does not answer is not asked again.", "s", 24, ask("{{instance}} {{cluster}}/{{member}}", `max by (instance, cluster, member) (fettle_member_pause_seconds{cluster=~"$cluster"})`)),
				list("Members that nobody asks", "Now: every exporter leaves them to another machine's.", 12, `max by (cluster, member) (fettle_member_asked{cluster=~"$cluster"}) == 0`, "cluster", "member").see("FettleMemberUnasked"),
				list("Members that cannot be asked", "Now, with the reason.", 12, `max by (cluster, member, reason) (fettle_member_failure{cluster=~"$cluster"}) == 1`, "cluster", "member", "reason"),
			}},
			{"fettle serve", []panel{
				one("Scraped", "Whether Prometheus can scrape fettle serve.", 6, ask("{{instance}}", `max by (instance) (up{job="fettle"})`)).good().tall(8).see("FettleDown"),
				one("Configuration taken", "Whether the last reload was accepted. If not, the configuration before it goes on.", 6, ask("{{job}} {{instance}}", `min by (job, instance) (fettle_config_last_reload_successful)`)).good().tall(8).see("FettleConfigReloadFailed"),
				one("Web certificate expires in", "Of fettle's own pages and API. Without TLS there is none. Red: the threshold of FettleWebCertificateExpiring.", 6,
					ask("{{job}} {{instance}}", `min by (job, instance) (fettle_config_web_certificate_expiry_timestamp_seconds > 0) - time()`)).in("s").level(red, limit("web_certificate_seconds", green)).tall(8),
				list("Versions", "Of all of fettle's programs.", 6, `count by (job, instance, version, revision, goversion) (fettle_build_info or fettle_exporter_build_info)`, "job", "instance", "version", "revision", "goversion"),
			}},
			{"Those that tell fettle", []panel{
				one("Prometheus", "Whether Prometheus answered fettle within the last 15 s.", 6, ask("{{instance}}", `min by (instance) (fettle_prometheus_reachable)`)).good(),
				one("Alertmanagers", "Those that answered fettle when they were last asked, and those in its configuration.", 6,
					ask("{{instance}} answer", `min by (instance) (fettle_alertmanagers_reachable)`), ask("{{instance}} configured", `max by (instance) (fettle_alertmanagers)`)).level(red, at(1, blue)),
				one("Since an Alertmanager answered", "The one that has been silent longest.", 6, ask("{{instance}}", `time() - max by (instance) (fettle_alertmanager_last_answer_timestamp_seconds > 0)`)).in("s").level(blue),
				one("Since the watchdog came in", "FettleWatchdog always fires: while it comes in, the way from the rules to fettle is whole. Empty if it never came.", 6,
					ask("{{instance}}", `time() - max by (instance) (fettle_watchdog_last_seen_timestamp_seconds > 0)`)).in("s").level(green, limit("watchdog_seconds", red)).see("FettleWatchdog"),
				one("Alertmanagers that Prometheus knows", "Without one, no alert reaches anybody. Where Prometheus scrapes itself, as the next ones.", 6,
					ask("{{instance}}", `max by (instance) (prometheus_notifications_alertmanagers_discovered)`)).level(red, at(1, green)).tall(8),
				one("Configuration taken by them", "Whether the last reload was accepted. If not, the next restart fails.", 6,
					ask("Prometheus {{instance}}", `min by (instance) (prometheus_config_last_reload_successful)`), ask("Alertmanager {{instance}}", `min by (instance) (alertmanager_config_last_reload_successful)`)).good().tall(8),
				lines("Rules that fail or are left out", "Evaluations in a second that failed, or that were skipped because the ones before took too long. Such alerts are blind, or late.", "cps", 6,
					ask("{{instance}} failed", `sum by (instance) (rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))`), ask("{{instance}} left out", `sum by (instance) (rate(prometheus_rule_group_iterations_missed_total[$__rate_interval]))`)),
				lines("Notifications lost", "In a second: alerts that Prometheus dropped, and notifications that Alertmanager could not deliver.", "cps", 6,
					ask("{{instance}} dropped", `sum by (instance) (rate(prometheus_notifications_dropped_total[$__rate_interval]))`), ask("{{instance}} {{integration}}", `sum by (instance, integration) (rate(alertmanager_notifications_failed_total[$__rate_interval]))`)),
			}},
			{"Webhook", []panel{
				lines("Messages", "What Alertmanager posted, by the status that it got. 503: the journal could not be written.", "reqps", 6, ask("{{code}}", `sum by (code) (rate(fettle_webhook_messages_total[$__rate_interval]))`)),
				lines("Alerts", "The alerts in these messages: received and journaled, repeats, and those that no playbook matches.", "cps", 6, ask("{{result}}", `sum by (result) (rate(fettle_webhook_alerts_total[$__rate_interval]))`)),
				lines("Messages refused", "By reason: no token, not JSON, too large.", "reqps", 6, ask("{{reason}}", `sum by (reason) (rate(fettle_webhook_rejected_total[$__rate_interval]))`)),
				lines("Time to answer", "From a message's first byte until what it changes is on disk: 99th percentile.", "s", 6, ask("99%", `histogram_quantile(0.99, sum by (le) (rate(fettle_webhook_message_duration_seconds_bucket[$__rate_interval])))`)),
			}},
			{"Messages to people", []panel{
				lines("Posts", "What people are told, that an Alertmanager took, in a second.", "cps", 12, ask("taken", `sum(rate(fettle_escalation_posts_total[$__rate_interval]))`)),
				lines("Posts that failed", "In a second, by reason.", "cps", 12, ask("{{reason}}", `sum by (reason) (rate(fettle_escalation_post_failures_total[$__rate_interval]))`)),
			}},
			{"Journal", append(journal()[:4:4], lines("Size of the journal", "Of its segments on disk.", "bytes", 12, ask("{{instance}}", `fettle_journal_size_bytes`)),
				lines("Records", "Records appended in a second.", "cps", 12, ask("{{instance}}", `deriv(fettle_journal_records[$__rate_interval])`)))},
			{"Processes", []panel{
				lines("Processor time", "Of fettle's own processes. 1 is one processor.", "percentunit", 6, ask("{{job}} {{instance}}", `rate(`+job("process_cpu_seconds_total")+`[$__rate_interval])`)),
				lines("Memory", "Of fettle's own processes, resident.", "bytes", 6, ask("{{job}} {{instance}}", job("process_resident_memory_bytes"))),
				lines("Open files", "Share of those that the process may have.", "percentunit", 6, ask("{{job}} {{instance}}", job("process_open_fds")+` / `+job("process_max_fds"))),
				lines("Connections", "Of fettle serve, over TCP; and those closed because all places were taken, in a second.", "short", 6,
					ask("{{instance}} open", `fettle_http_connections`), ask("{{instance}} closed", `rate(fettle_http_connections_evicted_total[$__rate_interval])`)),
			}},
		},
	}
}
