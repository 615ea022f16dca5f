package mysql

import (
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// assemble makes a View of the looks, which stand in inventory order, and of what h
// remembers, and notes in h what a later look needs. The answers' Members are completed
// and become the View's Details.
func assemble(c cluster.Cluster, looks []look, h *history, now time.Time) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	members := map[string]*Member{}
	for i, m := range c.Members {
		h.noteMember(m.Name, looks[i], now)
		if looks[i].member != nil {
			members[m.Name] = looks[i].member
		}
	}
	for name, m := range members {
		for i := range m.Channels {
			h.complete(c, members, name, m, &m.Channels[i], now)
		}
	}
	roles := h.roles(c, members)
	for i, im := range c.Members {
		mv := cluster.MemberView{Name: im.Name, Sync: &cluster.Sync{}}
		if m := looks[i].member; m != nil {
			mv.Reachable, mv.Version, mv.Detail = true, cleanName(looks[i].text), m
			m.Orphaned = h.orphaned[im.Name]
			mv.Sync = h.follow(c, members, im.Name, roles[im.Name])
			mv.ID = idOf(m)
			h.noteWritten(im.Name, m, now)
		}
		v.Members = append(v.Members, mv)
	}
	return v
}

func idOf(m *Member) string {
	if m.UUID != "" {
		return cleanName(m.UUID)
	}
	return strconv.FormatUint(m.ServerID, 10)
}

// complete fills in what a channel's own server cannot say.
func (h *history) complete(inv cluster.Cluster, members map[string]*Member, name string, m *Member, c *Channel, now time.Time) {
	c.Source = h.source(inv, name, *c)
	c.Alive = h.alive(name, c, h.nameless())
	f := m.Version.Flavor
	if c.Received != "" {
		c.Unapplied = missing(f, c.Received, *c, m.Applied)
	}
	source := members[c.Source]
	if source == nil {
		return
	}
	if source.Version.Flavor == f && (source.Written != "" || f == MariaDB && source.Binlog != nil) {
		c.Missing = missing(f, source.Written, *c, m.Applied)
		if c.Received != "" {
			c.Unreceived = missing(f, source.Written, *c, c.Received, m.Applied)
		}
		if f == MySQL && m.UUID != "" {
			m.Errant = errant(m, source)
		}
		h.compare(name, c, m, now)
	}
	if c.Read.File == c.Executed.File && c.Read.Position < c.Executed.Position {
		c.Read = Coordinates{} // it connects anew, with GTIDs, and has not been told its place
	}
	c.UnreadBytes = source.Binlog.bytesTo(c.Read)
	if source.Binlog != nil {
		read := &Binlog{Coordinates: c.Read, Logs: source.Binlog.Logs}
		c.UnappliedBytes = read.bytesTo(c.Executed)
		h.logs[c.Source] = h.logs[c.Source] || c.Executed.File != "" && c.Executed.File != source.Binlog.File
	}
}

// source is the inventory's name of who the channel follows: who it says that it is, else
// who has its address.
func (h *history) source(inv cluster.Cluster, self string, c Channel) string {
	var named, sameID []string
	for _, m := range inv.Members {
		if m.Name == self {
			continue
		}
		id, known := h.ids[m.Name]
		switch at := h.address(m); {
		case known && id.uuid != "" && id.uuid == c.SourceUUID:
			return m.Name
		case known && id.uuid == "" && id.serverID != 0 && id.serverID == c.SourceID:
			sameID = append(sameID, m.Name)
		case c.Host != "" && (strings.EqualFold(at.host, c.Host) || strings.EqualFold(m.Host, c.Host)) && at.port == strconv.FormatUint(c.Port, 10):
			named = append(named, m.Name)
		}
	}
	for _, found := range [][]string{sameID, named} {
		if len(found) == 1 {
			return found[0]
		}
	}
	return ""
}

// missing counts the transactions that are in `all` and in none of `there`, without the
// domains that the channel leaves out. nil: one of them cannot be read.
func missing(f Flavor, all string, c Channel, there ...string) *float64 {
	left, err := parseGTIDs(f, all)
	if err != nil {
		return nil
	}
	for _, domain := range c.Ignored {
		delete(left, domain)
	}
	if len(c.Only) > 0 {
		taken := transactions{}
		for _, domain := range c.Only {
			taken[domain] = left[domain]
		}
		left = taken
	}
	for _, text := range there {
		set, err := parseGTIDs(f, text)
		if err != nil {
			return nil
		}
		left = left.without(set)
	}
	n := left.count()
	return &n
}

// errant counts the transactions that a replica wrote itself and its source has not. Those
// of others may be under way.
func errant(m, source *Member) *float64 {
	mine, err := parseGTIDs(MySQL, m.Applied)
	if err != nil {
		return nil
	}
	theirs, err := parseGTIDs(MySQL, source.Written)
	if err != nil {
		return nil
	}
	own := transactions{}
	for who, in := range mine {
		if server, _, _ := strings.Cut(who, ":"); server == strings.ToLower(m.UUID) {
			own[who] = in
		}
	}
	n := own.without(theirs).count()
	return &n
}

// seconds is how old what came over the channel is, beyond what it waits on purpose. nil:
// not to be told.
func (h *history) seconds(members map[string]*Member, name string, c Channel) *float64 {
	m := members[name]
	lag := (*float64)(nil)
	if source := members[c.Source]; source != nil {
		lag = behind(source.Heartbeat, m.Heartbeat) // true also over a link that is broken
	}
	if lag == nil && c.Alive && c.applies() && !h.links[name][c.Name].late {
		lag = c.Behind
	}
	if lag == nil {
		return nil
	}
	s := *lag
	if c.Delay != nil {
		s = max(s-*c.Delay, 0)
	}
	return &s
}
