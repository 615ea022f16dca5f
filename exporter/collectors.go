package exporter

import "runtime"

// Entry is one collector in the table.
type Entry struct {
	Name    string // the label `collector`, the flag --collector.NAME, the page docs/collectors/NAME.md
	Help    string // what it reads, for people
	Default bool   // enabled unless told otherwise
	New     func(h Host) Collector
}

// Collectors is the table of all collectors, in the order in which they are shown.
func Collectors() []Entry {
	linux := runtime.GOOS == "linux"
	table := []Entry{
		{Name: "cpu", Help: "time that each CPU spent in each mode", Default: true, New: newCPU},
		{Name: "memory", Help: "memory and swap in use", Default: true, New: newMemory},
		{Name: "load", Help: "load averages", Default: true, New: newLoad},
		{Name: "disk", Help: "I/O of each block device", Default: true, New: newDisk},
		{Name: "filesystem", Help: "space and inodes of each mounted file system", Default: true, New: newFilesystem},
		{Name: "network", Help: "traffic, errors and drops of each network device", Default: true, New: newNetwork},
		{Name: "sockets", Help: "sockets in use, and the memory that they take", Default: true, New: newSockets},
		{Name: "softnet", Help: "packets that each CPU took from the network, and dropped", Default: true, New: newSoftnet},
		{Name: "pressure", Help: "time in which processes waited for CPU, memory and disks", Default: true, New: newPressure},
		{Name: "vm", Help: "page faults, swapping, reclaim and processes killed for want of memory", Default: true, New: newVM},
		{Name: "fragmentation", Help: "free memory by the size of its pieces", New: newFragmentation},
		{Name: "descriptors", Help: "open files of the machine", Default: true, New: newDescriptors},
		{Name: "conntrack", Help: "connections that the kernel tracks", Default: true, New: newConntrack},
		{Name: "process", Help: "processes by state, and threads", New: newProcess},
		{Name: "boot", Help: "when the machine booted", Default: true, New: newBoot},
		{Name: "kernel", Help: "which kernel and system runs, and what went wrong inside the kernel", Default: true, New: newKernel},
		{Name: "hardware", Help: "software RAID, bonds, NVMe, memory errors, temperatures and energy", Default: true, New: newHardware},
		{Name: "time", Help: "how well the clock is kept: chrony, ntpd, systemd-timesyncd, the kernel and PTP clocks", Default: linux, New: newTime},
		{Name: "clock", Help: "how far the clocks of the members' machines are apart", Default: true, New: newClock},
		{Name: "unit", Help: "state, restarts, start and memory of each systemd unit (or Windows service), and when its timers elapse", Default: true, New: newUnit},
		{Name: "textfile", Help: "metrics that others write into files", Default: true, New: newTextfile},
		{Name: "member", Help: "which members of the inventory's clusters answer, and why the others do not", Default: true, New: newMember},
		{Name: "raft", Help: "quorum, leader, indexes, database size and alarms of each Raft cluster", Default: true, New: newRaft},
		{Name: "sync", Help: "how far each member is behind the one that it follows", Default: true, New: newSync},
		{Name: "probe", Help: "what is asked from outside: ICMP, TCP, HTTP, gRPC health and DNS, and certificates", Default: true, New: newProbe},
		{Name: "heartbeat", Help: "how long ago each other member's network, application and data were seen alive from this machine", Default: true, New: newHeartbeat},
		{Name: "consul", Help: "what each Consul server says of itself, and its leader of all", Default: true, New: newConsul},
		{Name: "nats", Help: "the meta group and the streams of each NATS cluster with JetStream", Default: true, New: newNATS},
		{Name: "zookeeper", Help: "quorum, leader and transactions of each ZooKeeper ensemble", Default: true, New: newZooKeeper},
		{Name: "haproxy", Help: "which servers of each HAProxy backend take traffic, are down, or were taken out", Default: true, New: newHAProxy},
		{Name: "nginx", Help: "what the connections of each nginx do", Default: true, New: newNginx},
		{Name: "keepalived", Help: "state of each VRRP instance, and which virtual addresses this machine really holds", Default: true, New: newKeepalived},
		{Name: "pacemaker", Help: "quorum, nodes and resources of each Corosync and Pacemaker cluster, as each node sees them", Default: true, New: newPacemaker},
		{Name: "gluster", Help: "servers and bricks of each GlusterFS pool, and what waits to be healed", Default: true, New: newGluster},
		{Name: "mysql", Help: "replication, semi-synchrony, groups and Galera of each MariaDB or MySQL server", Default: true, New: newMySQL},
		{Name: "postgres", Help: "replication, slots, subscriptions, archiving and sessions of each PostgreSQL server", Default: true, New: newPostgres},
		{Name: "redis", Help: "replication, persistence and clients of each Redis or Valkey server, and what its Sentinels say", Default: true, New: newRedis},
		{Name: "mongodb", Help: "state, elections, oplog and peers of each member of a MongoDB replica set", Default: true, New: newMongoDB},
		{Name: "kafka", Help: "partitions and brokers of each Kafka cluster, and the lag of the declared consumer groups", Default: true, New: newKafka},
		{Name: "config", Help: "values of the configuration: whether they are as declared, and the same on all members", Default: true, New: newConfig},
		{Name: "dependency", Help: "which cluster depends on which, and whether that one is in order", Default: true, New: newDependency},
		{Name: "backup", Help: "age, size, retention and last verified restore of each declared backup", Default: true, New: newBackup},
		{Name: "tree", Help: "what can be compared of file trees and their copies", Default: true, New: newTree},
	}
	for i := range table {
		table[i].Default = table[i].Default && table[i].reads(runtime.GOOS)
	}
	return table
}
