package action

import (
	"context"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// Served remembers, of each target's present process, that it was seen serving,
// and since when it is known. A process that has never served may still be
// replaying its log (ENGINE.md rule 14). The zero value is ready for use.
type Served struct {
	mu   sync.Mutex
	seen map[string]known // by target
}

// known is the last process seen of a target.
type known struct {
	identity string
	since    time.Duration // CLOCK_BOOTTIME when it was first seen
	served   bool
}

// note keeps that a process exists, and, if served, that it was there before a
// question which was then answered.
func (s *Served) note(target, identity string, served bool, now journal.Reading) known {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.seen[target]
	if k.identity != identity {
		k = known{identity: identity, since: now.Since}
	}
	k.served = k.served || served
	if s.seen == nil {
		s.seen = map[string]known{}
	}
	s.seen[target] = k
	return k
}

// WatchEvery is how often Watch looks.
const WatchEvery = 5 * time.Second

// Watch looks at each etcd cluster at once and then every WatchEvery until ctx
// ends, so that d.Served knows which processes serve before one of them hangs.
func Watch(ctx context.Context, d Deps, clusters []cluster.Cluster) {
	tick := time.NewTicker(WatchEvery)
	defer tick.Stop()
	for {
		var all sync.WaitGroup
		for _, c := range clusters {
			if c.Kind == cluster.KindEtcd {
				all.Go(func() { d.watchOnce(ctx, c) })
			}
		}
		all.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watchOnce asks the service managers first and the members then: a process that
// answers is the one that was there before, or a younger one, never the reverse.
func (d Deps) watchOnce(ctx context.Context, c cluster.Cluster) {
	driver, ok := d.Etcd(c.Name)
	if !ok {
		return
	}
	identities := make([]string, len(c.Members))
	var all sync.WaitGroup
	for i, m := range c.Members {
		all.Go(func() {
			// A member whose service cannot be asked is not remembered, and so is
			// taken for hung only by its age.
			if s, err := d.Services.Status(ctx, cluster.Target{Cluster: c, Member: m}); err == nil {
				identities[i] = s.Identity
			}
		})
	}
	all.Wait()
	view := driver.View(ctx)
	for i, m := range c.Members {
		if seen, ok := view.Member(m.Name); ok && seen.Reachable && seen.Leader != "" && identities[i] != "" {
			d.Served.note(cluster.Target{Cluster: c, Member: m}.String(), identities[i], true, d.Clock())
		}
	}
}
