package mysql

// Member is what one server told: the Detail of its cluster.MemberView. A number that it
// did not tell is nil.
type Member struct {
	Version Version
	// ServerID is server_id; UUID is server_uuid, which MariaDB has not.
	ServerID uint64
	UUID     string
	// ReadOnly and SuperReadOnly are whether it refuses writes; the second those of
	// administrators too, which MariaDB cannot: nil.
	ReadOnly      bool
	SuperReadOnly *bool
	// Uptime is in seconds.
	Uptime, Connections, MaxConnections *float64
	// Written and Applied are GTIDs as the server writes them: those in its binary log, and
	// on a MariaDB replica those that it has replayed.
	Written, Applied string
	// Binlog is nil where no binary log is written, or it may not be asked for.
	Binlog *Binlog
	// Channels are the sources that it follows, 256 at most, in the server's order. Unread
	// counts those beyond: nothing is known of them, so that it does not count as running.
	Channels []Channel
	Unread   int
	// Orphaned tells that it ought to follow somebody, and follows nobody.
	Orphaned bool
	// Errant is how many transactions it has that its source has not; nil: not to be told.
	Errant   *float64
	SemiSync SemiSync
	// Galera and Group are nil where the server is in neither.
	Galera *Galera
	Group  *Group
	// Heartbeat is what it has of the heartbeat table; nil: none is declared, or none is there.
	Heartbeat *Heartbeat
	// Denied are the questions that the user may not ask, and what is missing because of it.
	Denied []string
}

// Channel is one source that a server follows.
type Channel struct {
	// Name is MySQL's channel or MariaDB's connection, as the server tells it; often empty.
	Name string
	// Host, Port, SourceID and SourceUUID are its source as the server knows it.
	Host       string
	Port       uint64
	SourceID   uint64
	SourceUUID string
	// Source is the source's name in the inventory; "" if it is not there.
	Source string
	// Receiver and Applier are the states of the two threads: Yes, No, Connecting, Preparing.
	Receiver, Applier string
	// ReceiverError and ApplierError are the numbers of the last errors, 0: none.
	ReceiverError, ApplierError *float64
	// Behind is Seconds_Behind_Source as the server tells it. It is 0 on a link that is dead
	// and that the server has not yet missed.
	Behind *float64
	// Delay is how long it waits on purpose, Remaining how much of that the next event waits.
	Delay, Remaining *float64
	// RelayLog is in bytes.
	RelayLog *float64
	// Read and Executed are how far it is in its source's binary log.
	Read, Executed Coordinates
	// Received are the GTIDs that it has got; "" without GTIDs.
	Received string
	// Ignored are MariaDB's domains that it leaves out, Only those that it alone takes.
	Ignored, Only []string
	// Heartbeats is how many it has received, Period how often its source sends one into
	// an idle link, in seconds; 0: never.
	Heartbeats, Period *float64
	// Silent is for how long, in seconds, nothing was seen to come over the link.
	Silent float64
	// Alive tells that the link is there, by what it shows and not only by what is said of it.
	Alive bool
	// Unreceived are the transactions that the source has and this has not got; Unapplied
	// those that it has got and not replayed; Missing are both, against the source itself.
	Unreceived, Unapplied, Missing *float64
	// UnreadBytes and UnappliedBytes are the same in bytes of the source's binary log.
	UnreadBytes, UnappliedBytes *float64
	// Retries is how many transactions were tried again (MariaDB).
	Retries *float64
	// Workers are MySQL's applier threads, Working those that run; Applying is how long
	// ago the oldest transaction under way was committed on the primary, in seconds.
	Workers, Working, Applying *float64
}

// SemiSync is whether commits wait for replicas. nil: the server does not know it.
type SemiSync struct {
	// SourceEnabled and ReplicaEnabled are the settings, SourceOn and ReplicaOn what is done.
	SourceEnabled, ReplicaEnabled, SourceOn, ReplicaOn *bool
	// Replicas take part; Unacknowledged are the commits that nobody acknowledged.
	Replicas, Unacknowledged *float64
}

// Galera is a server's own word on its Galera cluster.
type Galera struct {
	// Primary tells that it is in the component that has a quorum, Ready that it takes
	// questions, Connected that it has peers at all.
	Primary, Ready, Connected bool
	// State is wsrep_local_state: 1 joining, 2 donor, 3 joined, 4 synced.
	State, Size *float64
	// Queue are the write sets that wait to be applied, QueueAverage their mean since the
	// status was flushed. Paused is in seconds, since the start.
	Queue, QueueAverage, Paused *float64
}

// Group is a server's own word on its replication group.
type Group struct {
	// State and Role are its own: ONLINE, RECOVERING, OFFLINE, ERROR; PRIMARY, SECONDARY.
	// State "": it did not tell, and nothing else here is known either.
	State, Role string
	// Primary is the UUID of the group's primary; "" if it sees none, or several.
	Primary string
	// Members are those that it lists, Unreachable those of them that it cannot reach.
	Members, Unreachable int
	// Certifying and Applying wait in its queues.
	Certifying, Applying *float64
}

// Majority tells that more than half of those that it lists are there.
func (g *Group) Majority() bool { return g.Members > 0 && 2*(g.Members-g.Unreachable) > g.Members }
