package cluster

import "time"

// View is what one look saw of a whole cluster: every inventory member, in
// inventory order, whether it answered or not. Reachability here is this
// program's own probe; what other vantage points say is in Sight.
type View struct {
	Cluster string       `json:"cluster"`
	Kind    Kind         `json:"kind,omitempty"` // of the inventory
	ID      string       `json:"id,omitempty"`   // cluster ID, hex, as a reachable member told it
	Members []MemberView `json:"members"`
	// Mismatch is true when reachable members name different memberships.
	Mismatch bool `json:"mismatch,omitempty"`
	// Unlisted are members that the cluster names and the inventory does not.
	Unlisted []string `json:"unlisted,omitempty"`
	// UnlistedLearners counts the learners among them.
	UnlistedLearners int `json:"unlisted_learners,omitempty"`
	// UnlistedAlarms are the alarms raised by members that are not in Members.
	UnlistedAlarms []string `json:"unlisted_alarms,omitempty"`
	// Witnesses were asked about the cluster and are no members of it, such as Redis' Sentinels: each that is declared, in order.
	Witnesses []MemberView `json:"witnesses,omitempty"`
	// Detail is of the cluster as a whole what MemberView.Detail is of a member.
	Detail any `json:"-"`
}

// MemberView is one member in a View. Measured fields are zero where Reachable is
// false; nothing stale is ever carried over.
type MemberView struct {
	Name    string `json:"name"`
	ID      string `json:"id,omitempty"` // hex; from the membership, also for an unreachable member
	Learner bool   `json:"learner,omitempty"`
	// Outside tells that the membership, as a member with a leader has it, does not
	// name this one: it neither votes nor learns.
	Outside   bool `json:"outside,omitempty"`
	Reachable bool `json:"reachable"`
	// Error is why it is not reachable, one of Reasons. Bounded: fit for a label.
	Error string `json:"error,omitempty"`
	// Why says the same to people, with what the member itself said: no secrets, 512 bytes at most.
	Why string `json:"why,omitempty"`
	// Pause is for how long it is not asked again, because it failed again and again; 0: it was asked.
	Pause      time.Duration `json:"pause,omitempty"`
	Leader     string        `json:"leader,omitempty"` // ID of the leader that it names; empty: none
	Term       uint64        `json:"term,omitempty"`
	Commit     uint64        `json:"commit,omitempty"`
	Applied    uint64        `json:"applied,omitempty"`
	Version    string        `json:"version,omitempty"`
	DBSize     int64         `json:"db_size,omitempty"`
	DBInUse    int64         `json:"db_in_use,omitempty"`
	DBQuota    int64         `json:"db_quota,omitempty"` // 0: not told (etcd before 3.6)
	Alarms     []string      `json:"alarms,omitempty"`   // raised by this member, as any member tells: NOSPACE, CORRUPT
	AlarmsRead bool          `json:"alarms_read,omitempty"`
	// Sync is how it follows its source; nil: its system has none to follow, or its driver does not tell.
	Sync *Sync `json:"sync,omitempty"`
	// Detail is what only this system's collector and guards read: a pointer to the driver's own type, nil where nothing was read.
	Detail any `json:"-"`
}

// Member finds one member by name.
func (v View) Member(name string) (MemberView, bool) {
	for _, m := range v.Members {
		if m.Name == name {
			return m, true
		}
	}
	return MemberView{}, false
}

// Voters counts the voters; a member whose role is not known counts as one.
func (v View) Voters() int {
	n := len(v.Unlisted) - v.UnlistedLearners
	for _, m := range v.Members {
		if m.votes() {
			n++
		}
	}
	return n
}

// VotersReachable counts the voters that answered this program.
func (v View) VotersReachable() int {
	n := 0
	for _, m := range v.Members {
		if m.Reachable && m.votes() {
			n++
		}
	}
	return n
}

func (m MemberView) votes() bool { return !m.Learner && !m.Outside }

// Quorum is floor(voters/2)+1.
func (v View) Quorum() int { return v.Voters()/2 + 1 }

// Margin is how many more voters may fail: reachable - quorum. Negative: lost.
func (v View) Margin() int { return v.VotersReachable() - v.Quorum() }

// Leader is the leader that a quorum of reachable voters names in one term, if there
// is one, and that does not itself say otherwise. A cut-off old leader that still calls
// itself one has no quorum, and a cut-off follower whose term has run ahead (etcd
// without pre-vote) takes none away.
func (v View) Leader() (MemberView, bool) {
	type claim struct {
		term uint64
		id   string
	}
	votes := map[claim]int{}
	for _, m := range v.Members {
		if m.Reachable && m.votes() && m.Leader != "" {
			votes[claim{m.Term, m.Leader}]++
		}
	}
	var best claim
	for c, n := range votes {
		if n >= v.Quorum() && c.term >= best.term {
			best = c
		}
	}
	if best.id == "" {
		return MemberView{}, false
	}
	for _, m := range v.Members {
		if m.ID == best.id {
			if m.Reachable && m.Leader != m.ID {
				return MemberView{}, false
			}
			return m, true
		}
	}
	return MemberView{ID: best.id, Leader: best.id, Term: best.term}, true // the inventory does not list it: nothing else is known of it
}

// LeadersSeen counts the distinct leaders named at the highest term in which one is.
func (v View) LeadersSeen() int {
	term, named := uint64(0), map[string]bool{}
	for _, m := range v.Members {
		if !m.Reachable || m.Leader == "" || m.Term < term {
			continue
		}
		if m.Term > term {
			clear(named)
		}
		term = m.Term
		named[m.Leader] = true
	}
	return len(named)
}
