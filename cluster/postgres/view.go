package postgres

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// assemble makes a View of the looks, which stand in inventory order. mem has the looks
// before, and takes in these.
func assemble(c cluster.Cluster, looks []look, mem *memory, now time.Time) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	for i, l := range looks {
		mv := cluster.MemberView{Name: c.Members[i].Name, Sync: &cluster.Sync{}}
		if l.seen == nil {
			line.Blame(&mv, l.err)
		} else {
			mv.Reachable, mv.Version, mv.ID, mv.Detail = true, l.seen.Release(), l.seen.System, l.seen
			match(c, looks, i, mem)
		}
		v.Members = append(v.Members, mv)
	}
	if p := onlyPrimary(looks); p != nil {
		mem.history.note(originOf(p.seen), *p.seen.Current, p.asked)
	}
	for i, l := range looks {
		switch s := v.Members[i].Sync; {
		case l.seen == nil:
		case !l.seen.Recovery:
			*s = cluster.Sync{Role: cluster.Primary, Up: true, Running: !l.seen.ReadOnly}
			v.ID = l.seen.System
		default:
			*s = cluster.Sync{Role: cluster.Replica, Up: l.seen.Replayed != nil, Running: l.seen.Streaming() && !l.seen.Paused, Source: source(c, looks, i)}
			behind(s, l.seen, primaryOf(l.seen, looks), mem, now)
		}
	}
	return v
}

// onlyPrimary is the primary, if one of the looks is at one and no other is.
func onlyPrimary(looks []look) *look {
	var found *look
	for i, l := range looks {
		if l.seen == nil || l.seen.Recovery || l.seen.Current == nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = &looks[i]
	}
	return found
}

// primaryOf finds the primary whose log the standby replays: of the same origin, and
// the only one. Two of them, or one on another timeline, have histories that may have
// parted, and no difference of positions says anything then.
func primaryOf(standby *Member, looks []look) *look {
	if standby.Timeline == 0 {
		return nil
	}
	return onlyPrimary(slices.DeleteFunc(slices.Clone(looks), func(l look) bool { return l.seen != nil && originOf(l.seen) != originOf(standby) }))
}

func originOf(m *Member) origin { return origin{m.System, m.Timeline} }

// behind says how far the standby is behind the primary, which is nil if there is none
// to compare it with. The two were asked at the same time and not at the same instant:
// whichever was first, a standby that has all that its primary had is not behind. One
// that does not run is never told to be 0 behind; one that is ahead of its primary
// without following it has what the primary lost, and is behind by no number.
func behind(s *cluster.Sync, standby *Member, primary *look, mem *memory, now time.Time) {
	if primary == nil || standby.Replayed == nil {
		return
	}
	at, has, zero := *standby.Replayed, *primary.seen.Current, 0.0
	standby.PositionAge = mem.history.age(originOf(standby), at, now)
	if standby.ReplayedAt != nil {
		if age := primary.seen.Now - *standby.ReplayedAt; age > 0 { // else the clocks of two primaries differ
			standby.CommitAge = &age
		}
	}
	switch {
	case at < has:
		n := float64(has - at)
		s.Bytes, s.Seconds = &n, least(standby.PositionAge, standby.CommitAge)
	case s.Running:
		s.Bytes, s.Seconds = &zero, &zero
	}
}

func least(a, b *float64) *float64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// source is the inventory's name of what the standby i is connected to: the member at
// that address, else the member that tells of its other end.
func source(c cluster.Cluster, looks []look, i int) string {
	r := looks[i].seen.Receiver
	if r == nil {
		return ""
	}
	for _, m := range c.Members {
		if m.Endpoint != "" && m.Endpoint == endpoint(r.Host, r.Port) {
			return m.Name
		}
	}
	found := ""
	for j, m := range c.Members {
		if seen := looks[j].seen; j != i && seen != nil {
			if _, lists := seen.Standbys[c.Members[i].Name]; lists && found == "" {
				found = m.Name
			} else if lists {
				return ""
			}
		}
	}
	return found
}

// endpoint is how the inventory would write the address of a server.
func endpoint(host string, port int) string {
	if strings.HasPrefix(host, "/") {
		return "unix://" + filepath.Join(host, ".s.PGSQL."+strconv.Itoa(port))
	}
	return "postgres://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// match finds the inventory's standbys among those connected to the member i: by the
// slot that only one of them says it uses, else by the name that they gave. A standby
// whose old connection has not timed out yet has two rows: the one further on counts.
func match(c cluster.Cluster, looks []look, i int, mem *memory) {
	seen := looks[i].seen
	seen.Standbys = map[string]Standby{}
	for _, row := range seen.StandbyRows {
		name := named(c, looks, i, row)
		if name == "" {
			seen.Unlisted++
			continue
		}
		if other, two := seen.Standbys[name]; !two || further(row, other) {
			seen.Standbys[name] = row
		}
	}
	for name, row := range seen.Standbys {
		seen.Standbys[name] = mem.fresh(c.Members[i].Name+"/"+name, row)
	}
}

func named(c cluster.Cluster, looks []look, i int, row Standby) string {
	users := 0
	name := ""
	for j, l := range looks {
		if j != i && row.Slot != "" && l.seen != nil && l.seen.Receiver != nil && l.seen.Receiver.Slot == row.Slot {
			users++
			name = c.Members[j].Name
		}
	}
	if users == 1 {
		return name
	}
	for j, m := range c.Members {
		if j != i && m.Name == row.Name {
			return m.Name
		}
	}
	return ""
}

func further(a, b Standby) bool {
	if (a.State == "streaming") != (b.State == "streaming") {
		return a.State == "streaming"
	}
	return a.Replayed != nil && (b.Replayed == nil || *a.Replayed > *b.Replayed)
}
