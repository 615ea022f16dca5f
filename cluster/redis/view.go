package redis

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	// maxSilence is how long a link may be silent where the inventory says nothing: a
	// primary pings each replica every 10 s.
	maxSilence = 25 * time.Second
	// maxUnacknowledged is how long a replica may not have acknowledged anything, which
	// it does every second, in the eyes of its source.
	maxUnacknowledged = 10 * time.Second
)

// assemble makes a View of the looks, which stand in the order of the inventory.
func assemble(c cluster.Cluster, members []look[Member], sentinels []look[Sentinel]) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	known := addresses(c, members)
	for i, l := range members {
		mv := cluster.MemberView{Name: c.Members[i].Name, Reachable: l.answer != nil, Sync: &cluster.Sync{Up: l.answer != nil}}
		if l.answer == nil {
			line.Blame(&mv, l.err)
		} else {
			for j, r := range l.answer.Replicas {
				l.answer.Replicas[j].Name = known[r.Address]
			}
			mv.Version, mv.Sync.Role, mv.Detail = l.answer.Version, l.answer.Role, l.answer
		}
		v.Members = append(v.Members, mv)
	}
	for i, m := range v.Members {
		if d, ok := m.Detail.(*Member); ok {
			follow(v, c.Members[i].Name, d, m.Sync, known, c.Redis.MaxSilence)
		}
	}
	v.Witnesses = witnesses(c, sentinels, known)
	v.Detail = summary(v)
	return v
}

// addresses are the members' names by the addresses that others may know them at: the
// one that is declared, and the one that its name stands for.
func addresses(c cluster.Cluster, members []look[Member]) map[string]string {
	known := map[string]string{}
	for i, m := range c.Members {
		if network, address, _, err := line.Place(m.Endpoint); err == nil && network == "tcp" {
			known[address] = m.Name
		}
		if members[i].remote != "" {
			known[members[i].remote] = m.Name
		}
	}
	return known
}

// follow fills in s, how the member that said d follows its source.
func follow(v cluster.View, name string, d *Member, s *cluster.Sync, known map[string]string, silence time.Duration) {
	if d.Role == cluster.Primary {
		s.Running = d.takesWrites()
		return
	}
	if silence <= 0 {
		silence = maxSilence
	}
	source, seen := sourceOf(v, name, d, known)
	s.Source = source.name
	s.Running = d.Link.Up && !d.Link.Syncing && !d.Loading && d.Link.Silent != nil && *d.Link.Silent <= silence.Seconds() &&
		source.agrees(seen, min(silence, maxUnacknowledged))
	s.Bytes = behind(v, d)
	if p, ok := solePrimary(v); ok {
		d.Shared = new(p.ReplID == d.ReplID)
	}
	if !s.Running && s.Bytes != nil && *s.Bytes == 0 {
		s.Bytes = nil // nothing is known of what its source has written since
	}
}

// source is a member that another follows.
type source struct {
	name   string
	detail *Member // nil: it could not be asked
}

// sourceOf finds what a replica follows: the member at the address that it names; else,
// behind a translation of addresses, the one that names the replica among its own; else
// the one primary that has the same history. seen is the replica as that member sees it,
// nil: not.
func sourceOf(v cluster.View, name string, d *Member, known map[string]string) (source, *Follower) {
	var listed, same []source
	var seen *Follower
	for _, m := range v.Members {
		told, _ := m.Detail.(*Member)
		if m.Name == name {
			continue
		}
		if known[d.Link.Source] == m.Name {
			return source{m.Name, told}, told.follower(name)
		}
		if f := told.follower(name); f != nil {
			listed, seen = append(listed, source{m.Name, told}), f
		}
		if told != nil && told.Role == cluster.Primary && told.ReplID == d.ReplID {
			same = append(same, source{m.Name, told})
		}
	}
	switch {
	case len(listed) == 1:
		return listed[0], seen
	case len(listed) == 0 && len(same) == 1:
		return same[0], nil
	}
	return source{}, nil
}

// follower is the replica of that name as d sees it, nil: not, or d is nil.
func (d *Member) follower(name string) *Follower {
	if d == nil {
		return nil
	}
	for i, f := range d.Replicas {
		if f.Name == name {
			return &d.Replicas[i]
		}
	}
	return nil
}

// agrees tells that the source, where it could be asked, sees the replica too: a link
// that is cut without a word looks up from both ends for a minute, and stays silent. A
// source with replicas that nobody can name proves nothing of one that it does not.
func (s source) agrees(seen *Follower, limit time.Duration) bool {
	switch {
	case s.detail == nil:
		return true
	case seen != nil:
		return seen.Online && seen.Acknowledged <= limit.Seconds()
	}
	for _, f := range s.detail.Replicas {
		if f.Name == "" {
			return true
		}
	}
	return s.detail.Connected > len(s.detail.Replicas)
}

// solePrimary is the one reachable primary, if there is one.
func solePrimary(v cluster.View) (primary *Member, ok bool) {
	for _, m := range v.Members {
		if p, is := m.Detail.(*Member); is && p.Role == cluster.Primary {
			if primary != nil {
				return nil, false
			}
			primary = p
		}
	}
	return primary, primary != nil
}

// behind is how many bytes d has not of what the one primary with the same history has.
// nil: there is none, or more than one, or it cannot be asked.
func behind(v cluster.View, d *Member) *float64 {
	var primary *Member
	for _, m := range v.Members {
		if p, ok := m.Detail.(*Member); ok && p.Role == cluster.Primary && p.ReplID == d.ReplID {
			if primary != nil {
				return nil
			}
			primary = p
		}
	}
	if primary == nil || primary.Offset == nil || d.Offset == nil {
		return nil
	}
	// Never negative: what was asked later may have more.
	return new(max(0, *primary.Offset-*d.Offset))
}

// witnesses are the Sentinels.
func witnesses(c cluster.Cluster, sentinels []look[Sentinel], known map[string]string) []cluster.MemberView {
	var all []cluster.MemberView
	for i, l := range sentinels {
		mv := cluster.MemberView{Name: c.Redis.Sentinels[i], Reachable: l.answer != nil}
		if s := l.answer; s == nil {
			line.Blame(&mv, l.err)
		} else {
			s.Primary = known[s.Address]
			for _, address := range s.down {
				if name := known[address]; name != "" {
					s.Down = append(s.Down, name)
				}
			}
			mv.Detail = s
		}
		all = append(all, mv)
	}
	return all
}

// summary says what the members and the Sentinels agree on.
func summary(v cluster.View) *Summary {
	var s Summary
	primary := ""
	for _, m := range v.Members {
		if d, ok := m.Detail.(*Member); ok && d.Role == cluster.Primary {
			s.Primaries++
			primary = m.Name
		}
	}
	votes, named := 0, map[string]bool{}
	for _, w := range v.Witnesses {
		if d, ok := w.Detail.(*Sentinel); ok {
			named[d.Address] = true
			if d.Primary != "" && d.Primary == primary {
				votes++
			}
		}
	}
	s.Disagree = len(named) > 1
	s.Agreed = s.Primaries == 1 && (len(v.Witnesses) == 0 || majority(votes, len(v.Witnesses)))
	return &s
}
