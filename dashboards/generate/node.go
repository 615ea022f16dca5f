package main

// node answers, of each resource: how much of it is used, does work wait for it, does it
// fail? Gregg's USE.
func node() board {
	const of = `{instance=~"$instance"}`
	rate := func(name string) string { return `rate(` + name + of + `[$__rate_interval])` }
	stalled := func(resource string) string {
		return `rate(fettle_node_pressure_waiting_seconds_total{resource="` + resource + `",instance=~"$instance"}[$__rate_interval])`
	}
	device := "{{instance}} {{device}}"
	return board{
		file: "node.json", uid: "fettle-node", title: "Machines",
		about: "Of processors, memory, disks, file systems and network: utilisation, saturation, errors",
		page:  "/#machines",
		rows: []row{
			{"Health", []panel{
				one("Health of machines", "From 0 to 1: processors, memory, network and errors. Absent while one of the four is not known.", 12, ask("{{instance}}", `max by (instance) (instance:health:score`+of+`)`)).level(red, limit("health_poor_score", yellow), limit("health_score", green)),
				states("Parts in order", "1: the part is below its threshold. What vanished within the hour is not in order.", 12, ask("{{instance}} {{part}}", `min by (instance, part) (instance:health_part:bool`+of+`)`)).good().tall(5),
			}},
			{"Processors", []panel{
				lines("Processors used", "Share of the processors' time that was neither idle nor waiting for a disk. Dashed: the threshold of the alert.", "percentunit", 8,
					ask("{{instance}}", `1 - avg by (instance) (sum by (instance, cpu) (rate(fettle_node_cpu_seconds_total{mode=~"idle|iowait",instance=~"$instance"}[$__rate_interval])))`)).whole().level(green, limit("cpu_used_ratio", red)),
				lines("Processors waited for", "Share of the time in which something that could run waited for a processor.", "percentunit", 8, ask("{{instance}}", stalled("cpu"))).see("FettleProcessorPressure"),
				lines("Load", "Threads that run, want to run or wait for a disk, averaged over five minutes.", "short", 8, ask("{{instance}}", `fettle_node_load5`+of)),
				lines("Processors, a quarter of an hour ahead", "What they do now, and as much more as the same quarter of an hour brought a week ago. Absent in the first week. Dashed: the threshold of FettleOverloadAhead.", "percentunit", 24,
					ask("{{instance}}", `max by (instance) (instance:cpu_expected:ratio5m`+of+`)`)).whole().level(green, limit("overload_ratio", red)).tall(6),
			}},
			{"Memory", []panel{
				lines("Memory used", "Share of the memory in use, not counting what the kernel can give back. Dashed: the threshold of FettleMemoryHigh.", "percentunit", 8,
					ask("{{instance}}", `1 - fettle_node_memory_available_bytes`+of+` / fettle_node_memory_total_bytes`+of)).whole().level(green, limit("memory_used_ratio", red)).see("FettleMemoryHigh", "FettleMemoryLeaking"),
				lines("Memory waited for", "Share of the time in which something waited for memory to be reclaimed.", "percentunit", 8, ask("{{instance}}", stalled("memory"))).see("FettleMemoryPressure"),
				lines("Processes killed for memory", "By the kernel, because there was none left.", "short", 8, ask("{{instance}}", `increase(fettle_node_vm_oom_kills_total`+of+`[$__rate_interval])`)).asBars().see("FettleProcessKilledForMemory"),
				lines("Swap", "Bytes in a second, in and out (below 0).", "Bps", 12, ask("{{instance}} in", rate("fettle_node_vm_swapped_in_bytes_total")), ask("{{instance}} out", `-`+rate("fettle_node_vm_swapped_out_bytes_total"))),
				lines("Waits for memory", "How often in a minute a process that asked for memory had to wait until some was reclaimed. Dashed: the threshold of the alert.", "short", 6,
					ask("{{instance}}", `60 * sum by (instance) (rate(fettle_node_vm_allocation_stalls_total`+of+`[$__rate_interval]))`)).level(green, limit("reclaim_per_minute", red)).see("FettleMemoryFragmented"),
				lines("Reclaimed", "Bytes in a second that were made free, by whom.", "Bps", 6, ask("{{instance}} {{by}}", rate("fettle_node_vm_reclaimed_bytes_total"))),
			}},
			{"Disks", []panel{
				lines("Disks busy", "Share of the time in which the disk had something to do. A disk that serves many at a time is not full at 100%. Dashed: the threshold of the alert.", "percentunit", 8, ask(device, rate("fettle_node_disk_io_time_seconds_total"))).whole().level(green, limit("disk_busy_ratio", red)),
				lines("Disks waited for", "Share of the time in which something waited for a disk.", "percentunit", 8, ask("{{instance}}", stalled("io"))).see("FettleDiskPressure"),
				lines("Queue of a disk", "Requests under way, on average.", "short", 8, ask(device, rate("fettle_node_disk_io_time_weighted_seconds_total"))),
				lines("Time of a request", "Mean time of a read, and of a write (below 0).", "s", 12,
					ask(device+" read", rate("fettle_node_disk_read_time_seconds_total")+` / (`+rate("fettle_node_disk_reads_completed_total")+` > 0)`),
					ask(device+" write", `-`+rate("fettle_node_disk_write_time_seconds_total")+` / (`+rate("fettle_node_disk_writes_completed_total")+` > 0)`)),
				lines("Throughput of a disk", "Bytes read, and written (below 0), in a second.", "Bps", 12,
					ask(device+" read", rate("fettle_node_disk_read_bytes_total")), ask(device+" written", `-`+rate("fettle_node_disk_written_bytes_total"))),
			}},
			{"File systems", []panel{
				shares("Space left", "Share of the space that users can still take. Red and orange: the thresholds of FettleFilesystemAlmostFull and FettleFilesystemFilling.", "percentunit",
					ask("{{instance}} {{mountpoint}}", `fettle_node_filesystem_avail_bytes`+of+` / fettle_node_filesystem_size_bytes`+of+` and fettle_node_filesystem_readonly`+of+` == 0`)).
					whole().level(red, limit("filesystem_almost_full_ratio", orange), limit("filesystem_filling_ratio", green)).see("FettleFilesystemAlmostFull", "FettleFilesystemFilling", "FettleFilesystemFullInDays"),
				shares("Inodes left", "Share of the inodes. Without one no file can be made, however much space is left.", "percentunit",
					ask("{{instance}} {{mountpoint}}", `fettle_node_filesystem_files_free`+of+` / (fettle_node_filesystem_files`+of+` > 0)`)).whole().level(red, limit("inodes_left_ratio", blue)).see("FettleInodesRunningOut"),
				states("Cannot be used", "The file system hangs, has an error, or can only be read.", 8,
					ask("{{instance}} {{mountpoint}} hangs", `max by (instance, mountpoint) (fettle_node_filesystem_hung`+of+`)`),
					ask("{{instance}} {{mountpoint}} error", `max by (instance, mountpoint) (fettle_node_filesystem_device_error`+of+`)`)).bad(),
			}},
			{"Network", []panel{
				lines("Traffic", "Bytes received, and sent (below 0), in a second, all devices but the loopback.", "Bps", 8,
					ask("{{instance}} received", `sum by (instance) (rate(fettle_node_network_receive_bytes_total{device!="lo",instance=~"$instance"}[$__rate_interval]))`),
					ask("{{instance}} sent", `-sum by (instance) (rate(fettle_node_network_transmit_bytes_total{device!="lo",instance=~"$instance"}[$__rate_interval]))`)),
				lines("Errors and drops", "Packets in a second.", "pps", 8,
					ask(device+" errors", rate("fettle_node_network_receive_errors_total")+` + `+rate("fettle_node_network_transmit_errors_total")),
					ask(device+" dropped", rate("fettle_node_network_receive_dropped_total")+` + `+rate("fettle_node_network_transmit_dropped_total")),
					ask("{{instance}} dropped before any device's queue was read", `sum by (instance) (rate(fettle_node_softnet_dropped_total`+of+`[$__rate_interval]))`)),
				lines("Connections tracked", "Share of the entries that the kernel has for them. At 100% new connections are dropped. Dashed: the threshold of FettleConntrackAlmostFull.", "percentunit", 8,
					ask("{{instance}}", `fettle_node_conntrack_entries`+of+` / (fettle_node_conntrack_entries_limit`+of+` > 0)`)).whole().level(green, limit("conntrack_ratio", red)).see("FettleConntrackAlmostFull"),
			}},
			{"Kernel and units", []panel{
				lines("File descriptors", "Share of those that the kernel gives out. Dashed: the threshold of the alert.", "percentunit", 8, ask("{{instance}}", `fettle_node_descriptors_allocated`+of+` / (fettle_node_descriptors_limit`+of+` > 0)`)).whole().level(green, limit("descriptors_ratio", red)),
				one("Up for", "Since the machine was started.", 8, ask("{{instance}}", `time() - fettle_node_boot_time_seconds`+of)).in("s").level(blue).tall(8),
				states("Units that failed", "Of those that are told. Empty if none failed.", 8, ask("{{instance}} {{unit}}", `max by (instance, unit) (fettle_unit_state{state="failed",instance=~"$instance"}) > 0`)).bad().see("FettleUnitFailed", "FettleTimerMissed"),
				states("Services run", "Members of kind service on their own machine, as systemd says.", 12, ask("{{cluster}}/{{member}}", `max by (cluster, member) (fettle_unit_member_running{cluster=~"$cluster"})`)).good().see("FettleServiceDown", "FettleServiceUnseen"),
				lines("Restarts of units", "By systemd, because they ended.", "short", 12, ask("{{instance}} {{unit}}", `increase(fettle_unit_restarts_total`+of+`[$__rate_interval])`)).asBars().see("FettleUnitRestarting"),
				lines("Threads", "Share of those that the kernel allows. At 100% nothing new can be started.", "percentunit", 12, ask("{{instance}}", `fettle_node_threads`+of+` / (fettle_node_threads_limit`+of+` > 0)`)).whole().level(green, limit("threads_ratio", red)),
				lines("Sockets that wait", "TCP connections that were closed, and keep their ports for a minute. Dashed: the threshold of FettleSocketsWaiting.", "short", 12,
					ask("{{instance}}", `fettle_node_sockets_tcp{state="time_wait",instance=~"$instance"}`)).level(green, limit("time_wait_sockets", red)),
			}},
		},
		folded: []row{{"Hardware", []panel{
			states("RAID arrays", "An array that is stopped gives nothing.", 8, ask("{{instance}} {{device}}", `max by (instance, device) (fettle_node_raid_active`+of+`)`)).good(),
			lines("Disks missing in arrays", "The next one that goes may take the data with it.", "short", 8, ask("{{instance}} {{device}}", `max by (instance, device) (fettle_node_raid_disks_missing`+of+`)`)).level(green, at(1, red)),
			lines("Links missing in bonds", "Members of a bond that are not up.", "short", 8,
				ask("{{instance}} {{device}}", `max by (instance, device) (fettle_node_bond_members`+of+`) - max by (instance, device) (fettle_node_bond_members_up`+of+`)`)).level(green, at(1, red)),
			lines("Temperature", "Of each sensor.", "celsius", 8, ask("{{instance}} {{chip}} {{device}} {{sensor}} {{label}}", `max by (instance, chip, device, sensor, label) (fettle_node_temperature_celsius`+of+`)`)),
			states("NVMe disks live", "As the kernel's driver says.", 8, ask("{{instance}} {{device}}", `max by (instance, device) (fettle_node_nvme_live`+of+`)`)).good(),
			lines("Memory errors", "Corrected ones are a warning; after an uncorrected one, what was read is wrong.", "short", 8, ask("{{instance}} {{controller}} {{kind}}", `increase(fettle_node_memory_errors_total`+of+`[$__rate_interval])`)).asBars(),
			lines("Faults of the kernel", "Oopses, and processes that hung for two minutes.", "short", 8,
				ask("{{instance}} oopses", `increase(fettle_node_kernel_oopses_total`+of+`[$__rate_interval])`), ask("{{instance}} hung", `increase(fettle_node_hung_tasks_total`+of+`[$__rate_interval])`)).asBars(),
		}}},
	}
}
