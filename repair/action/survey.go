package action

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// statusTimeout bounds one service manager's answer: a single command that hangs is
// one target that fails, and not a look that does.
const statusTimeout = 2 * time.Second

// surveyAtOnce is how many clusters and services are asked at the same time.
const surveyAtOnce = 64

// Survey looks at every target of the inventory, for the storm guard: a health
// question to each member of a cluster, the service manager's word for what does not
// answer and for plain services. What is stopped on purpose should not be running. A
// plain service that cannot be reached from here is not counted; what cannot be told
// of anything else counts as failing.
func Survey(ctx context.Context, d Deps, clusters []cluster.Cluster) repair.Fleet {
	f := repair.Fleet{Asked: d.Clock()}
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		slots = make(chan struct{}, surveyAtOnce)
	)
	for _, c := range clusters {
		all.Go(func() {
			running, failing := d.surveyCluster(ctx, c, slots)
			mu.Lock()
			defer mu.Unlock()
			f.Running += running
			f.Failing += failing
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		f.Err = fmt.Errorf("the look was not over in time: %w", context.Cause(ctx))
	}
	return f
}

// surveyCluster counts one cluster's targets.
func (d Deps) surveyCluster(ctx context.Context, c cluster.Cluster, slots chan struct{}) (running, failing int) {
	answers := map[string]bool{}
	if c.Kind == cluster.KindEtcd {
		if driver, ok := d.Etcd(c.Name); ok {
			slots <- struct{}{}
			for _, m := range driver.View(ctx).Members {
				answers[m.Name] = m.Reachable
			}
			<-slots
		}
	}
	for _, m := range c.Members {
		if answers[m.Name] {
			running++
			continue
		}
		slots <- struct{}{}
		s, err := d.surveyService(ctx, cluster.Target{Cluster: c, Member: m})
		<-slots
		switch {
		case err == nil && s.State == cluster.ServiceStopped:
		case c.Kind != cluster.KindEtcd && err != nil:
		case c.Kind != cluster.KindEtcd && s.State == cluster.ServiceRunning:
			running++
		default:
			running++
			failing++
		}
	}
	return running, failing
}

func (d Deps) surveyService(ctx context.Context, t cluster.Target) (cluster.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	return d.Services.Status(ctx, t)
}
