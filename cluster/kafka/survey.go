package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostTopics bounds those whose configuration is asked for: of the ones with replicas
// that are behind.
const mostTopics = 100

// survey is everything that was answered.
type survey struct {
	looks   []look // in the order of the inventory
	speaker *meta  // of the broker that speaks for the cluster; nil: none does
	differ  bool   // brokers name different ones
	topics  *meta  // nil: not told
	// least is min.insync.replicas of the topics with replicas that are behind.
	least  map[string]int
	groups []group // in the order of the configuration
	ends   map[place]int64
	err    error // why some of it is missing
}

// look is what one broker answered.
type look struct {
	meta *meta // nil: it could not be asked
	err  error
}

// group is a consumer group.
type group struct {
	name        string
	coordinator int32
	committed   map[place]int64 // nil: not told
	err         error
}

// survey asks everybody for the brokers, and goes on with those that answered within
// half of the time: one that hangs costs no more.
func (d *Driver) survey(ctx context.Context) survey {
	s := survey{looks: make([]look, len(d.brokers)), ends: map[place]int64{}}
	until, _ := ctx.Deadline()
	first, cancel := context.WithTimeout(ctx, time.Until(until)/2) // a scrape may leave less than d.timeout
	defer cancel()
	var all sync.WaitGroup
	for i, a := range d.brokers {
		all.Go(func() {
			s.looks[i].err = a.do(first, func(ctx context.Context, c *conn) (err error) {
				s.looks[i].meta, err = metadataOf(ctx, c, false)
				return err
			})
			if s.looks[i].err != nil {
				s.looks[i].meta = nil
			}
		})
	}
	all.Wait()
	i := s.choose(d.cluster)
	if i < 0 {
		return s
	}
	s.err = d.brokers[i].do(ctx, func(ctx context.Context, c *conn) error { return s.ask(ctx, c, d.cluster.Kafka.Groups) })
	d.committed(ctx, &s)
	d.ends(ctx, &s)
	return s
}

// ask puts the questions that any broker can answer.
func (s *survey) ask(ctx context.Context, c *conn, groups []string) error {
	topics, err := metadataOf(ctx, c, true)
	if err != nil {
		return err
	}
	s.topics = topics
	for _, name := range groups {
		g := group{name: name}
		if g.coordinator, g.err = coordinatorOf(ctx, c, name); g.err != nil && !usable(g.err) {
			return g.err
		}
		s.groups = append(s.groups, g)
	}
	behind := map[string]bool{}
	for _, p := range topics.partitions {
		if len(p.isr) < len(p.replicas) {
			behind[p.topic] = true
		}
	}
	names := slices.Sorted(maps.Keys(behind))
	if s.least = map[string]int{}; len(names) == 0 {
		return nil
	}
	s.least, err = leastInSync(ctx, c, names[:min(len(names), mostTopics)])
	return err
}

// committed asks the groups' coordinators.
func (d *Driver) committed(ctx context.Context, s *survey) {
	var all sync.WaitGroup
	for i := range s.groups {
		g := &s.groups[i]
		a := d.broker(s, g.coordinator)
		if g.err == nil && a == nil {
			g.err = fmt.Errorf("its coordinator is the broker %d, which cannot be asked, or is not listed", g.coordinator)
		}
		if g.err == nil {
			all.Go(func() {
				g.err = a.do(ctx, func(ctx context.Context, c *conn) (err error) {
					g.committed, err = committedOf(ctx, c, g.name)
					return err
				})
			})
		}
	}
	all.Wait()
	for i, g := range s.groups {
		if g.err != nil {
			s.groups[i].committed = nil
			s.err = errors.Join(s.err, line.Because(line.Reason(g.err), fmt.Errorf("group %q: %w", g.name, g.err)))
		}
	}
}

// ends asks the leaders of the partitions that the groups read.
func (d *Driver) ends(ctx context.Context, s *survey) {
	wanted := map[place]bool{}
	for _, g := range s.groups {
		for p := range g.committed {
			wanted[p] = true
		}
	}
	if s.topics == nil || len(wanted) == 0 {
		return
	}
	byLeader := map[int32][]place{}
	for _, p := range s.topics.partitions {
		if at := (place{p.topic, p.index}); wanted[at] {
			byLeader[p.leader] = append(byLeader[p.leader], at)
		}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for leader, places := range byLeader {
		a := d.broker(s, leader)
		if a == nil {
			continue // the partitions count as unread
		}
		all.Go(func() {
			var ends map[place]int64
			err := a.do(ctx, func(ctx context.Context, c *conn) (err error) {
				ends, err = endsOf(ctx, c, places)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(s.ends, ends)
			if err != nil {
				s.err = errors.Join(s.err, fmt.Errorf("ask the broker %d where partitions end: %w", leader, err))
			}
		})
	}
	all.Wait()
}

// broker is who to ask for the one of that number; nil: it cannot be asked, or the
// inventory does not list it.
func (d *Driver) broker(s *survey, id int32) *asked {
	for i, m := range d.cluster.Members {
		if of, ok := numberOf(m, s.looks); ok && of == id && s.looks[i].meta != nil {
			return d.brokers[i]
		}
	}
	return nil
}

// numberOf is a member's number, as any broker tells it by the address that the cluster
// advertises.
func numberOf(m cluster.Member, looks []look) (int32, bool) {
	_, address, _, err := line.Place(m.Endpoint)
	if err != nil {
		return 0, false
	}
	for _, l := range looks {
		if l.meta == nil {
			continue
		}
		for _, b := range l.meta.brokers {
			if b.address == address {
				return b.id, true
			}
		}
	}
	return 0, false
}
