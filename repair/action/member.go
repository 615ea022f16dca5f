package action

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

const memberSchema = "member/1"

// Member is what a look saw of one etcd member: schema member/1. Indexes and
// terms are 0, and IDs empty, where they could not be had.
type Member struct {
	Service cluster.Service `json:"service"`
	// WantID is the ID that the membership, else an earlier look, else the inventory
	// names; ID is what the member itself says.
	WantID    string `json:"want_id,omitempty"`
	ID        string `json:"id,omitempty"`
	ClusterID string `json:"cluster_id,omitempty"`
	Reachable bool   `json:"reachable"`       // its Status was answered
	Error     string `json:"error,omitempty"` // why not: refused, timeout, tls, auth, other
	Leader    string `json:"leader,omitempty"`
	Term      uint64 `json:"term,omitempty"`
	Commit    uint64 `json:"commit,omitempty"`
	Applied   uint64 `json:"applied,omitempty"`
	// Serializable and Linearizable: such a read through it was answered.
	Serializable bool `json:"serializable,omitempty"`
	Linearizable bool `json:"linearizable,omitempty"`
	// ClusterLeader is the leader that a quorum names, and LeaderCommit its commit
	// index, asked before the member was: the leader's own word, or the highest that
	// a reachable member of its term tells.
	ClusterLeader string `json:"cluster_leader,omitempty"`
	LeaderCommit  uint64 `json:"leader_commit,omitempty"`
	// PeerPort: it answers /members with the expected cluster; PeerError says why not.
	PeerPort  bool   `json:"peer_port,omitempty"`
	PeerError string `json:"peer_error,omitempty"`
	// Hung by rule 14, all of it.
	Hung bool `json:"hung,omitempty"`
}

// inOrder tells that the member serves: as itself, with a leader, caught up with it
// but for lag entries, and reads through it are answered.
func (m Member) inOrder(lag uint64) bool {
	return m.Reachable && m.ID != "" && m.ID == m.WantID &&
		m.Leader != "" && m.Leader == m.ClusterLeader &&
		m.LeaderCommit > 0 && m.Applied+lag >= m.LeaderCommit &&
		m.Serializable && m.Linearizable
}

// anew tells that another process runs than before, if one ran then.
func (m Member) anew(before Member) bool {
	return before.Service.Identity == "" || m.Service.Identity != "" && m.Service.Identity != before.Service.Identity
}

// says is one line for people.
func (m Member) says(name string) string {
	switch {
	case m.Reachable && m.Leader == "":
		return fmt.Sprintf("%s answers, and sees no leader", name)
	case m.Reachable:
		reads := "serves reads"
		if !m.Linearizable || !m.Serializable {
			reads = "does not serve reads"
		}
		return fmt.Sprintf("%s is member %s, %s, applied %d of %d", name, m.ID, reads, m.Applied, m.LeaderCommit)
	case m.Hung:
		return fmt.Sprintf("%s is hung: its process %s runs, and nothing is heard of it", name, m.Service.Identity)
	}
	state := string(m.Service.State)
	if m.Service.Purpose != "" {
		state += " (" + m.Service.Purpose + ")"
	}
	if m.Service.Age > 0 {
		state += " for " + m.Service.Age.Round(time.Millisecond).String()
	}
	if m.PeerPort {
		return fmt.Sprintf("%s is %s, and answers its peers but no client: it waits for a quorum", name, state)
	}
	return fmt.Sprintf("%s is %s, and does not answer (%s)", name, state, m.Error)
}

func (m Member) observation(name string) (repair.Observation, error) {
	return repair.Observed(memberSchema, m.says(name), m)
}
