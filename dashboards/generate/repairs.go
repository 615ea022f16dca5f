package main

// repairs answers: what does fettle do now, what did it do, what did it not dare, and how
// long did it take?
func repairs() board {
	stage := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le, stage) (rate(fettle_run_stage_duration_seconds_bucket[$__rate_interval])))`
	}
	return board{
		file: "repairs.json", uid: "fettle-repairs", title: "Repairs",
		about: "Runs and what became of them, refusals, times, the journal",
		page:  "/repairs",
		rows: []row{
			{"Now", []panel{
				one("Runs under way", "Runs that have begun and not ended.", 3, ask("runs", `sum(fettle_run_live)`)).level(blue, at(1, yellow)).opens("/repairs#live"),
				one("Something to take back", "Ended runs of which something is still to be undone.", 3, ask("runs", `sum(fettle_run_owed)`)).level(green, at(1, orange)).opens("/repairs#owed"),
				one("Open episodes", "Alerts that fettle has taken up and not closed yet, by playbook.", 4, ask("{{playbook}}", `sum by (playbook) (fettle_episodes_open)`)).level(green, at(1, yellow)).opens("/episodes"),
				one("Approvals waited for", "Repairs that wait until a person says yes.", 3, ask("approvals", `sum(fettle_approvals_waiting)`)).level(green, at(1, yellow)).opens("/episodes"),
				one("Circuits open", "Actions on a target whose attempts are used up: a person has to release them.", 3, ask("circuits", `sum(fettle_circuits_open)`)).level(green, at(1, red)).opens("/episodes"),
				one("People are told", "Clusters that are handed over to people now, by reason.", 4, ask("{{reason}}", `sum by (reason) (fettle_escalation_firing)`)).level(green, at(1, red)).see("FettleRunEscalated").opens("/episodes"),
				one("Paused for", "How long the longest pause has lasted. Red: the threshold of FettlePausedTooLong. Empty while nothing is paused.", 4,
					ask("longest pause", `max(time() - fettle_pause_start_timestamp_seconds{cluster=~"$cluster|"})`)).in("s").level(orange, limit("pause_seconds", red)).see("FettlePausedTooLong").opens("/#pauses"),
			}},
			{"Timeline", []panel{
				lines("Under way", "Runs under way, and episodes that are open.", "short", 12, ask("runs", `sum(fettle_run_live)`), ask("episodes", `sum(fettle_episodes_open)`)).opens("/repairs#live"),
				lines("Runs that ended", "By outcome. repaired: shown by two looks. blocked: not dared. unknown: fettle cannot tell.", "short", 12,
					ask("{{outcome}}", `sum by (outcome) (increase(fettle_run_outcomes_total[$__rate_interval]))`)).asBars().opens("/repairs#outcomes"),
				states("Pauses", "Where repairs were paused. Faults are received and not repaired.", 12,
					ask("{{cluster}}", `label_replace(max by (cluster) (fettle_paused{cluster=~"$cluster|"}), "cluster", "everywhere", "cluster", "")`)).
					level(green, at(1, orange)).say(map[string]word{"0": {"no", green}, "1": {"paused", orange}}).see("FettlePausedTooLong").opens("/#pauses"),
				list("Outcomes by playbook", "Runs that ended in the time shown.", 12, `sort_desc(sum by (playbook, outcome) (increase(fettle_run_outcomes_total[$__range])) > 0)`,
					"playbook", "outcome", "Value").call(map[string]string{"Value": "runs"}).in("short").opens("/repairs#outcomes"),
			}},
			{"Where the time goes", []panel{
				lines("Before it fires: rules late by", "How late the rules are evaluated that make alerts, by the slowest group. With the intervals of the scrape and of the group, and what the alert waits for, it is the time from a fault until its alert begins. Dashed: the threshold of FettleDetectionLate. Where Prometheus scrapes itself.", "s", 8,
					ask("{{instance}}", `max by (instance) (timestamp(prometheus_rule_group_last_evaluation_timestamp_seconds{rule_group=~".*;fettle.*"}) - prometheus_rule_group_last_evaluation_timestamp_seconds{rule_group=~".*;fettle.*"} - on (instance, rule_group) prometheus_rule_group_interval_seconds)`)).level(green, limit("detection_seconds", red)),
				shares("Mean time of a stage", "Of the runs in the time shown. detect: from the alert's beginning until it came in. respond: from then to the first intent, where nothing was refused before. decide: the run's part of that. act: from an intent until its action answered. verify: until it was seen done. settle: until it had stayed so. clear: from when it was seen done until the alert ended.", "s",
					ask("{{stage}}", `sum by (stage) (increase(fettle_run_stage_duration_seconds_sum[$__range])) / (sum by (stage) (increase(fettle_run_stage_duration_seconds_count[$__range])) > 0)`)).level(blue),
				lines("Stages: median", "Half of the runs pass the stage within this time.", "s", 8, ask("{{stage}}", stage("0.5"))),
				lines("Stages: 95th percentile", "Nineteen of twenty runs pass the stage within this time.", "s", 8, ask("{{stage}}", stage("0.95"))),
				shares("Restored within the tier's deadline", "Share of the repaired targets in the time shown that were in order again within P0 60 s, P1 5 min, P2 30 min of the alert. What was not repaired is not in it: see the escalations for deadline.", "percentunit",
					ask("{{tier}}", `sum by (tier) (increase(fettle_run_restore_duration_seconds_bucket{cluster=~"$cluster",tier="P0",le=~"60(\\.0)?"}[$__range]) or increase(fettle_run_restore_duration_seconds_bucket{cluster=~"$cluster",tier="P1",le=~"300(\\.0)?"}[$__range]) or increase(fettle_run_restore_duration_seconds_bucket{cluster=~"$cluster",tier="P2",le=~"1800(\\.0)?"}[$__range])) / (sum by (tier) (increase(fettle_run_restore_duration_seconds_count{cluster=~"$cluster"}[$__range])) > 0)`)).whole().level(red, at(1, green)),
				lines("Time to restore: median", "From the alert until its target was seen in order again, of runs that repaired it.", "s", 8,
					ask("{{cluster}} {{tier}}", `histogram_quantile(0.5, sum by (le, cluster, tier) (rate(fettle_run_restore_duration_seconds_bucket{cluster=~"$cluster"}[$__rate_interval])))`)),
				shares("Mean time to restore", "In the time shown, of runs that repaired their target.", "s",
					ask("{{cluster}} {{tier}}", `sum by (cluster, tier) (increase(fettle_run_restore_duration_seconds_sum{cluster=~"$cluster"}[$__range])) / (sum by (cluster, tier) (increase(fettle_run_restore_duration_seconds_count{cluster=~"$cluster"}[$__range])) > 0)`)).level(blue).see("FettleRestoreSlow"),
			}},
			{"Refused and handed over", []panel{
				lines("Refusals", "What the guards refused, by guard and reason. `fettle explain` says what they saw.", "short", 8, ask("{{guard}}: {{reason}}", `sum by (guard, reason) (increase(fettle_guard_refusals_total[$__rate_interval]))`)).asBars().opens("/repairs#refusals"),
				list("Refusals by reason", "In the time shown.", 8, `sort_desc(sum by (guard, reason) (increase(fettle_guard_refusals_total[$__range])) > 0)`, "guard", "reason", "Value").call(map[string]string{"Value": "refusals"}).in("short").opens("/repairs#refusals"),
				lines("Escalations", "What fettle began to hand over to people, by reason. deadline: a repair took too long.", "short", 8, ask("{{reason}}", `sum by (reason) (increase(fettle_run_escalations_total[$__rate_interval]))`)).asBars().see("FettleRunEscalated"),
				list("Repeat offenders", "How often an alert with a playbook fired again in the time shown, by member. A member that is repaired again and again is not repaired.", 12,
					`sort_desc(sum by (alertname, cluster, member) (1 + changes(ALERTS_FOR_STATE{alertname=~"Fettle.*",cluster=~"$cluster",member!=""}[$__range])))`,
					"cluster", "member", "alertname", "Value").call(map[string]string{"Value": "times"}).in("short").opens("/repairs#runs"),
				lines("Since the last failure", "Time since a run last ended failed or unknown. Empty if none did.", "s", 12,
					ask("{{playbook}}: {{outcome}}", `time() - max by (playbook, outcome) (fettle_run_last_outcome_timestamp_seconds{outcome=~"failed|unknown"})`)).see("FettleRunFailed").opens("/repairs#runs"),
			}},
			{"Journal", journal()},
		},
	}
}

// journal are the panels on the record of it all.
func journal() []panel {
	return []panel{
		one("Journal writable", "If not, all repairs stop and Alertmanager gets 503.", 6, ask("{{instance}}", `min by (instance) (fettle_journal_writable)`)).good().see("FettleJournalNotWritable"),
		one("Journal sound", "Whether the last reading of all of it found it whole.", 6, ask("{{instance}}", `min by (instance) (fettle_journal_sound)`)).good(),
		one("Room for it", "Whether there is room on its disk for more than outcomes.", 6, ask("{{instance}}", `min by (instance) (fettle_journal_room)`)).good(),
		one("Since it was last read again", "All of it, without damage.", 6, ask("{{instance}}", `time() - max by (instance) (fettle_journal_last_scrub_timestamp_seconds > 0)`)).in("s").level(green, limit("journal_scrub_seconds", red)),
		lines("Records not yet covered", "Records after the last signed checkpoint: a cut of these could not be proved.", "short", 8, ask("{{instance}}", `fettle_journal_records - fettle_journal_checkpoint_records`)),
		lines("Time to append", "To write and sync a group of records: median and 99th percentile.", "s", 8,
			ask("50%", `histogram_quantile(0.5, sum by (le) (rate(fettle_journal_append_duration_seconds_bucket[$__rate_interval])))`),
			ask("99%", `histogram_quantile(0.99, sum by (le) (rate(fettle_journal_append_duration_seconds_bucket[$__rate_interval])))`)),
		lines("Since checkpoints were handed over", "To every anchor of the kind. Without anchors a journal can be replaced as a whole.", "s", 8,
			ask("{{instance}} {{kind}}", `time() - (fettle_journal_anchor_last_success_timestamp_seconds > 0)`)).see("FettleJournalNotAnchored"),
	}
}
