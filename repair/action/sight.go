package action

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// member is the observation of the scene's target.
func (s scene) member(d *etcd.Driver) Member {
	p := s.parts[0]
	m := Member{
		Service:   p.service,
		WantID:    wantID(expect(d, s.view, p.target.Member)),
		Reachable: p.view.Reachable && p.health.ID != "",
		Error:     p.view.Error,
		Hung:      p.hung,
	}
	if leader, ok := s.view.Leader(); ok {
		m.ClusterLeader, m.LeaderCommit = leader.ID, leaderCommit(s.view, leader)
	}
	if m.Reachable {
		h := p.health
		m.ID, m.ClusterID, m.Leader, m.Term = h.ID, h.ClusterID, h.Leader, h.Term
		m.Commit, m.Applied = h.Commit, h.Applied
		m.Serializable, m.Linearizable = h.Serializable, h.Linearizable
		return m
	}
	if m.Error == "" {
		m.Error = "other" // it answered the first question and not the next
	}
	if !p.service.Gone() {
		m.PeerPort = p.peerErr == nil && !p.view.Reachable
		if p.peerErr != nil {
			m.PeerError = p.peerErr.Error()
		}
	}
	return m
}

// wantID is the last of the IDs expected: the pinned one, if there is one.
func wantID(want expected) string {
	if len(want.ids) == 0 {
		return ""
	}
	return want.ids[len(want.ids)-1]
}

// leaderCommit is the leader's commit index in its own words, or, where this
// program cannot reach it, the highest that a reachable member tells.
func leaderCommit(v cluster.View, leader cluster.MemberView) uint64 {
	commit := leader.Commit
	if leader.Reachable {
		return commit
	}
	for _, m := range v.Members {
		if m.Reachable && m.Leader == leader.ID {
			commit = max(commit, m.Commit)
		}
	}
	return commit
}

func (s scene) sights() []cluster.Sight {
	list := make([]cluster.Sight, len(s.parts))
	for i, p := range s.parts {
		list[i] = p.sight()
	}
	return list
}

func (p part) sight() cluster.Sight {
	runs := p.service.State == cluster.ServiceRunning || p.service.State == cluster.ServiceStarting
	return cluster.Sight{
		Member:           p.target.Member.Name,
		Service:          p.service,
		Proof:            p.proof,
		GoneByProbe:      p.goneByProbe(),
		GoneByPrometheus: p.byScrape,
		GoneByPeer:       p.byPeer,
		Alive:            p.view.Reachable || runs && !p.hung,
		Hung:             p.hung,
	}
}

// goneByProbe: for a start, gone means that nothing answers, refused or silent. A
// silent host may be cut off rather than gone, but that is for rule 15 to find, by
// another vantage point that still sees it, and the local proof has the last word:
// a start takes nothing away. What takes something away asks Hung instead, where
// silence must be shown from the member's own host. A member that waits for a
// quorum answers its peers and no client: it is there.
func (p part) goneByProbe() cluster.Answer {
	if p.view.Reachable || p.client || p.peer {
		return cluster.No
	}
	return cluster.Yes
}
