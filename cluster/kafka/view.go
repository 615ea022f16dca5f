package kafka

import (
	"fmt"
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Member is one broker.
type Member struct {
	// ID is its number; nil: the cluster advertises no broker at its endpoint.
	ID *int32
	// Controller tells that the brokers name it as the controller.
	Controller bool
	// Leads counts the partitions that it leads, Replicas those of which it is to have a
	// copy, OutOfSync those of these whose copy is behind. nil: no broker told of topics.
	Leads, Replicas, OutOfSync *float64
}

// Summary is the cluster as a whole. What no broker told is nil.
type Summary struct {
	// Brokers counts those that the broker names which speaks for the cluster; Controller
	// tells that it names one of them as the controller, where none speaks that any does.
	Brokers    *float64
	Controller bool
	// Differ tells that brokers which answer name different brokers of the cluster.
	Differ     bool
	Topics     *float64
	Partitions *float64
	// UnderReplicated have a replica that is behind or away, Offline no leader, BelowMin fewer
	// replicas in sync than min.insync.replicas: acks=all is refused.
	UnderReplicated, Offline, BelowMin *float64
	Groups                             []Group
	// Err is why some of it is missing; it has no secrets.
	Err error
}

// Group is a consumer group.
type Group struct {
	Name string
	// Up tells that its coordinator told its offsets.
	Up bool
	// Partitions counts those in which it has committed an offset, Unread those of these
	// whose end could not be read, or lies before that offset.
	Partitions, Unread int
	// Lag is how many records are beyond its offsets, MostLag those of the partition with
	// most. nil: the group has no offsets, or a partition's end could not be read.
	Lag, MostLag *float64
}

// assemble makes a View of the answers.
func assemble(c cluster.Cluster, s survey) cluster.View {
	v := cluster.View{Cluster: c.Name, Kind: c.Kind}
	told := &Summary{Err: s.err}
	v.Detail, v.Mismatch = told, s.differ
	if s.speaker != nil {
		v.ID = fmt.Sprintf("%.64s", s.speaker.id)
	}
	told.from(s)
	for i, l := range s.looks {
		mv := cluster.MemberView{Name: c.Members[i].Name, Reachable: l.meta != nil, Sync: &cluster.Sync{Up: l.meta != nil}}
		if l.meta == nil {
			line.Blame(&mv, l.err)
			v.Members = append(v.Members, mv)
			continue
		}
		d := &Member{}
		if id, ok := numberOf(c.Members[i], s.looks); ok {
			d.ID = &id
			d.Controller = l.meta.controller == id
			d.copies(s.topics, id)
		}
		mv.Detail = d
		mv.Sync.Role = cluster.Replica
		mv.Sync.Running = d.OutOfSync != nil && *d.OutOfSync == 0
		v.Members = append(v.Members, mv)
	}
	told.partitions(s)
	for _, name := range c.Kafka.Groups {
		i := slices.IndexFunc(s.groups, func(g group) bool { return g.name == name })
		if i < 0 {
			told.Groups = append(told.Groups, Group{Name: name})
			continue
		}
		told.Groups = append(told.Groups, lag(s.groups[i], s.ends))
	}
	return v
}

// copies counts the partitions of one broker. One that the topics' view does not name
// any more is in sync with nothing.
func (d *Member) copies(topics *meta, id int32) {
	if topics == nil || !slices.ContainsFunc(topics.brokers, func(b broker) bool { return b.id == id }) {
		return
	}
	var leads, replicas, out float64
	for _, p := range topics.partitions {
		if p.leader == id {
			leads++
		}
		if slices.Contains(p.replicas, id) {
			replicas++
			if !slices.Contains(p.isr, id) || slices.Contains(p.absent, id) {
				out++
			}
		}
	}
	d.Leads, d.Replicas, d.OutOfSync = &leads, &replicas, &out
}

// from takes what the brokers say of the cluster.
func (s *Summary) from(seen survey) {
	s.Differ = seen.differ
	if seen.speaker != nil {
		s.Brokers = new(float64(len(seen.speaker.brokers)))
		s.Controller = seen.speaker.names()
		return
	}
	s.Controller = slices.ContainsFunc(seen.looks, func(l look) bool { return l.meta != nil && l.meta.names() })
}

func (s *Summary) partitions(seen survey) {
	if seen.topics == nil {
		return
	}
	var under, offline, below float64
	known := true
	for _, p := range seen.topics.partitions {
		if p.leader < 0 {
			offline++
		}
		if len(p.isr) >= len(p.replicas) && len(p.absent) == 0 {
			continue
		}
		under++
		least, ok := seen.least[p.topic]
		known = known && ok
		if ok && len(p.isr) < least {
			below++
		}
	}
	s.Topics, s.Partitions = new(float64(seen.topics.topics)), new(float64(len(seen.topics.partitions)))
	s.UnderReplicated, s.Offline = &under, &offline
	if known {
		s.BelowMin = &below
	}
}

// lag is how far a group is behind the ends of its partitions. These were asked later, so
// one before the group's offset is that of another topic of the name, or of lost records.
func lag(g group, ends map[place]int64) Group {
	told := Group{Name: g.name, Up: g.committed != nil, Partitions: len(g.committed)}
	var sum, most float64
	for at, offset := range g.committed {
		end, ok := ends[at]
		if !ok || end < offset {
			told.Unread++
			continue
		}
		behind := float64(end - offset)
		sum, most = sum+behind, max(most, behind)
	}
	if told.Partitions > 0 && told.Unread == 0 {
		told.Lag, told.MostLag = &sum, &most
	}
	return told
}
