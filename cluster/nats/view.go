package nats

import (
	"cmp"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// maxStreams is of how many streams a View tells, the first by account and name.
// maxServers is how large a meta group is believed to be.
const (
	maxStreams = 100
	maxServers = 1000
)

// Member is what a server says beyond a View.
type Member struct {
	// JetStream tells that it is on, and in a group with the others (or alone by design).
	JetStream bool
	// MetaSize is how many servers the meta group has, in its words; 0: not told.
	MetaSize                int
	Memory, Storage         uint64 // bytes in use by JetStream
	MaxMemory, MaxStorage   int64  // bytes that it may use; -1 or less: no limit
	Connections, SlowToRead int
	// Streams are those of which it has a replica, and told; nil: not told.
	Streams []Replica
	// LeftOut counts the streams that are too many.
	LeftOut int
	// Missing counts the streams of which it has no replica, and their leader says that it should.
	Missing int
}

// Stream names a stream.
type Stream struct{ Account, Name string }

// Replica is what a server says of its replica of a stream.
type Replica struct {
	Stream
	Leader   string // the server that it names; "": none, or the stream is not in a group
	Replicas int    // how many there should be
	Messages uint64
	Last     uint64 // its own last sequence
	// Behind is how many messages the stream's leader has beyond Last; nil where no
	// leader could be asked, and of the leader itself.
	Behind *uint64
	// Leads tells that it is the leader, in its own words.
	Leads bool
	// Follows tells that it names the leader of which most replicas say so, or is it.
	Follows bool

	others []string // the servers that have the other replicas, in its words
}

// assemble makes a View of the looks, which stand in inventory order. known are the
// server names seen before, by inventory name.
func assemble(c cluster.Cluster, looks []look, known map[string]string) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	for i, m := range c.Members {
		mv := cluster.MemberView{Name: m.Name, ID: known[m.Name], Sync: &cluster.Sync{}}
		if s := looks[i].varz; s != nil {
			mv.ID, mv.Reachable, mv.Version = s.ServerName, true, s.Version
			if s.JetStream != nil && s.JetStream.Meta != nil {
				mv.Leader = s.JetStream.Meta.Leader
			}
			d := detail(looks[i])
			mv.Learner = !d.JetStream // it has no vote in the meta group
			mv.Detail = d
		} else {
			line.Blame(&mv, looks[i].err)
		}
		v.Members = append(v.Members, mv)
	}
	unlisted(&v)
	compare(&v)
	follow(&v)
	return v
}

// unlisted counts the servers of the meta group that the inventory does not have: they
// vote. Their names nobody tells.
func unlisted(v *cluster.View) {
	size, listed := 0, 0
	for _, m := range v.Members {
		if !m.Learner {
			listed++
		}
		if d, ok := m.Detail.(*Member); ok {
			size = max(size, d.MetaSize)
		}
	}
	for range min(size, maxServers) - listed {
		v.Unlisted = append(v.Unlisted, "unknown")
	}
}

