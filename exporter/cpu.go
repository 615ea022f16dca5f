package exporter

type cpuCollector struct {
	host             Host
	seconds, guest   *Metric
	switches, forks  *Metric
	running, blocked *Metric
	source           cpuSource
}

func newCPU(h Host) Collector {
	return &cpuCollector{
		host:     h,
		source:   newCPUSource(h),
		seconds:  counter("fettle_node_cpu_seconds_total", "Time that the CPU spent in the mode. Time of guests is part of user and nice.", "cpu", "mode"),
		guest:    counter("fettle_node_cpu_guest_seconds_total", "Time that the CPU spent for guests, which is part of user and nice already.", "cpu", "mode"),
		switches: counter("fettle_node_context_switches_total", "Context switches."),
		forks:    counter("fettle_node_forks_total", "Processes and threads that were started."),
		running:  gauge("fettle_node_processes_running", "Threads that run or want to run."),
		blocked:  gauge("fettle_node_processes_blocked", "Threads that wait for a disk."),
	}
}

func (c *cpuCollector) Metrics() []*Metric {
	return []*Metric{c.seconds, c.guest, c.switches, c.forks, c.running, c.blocked}
}
