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
	// Leads tells that it is the leader.
	Leads bool
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

// compare fills in how far each replica is behind its stream's leader. Of two that say
// that they lead, as one that was cut off may, the one that is further counts: what it
// took was acknowledged by a majority.
func compare(v *cluster.View) {
	last := map[Stream]uint64{}
	led := map[Stream]bool{}
	each(v, func(_ int, r *Replica) {
		if r.Leads {
			last[r.Stream], led[r.Stream] = max(last[r.Stream], r.Last), true
		}
	})
	each(v, func(_ int, r *Replica) {
		if r.Leads || !led[r.Stream] {
			return
		}
		var behind uint64
		if last[r.Stream] > r.Last {
			behind = last[r.Stream] - r.Last
		}
		r.Behind = &behind
	})
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
// quorum names, and each stream of which it has a replica has a leader for it. Its lag
// is that of all its replicas together.
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
		known := true
		for _, r := range d.Streams {
			switch {
			case r.Leads:
			case r.Behind == nil:
				known, s.Running = false, false
			default:
				behind += float64(*r.Behind)
			}
		}
		if known && s.Running {
			s.Entries = &behind
		}
		v.Members[i].Sync = s
	}
}
