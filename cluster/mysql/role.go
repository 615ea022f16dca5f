package mysql

import (
	"slices"

	"github.com/fettle-io/fettle/cluster"
)

// roles say who is primary and who replica, and note who is orphaned. What a server
// follows makes it a replica; read_only alone makes it nothing. One that follows nobody
// is the primary, unless something shows that it ought to follow: then it is a replica
// that has lost its source, which its own answers no longer tell.
func (h *history) roles(c cluster.Cluster, members map[string]*Member) map[string]cluster.Role {
	roles := map[string]cluster.Role{}
	followed := h.followers(members)
	var open []string // follow nobody, and are followed by nobody
	led := false
	for _, im := range c.Members {
		m := members[im.Name]
		switch {
		case m == nil:
		case m.Group != nil && m.Group.State == "": // not to be told
		case m.Group != nil && (m.Group.Role != "" || m.Group.State != "OFFLINE"):
			roles[im.Name] = groupRole(m.Group)
		case m.Galera != nil && len(m.Channels) == 0:
			if m.Galera.Primary {
				roles[im.Name] = cluster.Primary
			}
		case len(m.Channels) > 0:
			roles[im.Name] = cluster.Replica
			if !m.ReadOnly && ring(members, im.Name) {
				roles[im.Name], led = cluster.Primary, true
			}
		case slices.Contains(followed, im.Name):
			roles[im.Name], led = cluster.Primary, true
		default:
			open = append(open, im.Name)
		}
		if m != nil && !slices.Contains(open, im.Name) {
			h.orphaned[im.Name] = false
		}
	}
	for _, name := range open {
		orphan, known := h.judge(members, open, name, led)
		h.orphaned[name] = orphan
		switch {
		case orphan:
			roles[name] = cluster.Replica
		case known:
			roles[name] = cluster.Primary
		}
	}
	return roles
}

// followers are those that somebody follows, or followed when it answered last; and h
// notes them.
func (h *history) followers(members map[string]*Member) []string {
	for name, m := range members {
		var sources []string
		for _, c := range m.Channels {
			if c.Source != "" {
				sources = append(sources, c.Source)
			}
		}
		if len(sources) > 0 {
			h.followed[name] = sources
		}
	}
	var all []string
	for name, sources := range h.followed {
		if m := members[name]; m == nil || len(m.Channels) > 0 {
			all = append(all, sources...)
		}
	}
	return all
}

// judge tells of one that follows nobody whether it ought to. known is false where
// several take writes and nothing shows which of them leads.
func (h *history) judge(members map[string]*Member, open []string, name string, led bool) (orphan, known bool) {
	m := members[name]
	if m.ReadOnly || led {
		return true, true
	}
	if sources := h.followed[name]; len(sources) > 0 {
		x := members[sources[0]]
		if x == nil { // it may have been promoted: what was judged while its source answered holds
			return h.orphaned[name], true
		}
		if slices.Contains(open, sources[0]) && !x.ReadOnly {
			return true, true
		}
		return false, true
	}
	known = true
	for _, other := range open {
		x := members[other]
		if other == name || x.ReadOnly || slices.Contains(h.followed[other], name) {
			continue
		}
		switch {
		case copies(m, x):
			return true, true
		case !copies(x, m):
			known = false
		}
	}
	return false, known
}

// copies tells that the last that m replayed was written by x, and not the other way
// round: MariaDB keeps the position when its replication is reset, and the sets of MySQL
// name who wrote what.
func copies(m, x *Member) bool {
	if m.Version.Flavor != x.Version.Flavor {
		return false
	}
	if m.Version.Flavor == MySQL {
		return m.UUID != "" && x.UUID != "" && holds(m, x.UUID) && !holds(x, m.UUID)
	}
	mine, err := parsePosition(m.Applied)
	if err != nil {
		return false
	}
	theirs, err := parsePosition(x.Applied)
	if err != nil {
		return false
	}
	for domain, e := range mine {
		if e.server == x.ServerID && e.server != 0 && (theirs[domain].server != m.ServerID || theirs[domain].sequence < e.sequence) {
			return true
		}
	}
	return false
}

// holds tells that m has transactions of the server with the UUID.
func holds(m *Member, uuid string) bool {
	set, err := parseGTIDs(MySQL, m.Written)
	return err == nil && len(set[uuid]) > 0
}

// ring tells that a member follows itself, over others.
func ring(members map[string]*Member, name string) bool {
	at := name
	for range len(members) {
		m := members[at]
		if m == nil || len(m.Channels) == 0 {
			return false
		}
		if at = m.Channels[0].Source; at == name {
			return true
		}
	}
	return false
}

func groupRole(g *Group) cluster.Role {
	switch g.Role {
	case "PRIMARY":
		return cluster.Primary
	case "SECONDARY":
		return cluster.Replica
	}
	return ""
}

// follow makes the Sync of a member that answered.
func (h *history) follow(c cluster.Cluster, members map[string]*Member, name string, role cluster.Role) *cluster.Sync {
	m := members[name]
	s := &cluster.Sync{Role: role, Up: true}
	switch {
	case m.Group != nil && role != "":
		h.followGroup(c, members, m, s)
	case m.Galera != nil && len(m.Channels) == 0:
		s.Running = m.Galera.Primary && m.Galera.Ready && !m.ReadOnly
	default:
		s.Running = !m.Orphaned && role != "" && (role == cluster.Replica || !m.ReadOnly) && m.Unread == 0
		for i, channel := range m.Channels {
			s.Running = s.Running && channel.Alive && channel.applies()
			if i == 0 {
				s.Source = channel.Source
			}
		}
	}
	if role == cluster.Replica && len(m.Channels) > 0 {
		h.lags(members, name, s)
	}
	return s
}

// lags sums up the channels: all of them must be known.
func (h *history) lags(members map[string]*Member, name string, s *cluster.Sync) {
	var seconds, bytes, entries float64
	if members[name].Unread > 0 {
		return // one of those may be behind by more
	}
	s.Seconds, s.Bytes, s.Entries = &seconds, &bytes, &entries
	for _, c := range members[name].Channels {
		if lag := h.seconds(members, name, c); lag == nil {
			s.Seconds = nil
		} else {
			seconds = max(seconds, *lag)
		}
		var behind *float64
		if source := members[c.Source]; source != nil {
			behind = source.Binlog.bytesTo(c.Executed)
		}
		if behind == nil {
			s.Bytes = nil
		} else {
			bytes += *behind
		}
		if c.Missing == nil {
			s.Entries = nil
		} else {
			entries += *c.Missing
		}
	}
}

// followGroup is the Sync of a member of a replication group: it runs while the group
// says so and has a majority of those that it lists.
func (h *history) followGroup(c cluster.Cluster, members map[string]*Member, m *Member, s *cluster.Sync) {
	s.Running = m.Group.State == "ONLINE" && m.Group.Majority()
	if s.Role == cluster.Primary {
		s.Running = s.Running && !m.ReadOnly
		return
	}
	for _, im := range c.Members {
		if m.Group.Primary != "" && h.ids[im.Name].uuid == m.Group.Primary {
			s.Source = im.Name
		}
	}
	if source := members[s.Source]; source != nil && source.Version.Flavor == MySQL && source.Written != "" {
		s.Entries = missing(MySQL, source.Written, Channel{}, m.Written)
	}
}
