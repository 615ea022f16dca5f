package mongodb

import (
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxSilence is how long nothing may have been heard of a source where the inventory says
// nothing: heartbeats come every 2 s.
const maxSilence = 5 * time.Second

// Summary is the set as a whole.
type Summary struct {
	// Primaries counts the reachable members that say they are one; Primary is the one with
	// the highest term, "" where there is none or two in one term.
	Primaries int
	Primary   string
	// Voters, of the configuration of the reachable member with the highest term; those of
	// the inventory until one was read.
	Voters, VotersReachable int
	// Config is that configuration, by the inventory's names.
	Config map[string]Configured
	// Unlisted are the addresses in that configuration that are no member's of the inventory.
	Unlisted []string
}

// Majority is how many voters an election, and a write that lasts, needs.
func (s Summary) Majority() int { return s.Voters/2 + 1 }

// assemble makes a View of the looks, which stand in the order of the inventory.
func assemble(c cluster.Cluster, looks []look) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	known := addresses(c, looks)
	for i, l := range looks {
		mv := cluster.MemberView{Name: c.Members[i].Name, Reachable: l.answer != nil, Sync: &cluster.Sync{Up: l.answer != nil}}
		if d := l.answer; d == nil {
			line.Blame(&mv, l.err)
		} else {
			for j, p := range d.Peers {
				d.Peers[j].Name = known[p.Address]
			}
			if d.Set != "" && v.ID == "" {
				v.ID = d.Set
			}
			v.Mismatch = v.Mismatch || d.Set != "" && d.Set != v.ID
			mv.Version, mv.Detail = d.Version, d
		}
		v.Members = append(v.Members, mv)
	}
	s := summary(v, known)
	v.Unlisted, v.Detail = s.Unlisted, s
	for _, m := range v.Members {
		if d, ok := m.Detail.(*Member); ok {
			follow(v, *s, m, d, known, c.MongoDB.MaxSilence)
		}
	}
	return v
}

// addresses are the members' names by the addresses that the set has for them: as the
// inventory declares them, and as the member itself says it is called.
func addresses(c cluster.Cluster, looks []look) map[string]string {
	known := map[string]string{}
	for i, m := range c.Members {
		if _, address, _, err := line.Place(m.Endpoint); err == nil {
			known[address] = m.Name
		}
		if d := looks[i].answer; d != nil && d.Self != "" {
			known[d.Self] = m.Name
		}
	}
	return known
}

func summary(v cluster.View, known map[string]string) *Summary {
	s := &Summary{}
	var newest, primary *Member
	for _, m := range v.Members {
		d, ok := m.Detail.(*Member)
		if !ok {
			continue
		}
		if len(d.Config) > 0 && (newest == nil || d.Term > newest.Term) {
			newest = d
		}
		if d.State != "PRIMARY" {
			continue
		}
		s.Primaries++
		switch {
		case primary == nil || d.Term > primary.Term:
			primary, s.Primary = d, m.Name
		case d.Term == primary.Term:
			s.Primary = ""
		}
	}
	if primary != nil && newest != nil && newest.Term > primary.Term {
		s.Primary = "" // one that was voted out and does not know yet
	}
	if newest == nil {
		s.Voters = len(v.Members)
		return s
	}
	s.Config = map[string]Configured{}
	listed := map[string]cluster.MemberView{}
	for _, m := range v.Members {
		listed[m.Name] = m
	}
	for address, conf := range newest.Config {
		if conf.Votes > 0 {
			s.Voters++
			if listed[known[address]].Reachable {
				s.VotersReachable++
			}
		}
		if name := known[address]; name != "" {
			s.Config[name] = conf
		} else {
			s.Unlisted = append(s.Unlisted, fmt.Sprintf("%.255s", address))
		}
	}
	slices.Sort(s.Unlisted)
	return s
}

// follow fills in how the member m, which said d, follows its source.
func follow(v cluster.View, s Summary, m cluster.MemberView, d *Member, known map[string]string, silence time.Duration) {
	if silence <= 0 {
		silence = maxSilence
	}
	switch d.State {
	case "PRIMARY":
		m.Sync.Role = cluster.Primary
		m.Sync.Running = d.Writable && m.Name == s.Primary && d.hears(s, silence)
		return
	case "ARBITER":
		m.Sync.Role, m.Sync.Running = cluster.Arbiter, true
		return
	}
	m.Sync.Role, m.Sync.Source = cluster.Replica, known[d.Source]
	m.Sync.Running = d.State == "SECONDARY" && d.Source != "" && d.heard(d.Source, silence)
	m.Sync.Seconds = behind(v, s, d)
	if !m.Sync.Running && m.Sync.Seconds != nil && *m.Sync.Seconds == 0 {
		m.Sync.Seconds = nil // nothing is known of what its source has written since
	}
}

// heard tells that the peer at address answers heartbeats.
func (d *Member) heard(address string, silence time.Duration) bool {
	for _, p := range d.Peers {
		if p.Address == address {
			return p.Healthy && p.Silent != nil && *p.Silent <= silence.Seconds()
		}
	}
	return false
}

// hears tells that a primary hears a majority of voters, itself among them: one that is
// cut off goes on to say that it is the primary, and takes writes that will be undone.
func (d *Member) hears(s Summary, silence time.Duration) bool {
	votes := 0
	for address, conf := range d.Config {
		if conf.Votes > 0 && (address == d.Self || d.heard(address, silence)) {
			votes++
		}
	}
	return votes >= s.Majority()
}

// behind is how much older d's last change is than the primary's. What a member stays
// behind on purpose does not count. nil: there is no primary that can be asked.
func behind(v cluster.View, s Summary, d *Member) *float64 {
	m, ok := v.Member(s.Primary)
	if !ok || s.Primary == "" {
		return nil
	}
	p, _ := m.Detail.(*Member)
	if p == nil || p.Applied.IsZero() || d.Applied.IsZero() {
		return nil
	}
	return new(max(0, p.Applied.Sub(d.Applied).Seconds()-d.Config[d.Self].Delay))
}
