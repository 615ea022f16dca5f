package sim

import (
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair/action"
)

// view is what the members that fettle reaches say of their cluster.
func (w *world) view(r *ring) cluster.View {
	v := cluster.View{Cluster: r.conf.Name, Members: make([]cluster.MemberView, len(r.members))}
	told := false
	for i, m := range r.members {
		mv := cluster.MemberView{Name: m.target.Member.Name, ID: m.id(), Error: "refused"}
		if w.reaches(m) {
			told = true
			mv.Reachable, mv.Error, mv.Version = true, "", "3.5.21"
			mv.Leader, mv.Term = m.names()
			mv.Applied = m.applied()
			mv.Commit = mv.Applied
		}
		v.Members[i] = mv
	}
	if told {
		v.ID = "c0ffee"
	}
	return v
}

// member is action's observation of one member.
func (w *world) member(l *looking, v cluster.View) action.Member {
	u := l.unit
	m := action.Member{Service: l.service, WantID: u.id(), Reachable: w.reaches(u), Hung: w.seenHung(l)}
	if leader, ok := v.Leader(); ok {
		m.ClusterLeader = leader.ID
		for _, mv := range v.Members {
			if mv.Reachable && mv.Leader == leader.ID {
				m.LeaderCommit = max(m.LeaderCommit, mv.Commit)
			}
		}
	}
	if m.Reachable {
		m.ID, m.ClusterID = u.id(), "c0ffee"
		m.Leader, m.Term = u.names()
		m.Applied = u.applied()
		m.Commit = m.Applied
		m.Serializable, m.Linearizable = true, u.sees
		return m
	}
	m.Error = "refused"
	if !l.service.Gone() {
		m.PeerPort = u.alive() && !u.cutProbe && u.host.up
		if !m.PeerPort {
			m.PeerError = "refused"
		}
	}
	return m
}

func (w *world) seenHung(l *looking) bool {
	return w.mayHang(l.unit, l.service) && w.shownHung(l.unit) && l.service.Identity == l.unit.identity()
}

func memberSays(u *unit, m action.Member) string {
	return fmt.Sprintf("%s is %s %s, reachable %v, leader %q, hung %v", u.target.Member.Name, m.Service.State, m.Service.Identity, m.Reachable, m.Leader, m.Hung)
}

// sight is what the vantage points and the local proof say of one member.
func (w *world) sight(u *unit, s cluster.Service, v cluster.View) cluster.Sight {
	reachable := w.reaches(u)
	hung := w.mayHang(u, s) && w.shownHung(u)
	runs := s.State == cluster.ServiceRunning || s.State == cluster.ServiceStarting
	sight := cluster.Sight{
		Member: u.target.Member.Name, Service: s, Hung: hung, Alive: reachable || runs && !hung,
		GoneByProbe: cluster.Yes, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
	}
	if u.alive() && u.host.up && !u.cutProbe { // a port answers
		sight.GoneByProbe = cluster.No
	}
	if reachable {
		sight.Proof = cluster.Proof{Answer: cluster.No, Reason: "process-runs"}
		return sight
	}
	sight.GoneByPrometheus, sight.GoneByPeer = w.prom.tellsGone(u), w.goneByPeers(u, v)
	sight.Proof = w.prove(u, s)
	return sight
}

// goneByPeers asks the other members that fettle reaches and that see a leader.
func (w *world) goneByPeers(u *unit, v cluster.View) cluster.Answer {
	answer := cluster.Unknown
	for i, m := range u.ring.members {
		if m == u || !v.Members[i].Reachable || v.Members[i].Leader == "" {
			continue
		}
		if u.pid != 0 && u.host.up && !u.replaying() && u.ring.linked(m, u) { // a hung one counts as connected for long
			return cluster.No
		}
		answer = cluster.Yes
	}
	return answer
}

// prove is the local proof of rule 13.
func (w *world) prove(u *unit, s cluster.Service) cluster.Proof {
	switch {
	case s.State == cluster.ServiceRunning, s.State == cluster.ServiceStarting, s.State == cluster.ServiceStopping:
		return cluster.Proof{Answer: cluster.No, Reason: "process-runs"}
	case s.State == cluster.ServiceUnknown:
		return cluster.Proof{Answer: cluster.Unknown, Reason: "not-told"}
	case u.data == wiped:
		return cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
	case u.data == others:
		return cluster.Proof{Answer: cluster.No, Reason: "other-member"}
	}
	return cluster.Proof{Answer: cluster.Yes}
}
