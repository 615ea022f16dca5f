package consul

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Member is what a server says beyond a View. A pointer that is nil was not told.
type Member struct {
	// State is Leader, Follower, Candidate or Shutdown, in its own words.
	State string
	// LastContact is how long ago it heard from its leader. Never of a leader.
	LastContact *time.Duration
	LastLog     *uint64 // index of the last entry in its log
	Snapshot    *uint64 // index of its last snapshot
	Pending     *uint64 // entries that wait to be applied
	// ElectionTimeout and HeartbeatTimeout are those of Raft that it runs with; nil: not told.
	ElectionTimeout, HeartbeatTimeout *time.Duration
	// Serf counts the agents that it sees by gossip, by status; nil: not told.
	Serf map[string]int
	// Autopilot is told by the leader alone.
	Autopilot *Autopilot
}

// Autopilot is the leader's word on the health of all, up to 10 s old.
type Autopilot struct {
	Healthy          bool
	FailureTolerance int
	Servers          []Server // those of the inventory
}

// Server is autopilot's word on one server of the inventory.
type Server struct {
	Name        string // the inventory's
	Healthy     bool
	StableSince time.Time // zero: not told
}

// assemble makes a View of the looks, which stand in inventory order. known are the
// server IDs seen before, by inventory name.
func assemble(c cluster.Cluster, looks []look, known map[string]string, now time.Time) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind, Mismatch: mismatch(looks)}
	membership, led := newest(looks)
	matched := map[string]bool{}
	for i, m := range c.Members {
		mv := cluster.MemberView{Name: m.Name, ID: known[m.Name]}
		if s := looks[i].self; s != nil {
			mv.ID = s.Config.NodeID
			mv.Reachable, mv.Version = true, s.Config.Version
			mv.Term, _ = s.number("term")
			mv.Commit, _ = s.number("commit_index")
			mv.Applied, _ = s.number("applied_index")
			mv.Leader = leaderOf(looks[i], membership, looks)
			mv.Detail = detail(looks[i])
		} else {
			line.Blame(&mv, looks[i].err)
		}
		e, listed := find(membership, m, mv.ID)
		if listed {
			mv.ID, mv.Learner = e.ID, !e.Voter
		}
		mv.Outside = led && !listed // as one is that was started empty, and so is another
		matched[mv.ID] = true
		v.Members = append(v.Members, mv)
	}
	for _, e := range membership {
		if !matched[e.ID] {
			v.Unlisted = append(v.Unlisted, e.Node)
			if !e.Voter {
				v.UnlistedLearners++
			}
		}
	}
	autopilot(&v, looks, now)
	v.Follow()
	return v
}

// leaderOf is the ID of the leader that a server names: by the address that it has of
// it, in its own copy of the configuration, else in the newest, else by what the
// servers say of their own addresses, for which nobody needs a right. "": none.
func leaderOf(l look, membership []server, looks []look) string {
	if l.self.leads() {
		return l.self.Config.NodeID
	}
	address := l.self.Stats.Consul["leader_addr"]
	if address == "" {
		return ""
	}
	for _, servers := range [][]server{l.servers, membership} {
		for _, e := range servers {
			if e.Address == address {
				return e.ID
			}
		}
	}
	for _, other := range looks {
		if other.self != nil && other.self.address() == address {
			return other.self.Config.NodeID
		}
	}
	return ""
}

// newest is the configuration of the server that has applied most in the highest term, of
// those that name a leader, if any does: one that is behind may still have an old one, and
// so may one that is cut off, and counts its term up. nil: none was told.
// led tells that it names a leader.
func newest(looks []look) (found []server, led bool) {
	var term, applied uint64
	for _, l := range looks {
		if l.self == nil || l.servers == nil {
			continue
		}
		t, _ := l.self.number("term")
		a, _ := l.self.number("applied_index")
		names := l.self.leads() || l.self.Stats.Consul["leader_addr"] != ""
		if found == nil || names && !led || names == led && (t > term || t == term && a > applied) {
			term, applied, found, led = t, a, l.servers, names
		}
	}
	return found, led
}

// find finds a member of the inventory in the configuration: by its ID if that is
// known, else by its node name, else by its address if only one server has that.
func find(membership []server, m cluster.Member, id string) (server, bool) {
	for _, by := range []func(server) bool{
		func(e server) bool { return id != "" && e.ID == id },
		func(e server) bool { return id == "" && e.Node == m.Name },
		func(e server) bool { return id == "" && hostOf(e.Address) == hostOf(m.Endpoint) },
	} {
		var found []server
		for _, e := range membership {
			if by(e) {
				found = append(found, e)
			}
		}
		if len(found) == 1 {
			return found[0], true
		}
	}
	return server{}, false
}

// hostOf is the host of an address or a URL.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// mismatch tells whether servers of the same term name different configurations.
func mismatch(looks []look) bool {
	named := map[string]string{} // by term
	for _, l := range looks {
		if l.self == nil || l.servers == nil {
			continue
		}
		var ids []string
		for _, e := range l.servers {
			role := "learner"
			if e.Voter {
				role = "voter"
			}
			ids = append(ids, e.ID+" "+role)
		}
		slices.Sort(ids)
		term, mine := l.self.Stats.Raft["term"], strings.Join(ids, ",")
		if other, ok := named[term]; ok && other != mine {
			return true
		}
		named[term] = mine
	}
	return false
}

func detail(l look) *Member {
	m := &Member{
		State:           l.self.Stats.Raft["state"],
		ElectionTimeout: timeout(l.self.DebugConfig.Election), HeartbeatTimeout: timeout(l.self.DebugConfig.Heartbeat),
	}
	if d, ok := l.self.lastContact(); ok {
		m.LastContact = &d
	}
	for key, into := range map[string]**uint64{"last_log_index": &m.LastLog, "last_snapshot_index": &m.Snapshot, "fsm_pending": &m.Pending} {
		if n, ok := l.self.number(key); ok {
			*into = &n
		}
	}
	if l.serf != nil {
		m.Serf = map[string]int{}
		for i, status := range Statuses() {
			for _, n := range l.serf {
				if n.Status == i {
					m.Serf[status]++
				}
			}
		}
	}
	return m
}

// autopilot puts the leader's word on the servers of the inventory into its Detail. Who
// only believes that it leads is not asked: the word of a quorum decides.
func autopilot(v *cluster.View, looks []look, now time.Time) {
	leader, led := v.Leader()
	for i, m := range v.Members {
		h := looks[i].health
		if !led || m.ID != leader.ID || h == nil {
			continue
		}
		a := &Autopilot{Healthy: h.Healthy, FailureTolerance: h.FailureTolerance}
		for _, known := range v.Members {
			for _, s := range h.Servers {
				if known.ID != s.ID {
					continue
				}
				told := Server{Name: known.Name, Healthy: s.Healthy}
				if s.StableSince.Year() > 1 && s.StableSince.Before(now.Add(time.Hour)) {
					told.StableSince = s.StableSince
				}
				a.Servers = append(a.Servers, told)
				break // however often it is named
			}
		}
		m.Detail.(*Member).Autopilot = a
	}
}
