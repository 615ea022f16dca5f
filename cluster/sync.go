package cluster

import "slices"

// Role is what a member is to its replicas.
type Role string

const (
	// Primary takes the writes.
	Primary Role = "primary"
	// Replica follows a primary, or another replica.
	Replica Role = "replica"
	// Arbiter has a vote and no data.
	Arbiter Role = "arbiter"
)

// Sync is how a member follows its source. What could not be read is nil, never 0.
type Sync struct {
	// Role is what the member says that it is; "" if it could not be asked.
	Role Role `json:"role,omitempty"`
	// Up tells that it could be asked how far it is.
	Up bool `json:"up"`
	// Running tells that the link to its source is there and everything that has to
	// replay does. Of a primary: that it takes writes. A link that is silent for
	// longer than its heartbeats allow is not running, whatever the member says.
	Running bool `json:"running"`
	// Source is the inventory's name of what it follows; "": none, or not listed.
	Source string `json:"source,omitempty"`
	// Seconds, Bytes and Entries are how far it is behind, in what its system counts.
	// They are never told of a primary that follows nobody, and never where one end
	// could not be asked.
	Seconds *float64 `json:"seconds,omitempty"`
	Bytes   *float64 `json:"bytes,omitempty"`
	Entries *float64 `json:"entries,omitempty"`
}

// Follow fills in the Sync of a Raft cluster's members, from their terms and indexes.
// A member that names an old leader, or itself alone, is not running. A leader is
// behind nothing: 0 entries.
func (v *View) Follow() {
	leader, led := v.Leader()
	for i, m := range v.Members {
		s := &Sync{Up: m.Reachable, Running: led && follows(m, leader)}
		switch {
		case led && m.Name == leader.Name && m.Name != "":
			s.Role = Primary
		case m.Reachable:
			s.Role = Replica
		}
		if led && s.Role == Replica {
			s.Source = leader.Name
		}
		if led && leader.Reachable && m.Reachable {
			n := behind(m, leader)
			s.Entries = &n
		}
		v.Members[i].Sync = s
	}
}

// follows tells that m is in the leader's term and names it: a cut-off member
// that still names an old leader, or itself, does not.
func follows(m, leader MemberView) bool {
	return m.Reachable && m.Leader == leader.ID && m.Term >= leader.Term && !slices.Contains(m.Alarms, "CORRUPT")
}

// behind is never negative: a member that was asked after its leader may have
// applied more than the leader had committed then.
func behind(m, leader MemberView) float64 {
	if m.Applied >= leader.Commit {
		return 0
	}
	return float64(leader.Commit - m.Applied)
}