func detail(l look) *Member {
	d := &Member{Connections: l.varz.Connections, SlowToRead: l.varz.SlowConsumers}
	js := l.varz.JetStream
	if js == nil || js.Config == nil {
		return d
	}
	d.JetStream, d.MaxMemory, d.MaxStorage = true, js.Config.MaxMemory, js.Config.MaxStorage
	if js.Stats != nil {
		d.Memory, d.Storage = js.Stats.Memory, js.Stats.Storage
	}
	if js.Meta != nil {
		d.MetaSize = js.Meta.Size
	}
	if l.jsz == nil {
		return d
	}
	d.Streams = []Replica{}
	for _, a := range l.jsz.Accounts {
		for _, s := range a.Streams {
			r := Replica{Stream: Stream{a.Name, s.Name}, Replicas: s.Config.Replicas, Messages: s.State.Messages, Last: s.State.Last}
			if s.Cluster != nil {
				r.Leader = s.Cluster.Leader
				for _, o := range s.Cluster.Replicas {
					r.others = append(r.others, o.Name)
				}
			}
			r.Leads = r.Leader == l.varz.ServerName || s.Cluster == nil
			d.Streams = append(d.Streams, r)
		}
	}
	slices.SortFunc(d.Streams, func(a, b Replica) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
	if n := len(d.Streams); n > maxStreams {
		d.Streams, d.LeftOut = d.Streams[:maxStreams], n-maxStreams
	}
	return d
}

// compare fills in how far each replica is behind its stream's leader, and who has none.
func compare(v *cluster.View) {
	heads := leaders(v)
	has := map[Stream]map[string]bool{} // who has a replica, by server name
	each(v, func(m int, r *Replica) {
		if has[r.Stream] == nil {
			has[r.Stream] = map[string]bool{}
		}
		has[r.Stream][v.Members[m].ID] = true
		head, led := heads[r.Stream]
		if !led {
			return
		}
		if r == head.replica {
			r.Follows = true
			return
		}
		r.Follows = r.Leader == head.server
		var behind uint64
		if last := head.replica.Last; last > r.Last {
			behind = last - r.Last
		}
		r.Behind = &behind
	})
	for _, m := range v.Members {
		d, ok := m.Detail.(*Member)
		if !ok || d.Streams == nil || d.LeftOut > 0 {
			continue
		}
		for stream, head := range heads {
			if !has[stream][m.ID] && slices.Contains(head.replica.others, m.ID) {
				d.Missing++
			}
		}
	}
}

// head is the replica that leads a stream, and whose it is.
type head struct {
	server  string
	replica *Replica
}

// leaders are the leaders of streams. Of two that say that they lead, as one that was cut
// off does for a while, it is the one that more replicas name; of two that as many name,
// the one that is further: what it took was acknowledged by a majority.
func leaders(v *cluster.View) map[Stream]head {
	type claim struct {
		Stream
		server string
	}
	named := map[claim]int{}
	each(v, func(_ int, r *Replica) { named[claim{r.Stream, r.Leader}]++ })
	heads := map[Stream]head{}
	each(v, func(m int, r *Replica) {
		if !r.Leads {
			return
		}
		old, two := heads[r.Stream]
		if two {
			before, now := named[claim{r.Stream, old.replica.Leader}], named[claim{r.Stream, r.Leader}]
			two = before > now || before == now && old.replica.Last >= r.Last
		}
		if !two {
			heads[r.Stream] = head{v.Members[m].ID, r}
		}
	})
	return heads
}

func each(v *cluster.View, do func(member int, r *Replica)) {
	for i, m := range v.Members {
		if d, ok := m.Detail.(*Member); ok {
			for j := range d.Streams {
				do(i, &d.Streams[j])
			}
		}
	}
}

// follow fills in each member's Sync: it runs where it names the meta leader that a
// quorum names, and has a replica of each stream of which it should, which follows that
// stream's leader. Its lag is that of all its replicas together.
func follow(v *cluster.View) {
	leader, led := v.Leader()
	for i, m := range v.Members {
		d, ok := m.Detail.(*Member)
		if !ok {
			continue
		}
		s := m.Sync
		s.Up = d.JetStream && d.Streams != nil
		s.Running = led && d.JetStream && m.Leader == leader.ID
		s.Role = cluster.Replica
		if led && m.ID == leader.ID {
			s.Role = cluster.Primary
		} else if led {
			s.Source = leader.Name
		}
		if !s.Up {
			continue
		}
		var behind float64
		s.Running = s.Running && d.Missing == 0
		for _, r := range d.Streams {
			if !r.Follows {
				s.Running = false
			} else if r.Behind != nil {
				behind += float64(*r.Behind)
			}
		}
		if s.Running {
			s.Entries = &behind
		}
		v.Members[i].Sync = s
	}
}
