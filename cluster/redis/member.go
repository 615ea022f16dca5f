package redis

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Member is what one server says of itself: INFO server, replication, persistence,
// clients and memory. What it does not tell is nil.
type Member struct {
	Version string
	Role    cluster.Role
	// ReplID is the replication history that the offsets count in. Offsets of two
	// members can be compared only where they have the same one.
	ReplID string
	// Offset is how much of the history it has: a primary has written so many bytes, a
	// replica has processed so many. nil: a replica that has nothing of it yet.
	Offset *float64
	// Start is when the server started; Loading tells that it still reads its data.
	Start   time.Time
	Loading bool

	Link Link // of a replica
	// Shared tells of a replica whether it has the history of the one reachable primary;
	// nil: there is not exactly one.
	Shared   *bool
	Replicas []Follower // that it names as connected, at most 256
	// Connected is how many it has, named or not.
	Connected int
	// GoodReplicas are those that are near enough for min-replicas-to-write; nil: that is not configured.
	GoodReplicas *float64
	Backlog      Backlog
	Disk         Disk
	Writes       Writes

	Clients, Blocked float64
	MaxClients       *float64 // Redis 7 tells
	// Snapshots tells whether `save` is configured; nil: not asked, or not allowed to ask.
	Snapshots *bool
}

// Link is a replica's connection to what it follows.
type Link struct {
	Source string // the address, host:port, as the replica has it configured
	Up     bool
	// DownFor is for how many seconds it has been down; nil: it is up, or never was.
	DownFor *float64
	// Silent is for how many seconds nothing came over it; nil: it is down.
	Silent *float64
	// Syncing tells that the whole data set is being sent; Left how many bytes of it are still to come.
	Syncing bool
	Left    *float64
	// Received is the offset up to which it has read, Offset beyond which it has not replayed yet (Redis 7).
	Received *float64
	Priority *float64 // 0: it must never be promoted
	ReadOnly bool
}

// Follower is a replica as its source sees it.
type Follower struct {
	Address string // host:port, as the replica announces it
	Name    string // of the inventory; "": not listed there
	Online  bool   // the first copy is done, and changes flow
	// Offset is what it has acknowledged last; nil: nothing yet.
	Offset *float64
	// Acknowledged is how many seconds ago that was.
	Acknowledged float64
}

// Backlog is the newest part of the history, from which a replica can go on after a cut.
type Backlog struct {
	Active             bool
	Size, Length, From float64 // bytes, bytes, offset
}

// Disk is how the data is kept.
type Disk struct {
	AppendOnly bool // every write goes to a file
	// AppendOK tells that the last write to it went well. While it did not, Redis takes no writes.
	AppendOK  bool
	LastSave  time.Time // of the last snapshot; the start where there was none
	Unsaved   float64   // changes since
	SaveOK    bool      // the last attempt went well
	Saving    bool
	Rewriting bool // the append-only file
}

// Sentinel is what one Sentinel says of the cluster.
type Sentinel struct {
	Primary  string // the inventory's name of the one that it holds for the primary; "": not listed
	Address  string // of that
	Epoch    float64
	Quorum   float64 // Sentinels that must agree that the primary is down
	Others   float64 // Sentinels that it knows besides itself
	Replicas float64 // replicas that it knows
	// SubjectivelyDown tells that the primary does not answer this Sentinel, ObjectivelyDown
	// that a quorum of Sentinels says so.
	SubjectivelyDown, ObjectivelyDown, FailingOver bool
	// Usable tells that enough Sentinels are reachable to agree and to authorize a failover.
	Usable bool
	Why    string // what it said where they are not, for people
	// Down are the replicas of the inventory that do not answer this Sentinel.
	Down []string
	down []string // their addresses
}

// Summary is the cluster as a whole.
type Summary struct {
	// Primaries counts the reachable members that say they are one.
	Primaries int
	// Agreed tells that there is one primary among the reachable members, and that more than
	// half of the declared Sentinels name it. Without Sentinels: that there is one.
	Agreed bool
	// Disagree tells that reachable Sentinels name different primaries.
	Disagree bool
}
