package main

// probes answers: is it there as its users see it, do members hear each other, and do
// their clocks agree?
func probes() board {
	const of = `{cluster=~"$cluster|"})`
	const here = `{instance=~"$instance"}`
	name := "{{probe}} {{member}}"
	probe := func(metric string) string { return `max by (probe, cluster, member) (` + metric + of }
	return board{
		file: "probes.json", uid: "fettle-probes", title: "Probes and time",
		about: "What users see, what members hear of each other, and what their clocks say",
		page:  "/#alerts",
		rows: []row{
			{"Probes", []panel{
				states("In order", "Whether any exporter's last probe went well.", 12, ask(name, probe("fettle_probe_success"))).good().see("FettleProbeErrorsHigh", "FettleProbeErrorsAboveBaseline"),
				states("Failing", "So many in a row failed as the probe's configuration says, from all exporters.", 12, ask(name, `min by (probe, cluster, member) (fettle_probe_failing`+of)).bad(),
				lines("Time of a probe", "From any exporter, the slowest.", "s", 12, ask(name, probe("fettle_probe_duration_seconds"))),
				lines("Time by phase", "Of HTTP and TLS: resolve, connect, handshake, answer.", "s", 12, ask(name+" {{phase}}", `max by (probe, cluster, member, phase) (fettle_probe_phase_duration_seconds`+of)),
				list("Why probes fail", "Now. The probe's page has all reasons.", 12, `max by (probe, kind, cluster, member, reason) (fettle_probe_failure`+of+` == 1`, "probe", "kind", "cluster", "member", "reason"),
				one("Certificates expire in", "The first to expire of the chain that the server sent. Red and orange: the thresholds of the alerts.", 12,
					ask(name, `min by (probe, cluster, member) (fettle_probe_certificate_expiry_timestamp_seconds`+of+` - time()`)).in("s").level(red, limit("certificate_critical_seconds", orange), limit("certificate_warning_seconds", green)).tall(8),
			}},
			{"Heartbeats", []panel{
				states("Members hear each other", "Network: the machine answers. Application: the process does. Data: replication moves.", 12,
					ask("{{cluster}}: {{from}} hears {{member}}, {{layer}}", `max by (cluster, from, member, layer) (fettle_heartbeat_ok{cluster=~"$cluster"})`)).good().tall(12),
				lines("Age of the last beat", "Exact to one scrape interval.", "s", 12, ask("{{cluster}}: {{from}} hears {{member}}, {{layer}}", `max by (cluster, from, member, layer) (fettle_heartbeat_age_seconds{cluster=~"$cluster"})`)).tall(12),
			}},
			{"Clocks", []panel{
				states("Synchronised", "As the one says who keeps the clock.", 8, ask("{{instance}}", `fettle_time_synchronised`+here)).good().see("FettleClockNotSynchronised"),
				lines("Off by", "Above 0 the clock is ahead. Absent where nobody measures. Dashed: the threshold of FettleClockWrong, which counts both ways.", "s", 8, ask("{{instance}} {{keeper}}", `fettle_time_offset_seconds`+here)).level(green, limit("clock_offset_seconds", red)).see("FettleClockWrong"),
				lines("At most off by", "What the keeper says is possible.", "s", 8, ask("{{instance}} {{keeper}}", `fettle_time_max_error_seconds`+here)),
				lines("Sources", "All, and those that answer.", "short", 8, ask("{{instance}} {{keeper}}", `fettle_time_sources`+here), ask("{{instance}} {{keeper}} answer", `fettle_time_sources_reachable`+here)),
				lines("Members' clocks", "How far a member's clock is ahead of this machine's, as a question of time to it says. Dashed: the threshold of FettleClocksApart, which counts both ways, and takes off what the question itself took.", "s", 8,
					ask("{{cluster}}/{{member}} from {{instance}}", `fettle_time_peer_offset_seconds{cluster=~"$cluster",instance=~"$instance"}`)).level(green, limit("clock_apart_seconds", red)),
				states("Members' clocks can be asked", "Whether the member answered the question of time.", 8, ask("{{cluster}}/{{member}}", `max by (cluster, member) (fettle_time_peer_reachable{cluster=~"$cluster"})`)).good(),
			}},
			{"Configuration", []panel{
				states("As declared", "Whether a value that the inventory declares is in place. What cannot be read is not.", 12, ask("{{check}} {{cluster}}/{{member}}", `max by (check, cluster, member) (fettle_config_value_ok{cluster=~"$cluster"})`)).good().see("FettleConfigWrong"),
				states("The same everywhere", "Whether a member has the value that most members have.", 12, ask("{{check}} {{cluster}}/{{member}}", `max by (check, cluster, member) (fettle_config_digest_match{cluster=~"$cluster"})`)).good().see("FettleConfigDiffers"),
				list("Values that cannot be read", "Now, with the reason. What cannot be read is not as declared, and is compared with nobody's.", 24,
					`max by (check, cluster, member, reason) (fettle_config_value_unread{cluster=~"$cluster"}) == 1`, "check", "cluster", "member", "reason").tall(6),
			}},
		},
	}
}
