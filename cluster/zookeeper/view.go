package zookeeper

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Member is what a server says beyond a View. A pointer that is nil was not told.
type Member struct {
	Mode  string // leader, follower, observer, standalone, read-only; "": it serves nobody now
	Epoch uint64 // the epoch of the last transaction that it has
	// Counter is that transaction's number within the epoch.
	Counter uint64

	Outstanding, Znodes, Watches, Connections, DataSize *uint64
	OpenFiles, MaxFiles                                 *uint64
	// Synced counts the followers that keep up; of a leader alone.
	Synced *uint64
}

// Serving tells that it takes writes of clients, and so is in a quorum, or alone by design.
func (m *Member) Serving() bool { return m.Mode != "" && m.Mode != readOnly }

// readOnly is the mode of a server that is cut off and still lets clients read what it
// has (readonlymode.enabled).
const readOnly = "read-only"

// assemble makes a View of the looks, which stand in inventory order. A member's ID is
// its name in the inventory: servers do not tell theirs. observers are those that were
// observers when they answered last: down, such a server is no voter that is down.
func assemble(c cluster.Cluster, looks []look, observers map[string]bool) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	leader := leaderOf(c, looks)
	for i, m := range c.Members {
		mv, l := cluster.MemberView{Name: m.Name, ID: m.Name, Learner: observers[m.Name]}, looks[i]
		if !l.answered {
			line.Blame(&mv, l.err)
			v.Members = append(v.Members, mv)
			continue
		}
		mv.Reachable, mv.Version = true, l.version
		if l.mode != "" {
			mv.Learner = l.mode == "observer"
		}
		switch l.mode {
		case "leader", "standalone":
			mv.Leader = m.Name // whether it does or not
		case "follower", "observer":
			mv.Leader = leader
		default: // it follows nobody, and read-only, if at all, serves what it has
		}
		mv.Detail = detail(l)
		v.Members = append(v.Members, mv)
	}
	follow(&v)
	return v
}

// leaderOf is the name of the server that leads: of two that say so, as one may that
// was just cut off, the one with the newer transaction. "": none.
func leaderOf(c cluster.Cluster, looks []look) string {
	name, zxid := "", uint64(0)
	for i, l := range looks {
		if (l.mode == "leader" || l.mode == "standalone") && (name == "" || l.zxid > zxid) {
			name, zxid = c.Members[i].Name, l.zxid
		}
	}
	return name
}

func detail(l look) *Member {
	m := &Member{Mode: l.mode, Epoch: l.zxid >> 32, Counter: l.zxid & 0xffffffff}
	for key, into := range map[string]**uint64{
		"zk_outstanding_requests": &m.Outstanding, "zk_znode_count": &m.Znodes, "zk_watch_count": &m.Watches,
		"zk_num_alive_connections": &m.Connections, "zk_approximate_data_size": &m.DataSize,
		"zk_open_file_descriptor_count": &m.OpenFiles, "zk_max_file_descriptor_count": &m.MaxFiles, "zk_synced_followers": &m.Synced,
	} {
		if n, ok := l.counts[key]; ok {
			*into = &n
		}
	}
	return m
}

// follow fills in each member's Sync. Transactions are counted anew in each epoch, so a
// member whose last one is of another epoch than the leader's has no lag that could be
// told.
func follow(v *cluster.View) {
	leader, led := v.Leader()
	head, _ := leader.Detail.(*Member)
	for i, m := range v.Members {
		s := &cluster.Sync{Up: m.Reachable}
		v.Members[i].Sync = s
		d, ok := m.Detail.(*Member)
		if !ok || !d.Serving() {
			continue
		}
		s.Running = led && m.Leader == leader.ID
		s.Role = cluster.Replica
		if m.Leader == m.Name {
			s.Role = cluster.Primary // of two, one was cut off, and does not run
			continue
		}
		if !led || head == nil {
			continue
		}
		s.Source = leader.Name
		if d.Epoch == head.Epoch {
			behind := 0.0
			if head.Counter > d.Counter {
				behind = float64(head.Counter - d.Counter)
			}
			s.Entries = &behind
		}
	}
}
