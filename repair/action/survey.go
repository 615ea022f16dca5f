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

// Survey looks at every target of the inventory, for the guards that decide on it: a
// health question to each member of a cluster, the service manager's word for what does
// not answer and for plain services. What is stopped on purpose should not be running.
// A plain service that cannot be reached from here is not counted; what cannot be told
// of anything else counts as failing. A service that counted names is available only if
// it answers, too.
func Survey(ctx context.Context, d Deps, clusters []cluster.Cluster, counted func(target string) bool) repair.Fleet {
	f := repair.Fleet{Asked: d.Clock(), Available: map[string]bool{}}
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		slots = make(chan struct{}, surveyAtOnce)
	)
	for _, c := range clusters {
		all.Go(func() {
			seen := d.surveyCluster(ctx, c, counted, slots)
			mu.Lock()
			defer mu.Unlock()
			f.Running += seen.running
			f.Failing += seen.failing
			for _, t := range seen.available {
				f.Available[t] = true
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		f.Err = fmt.Errorf("the look was not over in time: %w", context.Cause(ctx))
	}
	return f
}

// seen is what a look saw of one cluster's targets.
type seen struct {
	running, failing int      // that should be running, and of those that fail
	available        []string // that do their work
}

// surveyCluster looks at one cluster's targets. A member of a quorum that names no
// leader answers, and is not available.
func (d Deps) surveyCluster(ctx context.Context, c cluster.Cluster, counted func(target string) bool, slots chan struct{}) (f seen) {
	answers := map[string]cluster.MemberView{}
	if c.Kind == cluster.KindEtcd {
		if driver, ok := d.Etcd(c.Name); ok {
			slots <- struct{}{}
			for _, m := range driver.View(ctx).Members {
				answers[m.Name] = m
			}
			<-slots
		}
	}
	for _, m := range c.Members {
		t := cluster.Target{Cluster: c, Member: m}
		if v := answers[m.Name]; v.Reachable {
			f.running++
			if v.Leader != "" {
				f.available = append(f.available, t.String())
			}
			continue
		}
		slots <- struct{}{}
		s, err := d.surveyService(ctx, t)
		silent := err == nil && s.State == cluster.ServiceRunning && m.Endpoint != "" && counted(t.String()) && probe(ctx, t) != nil
		<-slots
		switch {
		case err == nil && s.State == cluster.ServiceStopped:
		case c.Kind != cluster.KindEtcd && err != nil:
		case c.Kind != cluster.KindEtcd && s.State == cluster.ServiceRunning:
			f.running++
			if !silent {
				f.available = append(f.available, t.String())
			}
		default:
			f.running++
			f.failing++
		}
	}
	return f
}

func (d Deps) surveyService(ctx context.Context, t cluster.Target) (cluster.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	return d.Services.Status(ctx, t)
}
